// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryWorld
internal import Synchronization

/// The time between the moment at which a stopping registry is not ready any more and the one at which it stops
/// listening: load balancers need it to see the first before they meet the second. Can be cut short.
///
/// Isolation: used on one loop.
final class DrainPause: Sendable {
  private struct State {
    var isOver = false
    var timer: (any LoopTimer)?
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  /// Waits for so long, or until ``end()``.
  func wait(_ duration: Duration, on loop: any LoopExecutor) async {
    guard duration > .zero else { return }
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        if !state.isOver { state.waiter = continuation }
        return state.isOver
      }
      if isOver { return continuation.resume() }
      let timer = loop.clock.after(duration) { self.end() }
      state.withLock { $0.timer = timer }
    }
  }

  /// Ends the wait, or keeps one from beginning.
  func end() {
    let (timer, waiter) = state.withLock { state in
      state.isOver = true
      return (state.timer.take(), state.waiter.take())
    }
    timer?.cancel()
    waiter?.resume()
  }
}
