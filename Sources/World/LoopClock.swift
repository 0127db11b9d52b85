// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A point in time that never goes back, in nanoseconds from an arbitrary origin.
@frozen
public struct LoopInstant: Sendable, Hashable, Comparable {
  /// Nanoseconds since the origin.
  public var nanoseconds: UInt64

  /// Makes an instant that many nanoseconds after the origin.
  @inlinable
  public init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  /// Earlier sorts first.
  @inlinable
  public static func < (left: LoopInstant, right: LoopInstant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The instant `duration` later; a negative duration is taken as zero.
  @inlinable
  public func advanced(by duration: Duration) -> LoopInstant {
    LoopInstant(nanoseconds: nanoseconds &+ duration.wholeNanoseconds)
  }

  /// How long after `earlier` this is; zero when it is not after it.
  @inlinable
  public func duration(since earlier: LoopInstant) -> Duration {
    .nanoseconds(Int64(clamping: nanoseconds < earlier.nanoseconds ? 0 : nanoseconds - earlier.nanoseconds))
  }
}

extension Duration {
  /// The duration in nanoseconds, clamped to what an unsigned 64-bit number holds; negative becomes zero.
  @inlinable
  public var wholeNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (scaled, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : scaled &+ UInt64(attoseconds / 1_000_000_000)
  }
}

/// The time of day, in seconds and nanoseconds since 1970-01-01T00:00:00Z.
@frozen
public struct WallTime: Sendable, Hashable, Comparable {
  /// Whole seconds since the epoch.
  public var seconds: Int64
  /// Nanoseconds within the second, 0 to 999 999 999.
  public var nanoseconds: Int32

  /// Makes a time of day.
  @inlinable
  public init(seconds: Int64, nanoseconds: Int32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// Earlier sorts first.
  @inlinable
  public static func < (left: WallTime, right: WallTime) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }
}

/// Reads the time of day. May be read from any thread; costs some tens of nanoseconds.
public protocol WallClock: Sendable {
  /// The time of day now.
  var now: WallTime { get }
}

/// Time on one loop. All calls are made on that loop.
public protocol LoopClock: Sendable {
  /// Now, from a source that never goes back.
  var now: LoopInstant { get }

  /// Calls `fire` once on the loop, `delay` from now at the earliest, unless the timer is cancelled first.
  func after(_ delay: Duration, _ fire: @escaping @Sendable () -> Void) -> any LoopTimer
}

/// A pending call. Used on its loop only.
public protocol LoopTimer: AnyObject, Sendable {
  /// Makes sure that the call never comes. Idempotent; does nothing once it has come.
  func cancel()
}
