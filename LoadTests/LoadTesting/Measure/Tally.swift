// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What was counted on one loop, or on all of them, in one round of one scenario at one target.
public struct Tally: Sendable {
  /// One step of the time line.
  public struct Slot: Sendable, Equatable {
    /// Operations that ended in it.
    public var operations: UInt64 = 0
    /// Bytes of bodies that moved in it.
    public var bytes: UInt64 = 0
    /// Operations that failed in it.
    public var faults: UInt64 = 0
  }

  /// Operations that ended well within the measured time.
  public var operations: UInt64 = 0
  /// Requests that were answered within the measured time; an operation may need several.
  public var requests: UInt64 = 0
  /// Body bytes received within the measured time.
  public var received: UInt64 = 0
  /// Body bytes sent within the measured time.
  public var sent: UInt64 = 0
  /// Body bytes of blobs and manifests whose push was answered 201 within the measured time, whenever they were sent.
  public var acknowledged: UInt64 = 0
  /// Latencies of operations that began within the measured time, whenever they ended.
  public var latency = LatencyHistogram()
  /// Operations that failed in the whole round, warm-up included, by kind.
  public var faults: [FaultKind: UInt64] = [:]
  /// The first fault of each kind in words.
  public var firstFaults: [FaultKind: String] = [:]
  /// Operations that an open loop had planned and that never began, because every client was busy until the end.
  public var unstarted: UInt64 = 0
  /// What a scenario of memory still held when it had been looked at: connections that are open, uploads that go on.
  public var held: UInt64 = 0
  /// Connections that were made.
  public var connections: UInt64 = 0
  /// The time line of the measured time.
  public var timeline: [Slot] = []

  /// Nothing yet.
  public init() {}

  /// All faults together.
  public var faultCount: UInt64 { faults.values.reduce(0, +) }

  /// Body bytes received and sent within the measured time.
  public var moved: UInt64 { received + sent }

  /// Adds another loop's counts, or another round's with `appendingTimeline`.
  public mutating func merge(_ other: Tally, appendingTimeline: Bool = false) {
    operations += other.operations
    requests += other.requests
    received += other.received
    sent += other.sent
    acknowledged += other.acknowledged
    latency.merge(other.latency)
    for (kind, count) in other.faults { faults[kind, default: 0] += count }
    for (kind, text) in other.firstFaults where firstFaults[kind] == nil { firstFaults[kind] = text }
    unstarted += other.unstarted
    held += other.held
    connections += other.connections
    if appendingTimeline {
      timeline += other.timeline
    } else {
      for (index, slot) in other.timeline.enumerated() {
        if index == timeline.count { timeline.append(Slot()) }
        timeline[index].operations += slot.operations
        timeline[index].bytes += slot.bytes
        timeline[index].faults += slot.faults
      }
    }
  }

  mutating func count(_ error: LoadError) {
    faults[error.kind, default: 0] += 1
    if firstFaults[error.kind] == nil { firstFaults[error.kind] = error.detail }
  }
}
