// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A line of a file that says nothing that can be used.
struct LineFault: Sendable, Hashable {
  /// Counted from 1.
  var line: Int
  /// What is wrong, for a person. Never holds what may be a password or a hash.
  var reason: String

  /// The line is no text.
  static func notUTF8(line: Int) -> LineFault { LineFault(line: line, reason: "is not UTF-8") }
}

/// What a watched file is read as.
protocol LineContent: Sendable {
  /// Reads the whole file. What cannot be used is skipped and told of.
  init(parsing bytes: [UInt8])

  /// What was skipped.
  var faults: [LineFault] { get }
}

extension [UInt8] {
  /// The lines with their numbers from 1, without white space around them, blank ones and comments left out. As bytes:
  /// what is not UTF-8 must not be read as if it were, because two names could become one.
  var entryLines: [(number: Int, bytes: ArraySlice<UInt8>)] {
    split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated().compactMap { index, line in
      let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
      let start = line.firstIndex { !isSpace($0) } ?? line.endIndex
      let end = line.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start
      guard start < end, line[start] != UInt8(ascii: "#") else { return nil }
      return (index + 1, line[start..<end])
    }
  }
}
