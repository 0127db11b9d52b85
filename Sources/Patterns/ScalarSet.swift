// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A set of Unicode scalars, as ranges of their values.
struct ScalarSet: Sendable, Hashable {
  private(set) var ranges: [ClosedRange<UInt32>]

  init(_ ranges: ClosedRange<UInt32>...) {
    self.ranges = ranges
  }

  init(_ scalar: Unicode.Scalar) {
    ranges = [scalar.value...scalar.value]
  }

  func contains(_ value: UInt32) -> Bool {
    ranges.contains { $0.contains(value) }
  }

  mutating func formUnion(_ other: ScalarSet) {
    ranges += other.ranges
  }

  /// Every scalar that is not in the set.
  var inverted: ScalarSet {
    var rest = ScalarSet()
    var next: UInt32 = 0
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > next { rest.ranges.append(next...(range.lowerBound - 1)) }
      next = max(next, range.upperBound + 1)
    }
    if next <= Self.last { rest.ranges.append(next...Self.last) }
    return rest
  }

  /// The set with the other case of each of its ASCII letters.
  var folded: ScalarSet {
    var both = self
    for range in ranges {
      let upper = range.clamped(to: 0x41...0x5A)
      if range.overlaps(0x41...0x5A) { both.ranges.append(upper.lowerBound + 0x20...upper.upperBound + 0x20) }
      let lower = range.clamped(to: 0x61...0x7A)
      if range.overlaps(0x61...0x7A) { both.ranges.append(lower.lowerBound - 0x20...lower.upperBound - 0x20) }
    }
    return both
  }

  private static let last: UInt32 = 0x10FFFF

  static let any = ScalarSet(0...last)
  static let anyButLineFeed = ScalarSet(0...0x09, 0x0B...last)
  static let digits = ScalarSet(0x30...0x39)
  static let space = ScalarSet(0x09...0x0A, 0x0C...0x0D, 0x20...0x20)
  static let word = ScalarSet(0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A)

  /// The classes of `[[:name:]]`.
  static let named: [String: ScalarSet] = [
    "alnum": ScalarSet(0x30...0x39, 0x41...0x5A, 0x61...0x7A), "alpha": ScalarSet(0x41...0x5A, 0x61...0x7A),
    "ascii": ScalarSet(0...0x7F), "blank": ScalarSet(0x09...0x09, 0x20...0x20),
    "cntrl": ScalarSet(0...0x1F, 0x7F...0x7F), "digit": digits, "graph": ScalarSet(0x21...0x7E),
    "lower": ScalarSet(0x61...0x7A), "print": ScalarSet(0x20...0x7E),
    "punct": ScalarSet(0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E),
    "space": ScalarSet(0x09...0x0D, 0x20...0x20),
    "upper": ScalarSet(0x41...0x5A), "word": word, "xdigit": ScalarSet(0x30...0x39, 0x41...0x46, 0x61...0x66),
  ]
}
