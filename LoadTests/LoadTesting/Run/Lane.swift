// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryWorld

/// One loop's part of a run: its receive buffer, its counts and its connections.
///
/// Isolation: made anywhere, used on its loop.
final class Lane: @unchecked Sendable {
  // Safe because: everything but `loop` and the settings is touched on the loop's thread only, where every task of the
  // lane runs.

  /// How often connections are looked at for their time limit, and the live line is fed.
  private static let tick = Duration.milliseconds(100)
  /// Ticks that exchanges have to finish when the run is stopped early, before they are cut.
  private static let ticksToFinish = 20
  /// What one receive takes; every connection of the loop receives here.
  private static let bufferBytes = 256 << 10

  let index: Int
  let loop: EventLoop
  let recorder = Recorder()
  var buffer = [UInt8](repeating: 0, count: Lane.bufferBytes)
  /// How long a connection may rest within an exchange, in nanoseconds.
  var timeout: UInt64 = 30_000_000_000
  /// Whether bodies that nobody looks at are taken off the socket without a copy.
  var discards = false
  let feed: LiveFeed
  let stop: StopSign

  private var connections: [ObjectIdentifier: Connection] = [:]
  private var ticksSinceStop = 0
  private var timer: (any LoopTimer)?

  init(index: Int, loop: EventLoop, feed: LiveFeed, stop: StopSign) {
    (self.index, self.loop, self.feed, self.stop) = (index, loop, feed, stop)
  }

  /// Nanoseconds of the loop's clock.
  var now: UInt64 { loop.now.nanoseconds }

  func adopt(_ connection: Connection) { connections[ObjectIdentifier(connection)] = connection }

  /// Closes a connection for good.
  func retire(_ connection: Connection) {
    connection.close()
    connections[ObjectIdentifier(connection)] = nil
  }

  /// Closes every connection of the round.
  func retireAll() {
    for connection in connections.values { connection.close() }
    connections = [:]
  }

  /// Begins to look after time limits and to feed the live line.
  func beginTicking() {
    timer = loop.clock.after(Self.tick) { [self] in
      let now = now
      if stop.isRaised { ticksSinceStop += 1 }
      let isOverdue = ticksSinceStop > Self.ticksToFinish
      for connection in connections.values { connection.expire(isOverdue ? .max : now) }
      feed.add(recorder.recent)
      recorder.recent.reset()
      beginTicking()
    }
  }

  func endTicking() {
    timer?.cancel()
    timer = nil
    feed.add(recorder.recent)
    recorder.recent.reset()
  }

  /// Waits so long.
  func pause(_ duration: Duration) async {
    await withUnsafeContinuation { continuation in
      _ = loop.clock.after(duration) { continuation.resume() }
    }
  }
}
