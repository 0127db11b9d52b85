// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What was counted, under names, in the order in which the names came up first.
public struct Tally: Sendable, Equatable, CustomStringConvertible {
  private var names: [String] = []
  private var counts: [String: Int] = [:]

  /// A tally of nothing.
  public init() {}

  /// Reads what ``description`` wrote; nil when it is something else.
  public init?(parsing text: String) {
    for part in text.split(separator: ",") {
      let words = part.split(separator: " ", maxSplits: 1)
      guard words.count == 2, let count = Int(words[0]) else { return nil }
      add(count, String(words[1]))
    }
  }

  /// How many there were under this name.
  public subscript(name: String) -> Int { counts[name] ?? 0 }

  /// Counts `count` more under `name`, which has no comma.
  public mutating func add(_ count: Int, _ name: String) {
    if counts[name] == nil { names.append(name) }
    counts[name, default: 0] += count
  }

  /// Counts all of another tally.
  public mutating func add(_ other: Tally) {
    for name in other.names { add(other[name], name) }
  }

  /// `3 histories, 5 steps`.
  public var description: String { names.map { "\(self[$0]) \($0)" }.joined(separator: ", ") }
}

/// What came of one piece of work: what was counted, and what failed first.
public struct TrialReport: Sendable {
  /// What was counted.
  public var tally = Tally()
  /// Which rule was broken first, and how it came to that; nil when all held.
  public var failure: String?

  /// A report of nothing.
  public init() {}
}
