// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Ways to cut an input into pieces that arrive one after another.
public enum Splits {
  /// The end of each piece, at random; the last is the input's end.
  public static func random(_ count: Int, _ random: inout SplitMix64) -> [Int] {
    var ends: [Int] = []
    var end = 0
    let longest = [1, 2, 3, 8, 40, 400][random.below(6)]
    while end < count {
      end = min(count, end + 1 + random.below(longest))
      ends.append(end)
    }
    return ends.isEmpty ? [0] : ends
  }

  /// All cuts into two pieces, the whole first.
  public static func pairs(_ count: Int) -> [[Int]] {
    [[count]] + (0..<count).map { [$0, count] }
  }
}
