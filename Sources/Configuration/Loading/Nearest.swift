// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Finds the name that was probably meant.
enum Nearest {
  /// The name with the fewest edits (insert, delete, replace, swap neighbours), if they are few for its length.
  static func name(to wrong: String, among names: [String]) -> String? {
    let wrong = Array(wrong.lowercased().utf8.prefix(64))
    let editsMax = max(1, wrong.count / 3)
    var best: (name: String, edits: Int)?
    for name in names {
      let edits = edits(wrong, Array(name.lowercased().utf8.prefix(64)))
      if edits <= editsMax, edits < best?.edits ?? .max { best = (name, edits) }
    }
    return best?.name
  }

  /// Optimal string alignment distance, three rows at a time.
  private static func edits(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var before: [Int] = []
    var previous = Array(0...right.count)
    for (i, byte) in left.enumerated() {
      var current = [i + 1]
      for (j, other) in right.enumerated() {
        var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (byte == other ? 0 : 1))
        if i > 0, j > 0, byte == right[j - 1], left[i - 1] == other { cost = min(cost, before[j - 1] + 1) }
        current.append(cost)
      }
      (before, previous) = (previous, current)
    }
    return previous[right.count]
  }
}
