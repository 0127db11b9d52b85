// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
import Synchronization

/// Time on a simulated loop: stands still until its scheduler moves it.
public struct SimulatedClock: LoopClock {
  private let loop: SimulatedLoop

  /// The clock of `loop`.
  public init(loop: SimulatedLoop) {
    self.loop = loop
  }

  /// The scheduler's time.
  public var now: LoopInstant { loop.scheduler.now }

  /// Sets a timer, which fires on the loop when the time has come and nothing else is ready.
  public func after(_ delay: Duration, _ fire: @escaping @Sendable () -> Void) -> any LoopTimer {
    let key = loop.scheduler.setTimer(
      after: delay, ReadyWork(process: loop.process, loop: loop, action: .call(fire)))
    return SimulatedTimer(scheduler: loop.scheduler, key: key)
  }

  /// Suspends the caller until `duration` has passed.
  public func pause(for duration: Duration) async {
    // Unsafe: the checked form complains when a killed process drops it.
    await withUnsafeContinuation { continuation in
      _ = after(duration) { continuation.resume() }
    }
  }
}

private final class SimulatedTimer: LoopTimer {
  private let scheduler: SimulatedScheduler
  private let key: TimerQueue.Key

  init(scheduler: SimulatedScheduler, key: TimerQueue.Key) {
    self.scheduler = scheduler
    self.key = key
  }

  func cancel() {
    scheduler.cancelTimer(key)
  }
}
