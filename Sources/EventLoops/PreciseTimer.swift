// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
public import GantryWorld
internal import Glibc

/// Waits until points in time, to some tens of microseconds, where the loop's own timers round up to milliseconds.
///
/// Isolation and ownership: belongs to one loop and one task there; the owner closes it before dropping it.
public final class PreciseTimer {
  private let poll: SocketPoll

  /// Makes a timer. Called on the loop.
  public init(on loop: EventLoop) throws(LoopError) {
    let descriptor = Int32(gantry_timer())
    guard descriptor >= 0 else { throw LoopError("timerfd_create", descriptor) }
    do {
      poll = try SocketPoll(descriptor, on: loop)
    } catch {
      Socket.close(descriptor)
      throw error
    }
  }

  /// Waits until `instant` of the loop's clock has come, or the timer is closed. One task waits at a time.
  public func wait(until instant: LoopInstant) async {
    guard !poll.isClosed else { return }
    let result = gantry_timer_set(poll.descriptor, max(1, instant.nanoseconds))
    precondition(result >= 0, "timerfd_settime: \(LoopError.text(Int32(-result)))")
    await poll.readable()
    guard !poll.isClosed else { return }
    // Taking the count off makes the descriptor unreadable again; there is nothing else to learn from it.
    var count: UInt64 = 0
    _ = unsafe read(poll.descriptor, &count, MemoryLayout<UInt64>.size)
  }

  /// Ends the wait under way, and every later one at once. Idempotent.
  public func close() { poll.close() }
}
