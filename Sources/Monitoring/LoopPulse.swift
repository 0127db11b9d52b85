// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryTelemetry
public import GantryWorld
internal import Synchronization

/// Measures how late one loop comes to what is due, and tells when it does not come at all.
///
/// Isolation: an actor on the loop it measures; ``isAlive(at:)`` may be asked from anywhere. Ten wake-ups a second.
public actor LoopPulse {
  /// Between beats.
  private static let interval = Duration.milliseconds(100)
  /// A loop without a beat for so long is taken for dead: nothing that the registry does on a loop takes seconds.
  public static let silenceMax = Duration.seconds(30)

  /// The largest lag is remembered for a minute, in pieces of ten seconds and the one that has begun: whoever scrapes,
  /// and however many do, sees it.
  private static let pieces = 7
  private static let pieceNanoseconds: UInt64 = 10_000_000_000

  private let loop: any LoopExecutor
  private nonisolated let lastBeat: Atomic<UInt64>
  private var lags = Histogram(.lagSeconds)
  /// The largest lag of each of the latest pieces of time, in a ring.
  private var largest = [UInt64](repeating: 0, count: LoopPulse.pieces)
  private var piece: UInt64 = 0
  private var timer: (any LoopTimer)?
  private var due = LoopInstant(nanoseconds: 0)

  /// The loop.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Of a loop that is measured from ``start()`` on.
  public init(on loop: any LoopExecutor) {
    self.loop = loop
    lastBeat = Atomic(0)
  }

  /// Begins to measure.
  public func start() {
    lastBeat.store(loop.clock.now.nanoseconds, ordering: .relaxed)
    wait()
  }

  /// Measures no more.
  public func stop() {
    timer?.cancel()
    timer = nil
  }

  /// Whether the loop has come by lately. Also said of one that is not measured yet.
  public nonisolated func isAlive(at now: LoopInstant) -> Bool {
    let last = lastBeat.load(ordering: .relaxed)
    return last == 0 || now.duration(since: LoopInstant(nanoseconds: last)) < Self.silenceMax
  }

  /// How late it was, and the most within the last minute.
  public var measures: (lags: Histogram, largest: UInt64) {
    turn(to: loop.clock.now)
    return (lags, largest.max() ?? 0)
  }

  /// Forgets the pieces that have passed.
  private func turn(to now: LoopInstant) {
    let current = now.nanoseconds / Self.pieceNanoseconds
    guard current > piece else { return }
    for passed in 0..<min(current - piece, UInt64(Self.pieces)) {
      largest[Int((current - passed) % UInt64(Self.pieces))] = 0
    }
    piece = current
  }

  private func wait() {
    due = loop.clock.now.advanced(by: Self.interval)
    timer = loop.clock.after(Self.interval) { [weak self] in
      self?.assumeIsolated { $0.beat() }
    }
  }

  private func beat() {
    let now = loop.clock.now
    let lag = now.duration(since: due).wholeNanoseconds
    lags.record(lag)
    turn(to: now)
    let place = Int(piece % UInt64(Self.pieces))
    largest[place] = max(largest[place], lag)
    lastBeat.store(now.nanoseconds, ordering: .relaxed)
    wait()
  }
}
