// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// A small, fast, seedable generator (Steele, Lea and Flood, 2014). The same seed gives the same numbers everywhere.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A generator whose whole future follows from `seed`.
  public init(seed: UInt64) {
    state = seed
  }

  /// The next number, uniform over all 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A number below `bound`. The bias of the plain remainder is below 2^-32 for the bounds that tests use.
  ///
  /// - Precondition: `bound` is positive.
  public mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0, "a bound is positive")
    return Int(next() % UInt64(bound))
  }

  /// True once in `times` calls on average.
  public mutating func oneIn(_ times: Int) -> Bool {
    below(times) == 0
  }

  /// All of `count` in one half of the cases, else any part of it from 1 on.
  ///
  /// - Precondition: `count` is positive.
  public mutating func part(of count: Int) -> Int {
    oneIn(2) ? count : 1 + below(count)
  }

  /// `count` random bytes.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(count + 8)
    while result.count < count {
      withUnsafeBytes(of: next().littleEndian) { result.append(contentsOf: $0) }
    }
    result.removeLast(result.count - count)
    return result
  }

  /// A duration within `range`.
  public mutating func duration(in range: ClosedRange<Duration>) -> Duration {
    let width = (range.upperBound - range.lowerBound).wholeNanoseconds
    return range.lowerBound + .nanoseconds(Int64(clamping: next() % (width &+ 1)))
  }

  /// An independent generator, so that one part's draws do not shift another's.
  public mutating func split() -> SplitMix64 {
    SplitMix64(seed: next())
  }
}
