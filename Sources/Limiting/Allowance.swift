// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What one client may take of the server.
public struct Allowance: Sendable, Hashable {
  /// Requests per second in the long run; 0: as many as it likes.
  public var rate: Int
  /// Requests that it may make at once after a rest, on top of the rate.
  public var burst: Int
  /// Requests that are under way at once; 0: as many as it likes.
  public var concurrentMax: Int

  /// An allowance; without arguments one without any limit.
  public init(rate: Int = 0, burst: Int = 1, concurrentMax: Int = 0) {
    precondition(rate >= 0 && burst >= 1 && concurrentMax >= 0, "an allowance is not negative")
    self.rate = rate
    self.burst = burst
    self.concurrentMax = concurrentMax
  }

  /// Whether it limits anything.
  public var isLimiting: Bool { rate > 0 || concurrentMax > 0 }
}
