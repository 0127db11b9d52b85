// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryWorld

/// What a live line shows of the last quarter of a second.
public struct LiveLine: Sendable {
  /// The scenario and the target.
  public var title: String
  /// The round, from 1, and of how many.
  public var round: (number: Int, of: Int)
  /// Operations per second.
  public var rate: Double
  /// Body bytes per second.
  public var bytesPerSecond: Double
  /// Latencies in nanoseconds.
  public var p50: UInt64
  /// The latency that one in a hundred exceeds, in nanoseconds.
  public var p99: UInt64
  /// Faults since the round began.
  public var faults: UInt64
  /// What is left of the round, in seconds; nil where it ends by itself.
  public var secondsLeft: Double?
}

/// Takes what the loops counted, four times a second.
///
/// Isolation: belongs to its loop.
final class LiveTicker: @unchecked Sendable {
  // Safe because: touched on its loop only.

  private static let period = Duration.milliseconds(250)

  private let loop: EventLoop
  private let feed: LiveFeed
  private let title: String
  private let round: (Int, Int)
  private let until: UInt64?
  private let show: @Sendable (LiveLine) -> Void
  private var timer: (any LoopTimer)?
  private var faults: UInt64 = 0
  private var last: UInt64

  init(
    _ loop: EventLoop, _ feed: LiveFeed, _ spec: ScenarioSpec, _ target: String, _ round: Int, _ rounds: Int,
    until: UInt64?, _ show: @escaping @Sendable (LiveLine) -> Void
  ) {
    (self.loop, self.feed, self.until, self.show) = (loop, feed, until, show)
    title = "\(spec.name) @ \(target)"
    self.round = (round + 1, rounds)
    last = loop.now.nanoseconds
  }

  func start() {
    timer = loop.clock.after(Self.period) { [self] in
      let now = loop.now.nanoseconds
      let counts = feed.take()
      let seconds = Double(now - last) / 1e9
      last = now
      faults += counts.faults
      show(
        LiveLine(
          title: title, round: (round.0, round.1), rate: Double(counts.operations) / seconds,
          bytesPerSecond: Double(counts.bytes) / seconds, p50: counts.latency.percentile(50),
          p99: counts.latency.percentile(99), faults: faults,
          secondsLeft: until.map { $0 > now ? Double($0 - now) / 1e9 : 0 }))
      start()
    }
  }

  func stop() { timer?.cancel() }
}
