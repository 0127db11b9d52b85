// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
import Synchronization

/// A time of day that moves with the scheduler's time and can be set.
public final class SimulatedWallClock: WallClock {
  private let scheduler: SimulatedScheduler
  // Nanoseconds between the scheduler's origin and the epoch.
  private let offset: Mutex<Int64>

  /// A clock that shows 2026-01-01T00:00:01Z at the scheduler's start.
  public init(scheduler: SimulatedScheduler) {
    self.scheduler = scheduler
    offset = Mutex(1_767_225_600 * 1_000_000_000)
  }

  /// The time of day now.
  public var now: WallTime {
    let nanoseconds = Int64(clamping: scheduler.now.nanoseconds) &+ offset.withLock { $0 }
    return WallTime(
      seconds: nanoseconds / 1_000_000_000, nanoseconds: Int32(truncatingIfNeeded: nanoseconds % 1_000_000_000))
  }

  /// Moves the time of day by `duration`, which may be negative, as an operator or NTP would.
  public func shift(by duration: Duration) {
    let (seconds, attoseconds) = duration.components
    offset.withLock { $0 += seconds * 1_000_000_000 + attoseconds / 1_000_000_000 }
  }
}
