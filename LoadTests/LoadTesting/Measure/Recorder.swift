// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Counts on one loop, in the hot path of every answer.
///
/// Isolation: belongs to one loop.
final class Recorder {
  /// The measured time, in nanoseconds of the loops' clock.
  private(set) var from: UInt64 = .max
  private(set) var until: UInt64 = .max
  private var slotLength: UInt64 = 1
  private(set) var tally = Tally()
  /// Since the live line was fed last.
  var recent = LiveCounts()

  /// Begins a round: warm-up until `from`, the measured time until `until`.
  func begin(from: UInt64, until: UInt64, slots: Int) {
    (self.from, self.until) = (from, until)
    tally = Tally()
    tally.timeline = Array(repeating: Tally.Slot(), count: slots)
    slotLength = max(1, (until - from) / UInt64(max(1, slots)))
  }

  func succeeded(began: UInt64, ended: UInt64) {
    let latency = ended > began ? ended - began : 0
    recent.operations += 1
    recent.latency.record(latency)
    guard ended >= from else { return }
    if ended < until {
      tally.operations += 1
      tally.timeline[slot(ended)].operations += 1
    }
    if began >= from, began < until { tally.latency.record(latency) }
  }

  func failed(_ error: LoadError, ended: UInt64) {
    recent.faults += 1
    tally.count(error)
    if ended >= from, ended < until { tally.timeline[slot(ended)].faults += 1 }
  }

  func answered(at now: UInt64) {
    if now >= from, now < until { tally.requests += 1 }
  }

  func received(_ bytes: Int, at now: UInt64) {
    recent.bytes += UInt64(bytes)
    guard now >= from, now < until else { return }
    tally.received += UInt64(bytes)
    tally.timeline[slot(now)].bytes += UInt64(bytes)
  }

  func sent(_ bytes: Int, at now: UInt64) {
    recent.bytes += UInt64(bytes)
    guard now >= from, now < until else { return }
    tally.sent += UInt64(bytes)
    tally.timeline[slot(now)].bytes += UInt64(bytes)
  }

  /// Takes a blob or a manifest that the server has said to have.
  func acknowledged(_ bytes: Int, at now: UInt64) {
    if now >= from, now < until { tally.acknowledged += UInt64(bytes) }
  }

  func held(_ count: Int) { tally.held += UInt64(count) }

  func connected() { tally.connections += 1 }

  func neverBegan(_ count: UInt64) { tally.unstarted += count }

  private func slot(_ now: UInt64) -> Int {
    min(Int((now - from) / slotLength), tally.timeline.count - 1)
  }
}

/// What the live line shows of the last moments.
struct LiveCounts: Sendable {
  var operations: UInt64 = 0
  var bytes: UInt64 = 0
  var faults: UInt64 = 0
  var latency = LatencyHistogram()

  mutating func merge(_ other: LiveCounts) {
    operations += other.operations
    bytes += other.bytes
    faults += other.faults
    latency.merge(other.latency)
  }

  mutating func reset() {
    (operations, bytes, faults) = (0, 0, 0)
    latency.reset()
  }
}
