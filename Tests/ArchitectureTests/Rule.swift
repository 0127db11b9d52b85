// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

/// One rule of the house about the text of its files.
struct Rule: Sendable, CustomTestStringConvertible {
  let name: String
  /// What to do instead: printed with each finding.
  let instead: String
  /// Which files it speaks of, by path.
  let covers: @Sendable (String) -> Bool
  /// The indices of the lines that break it.
  let breaches: @Sendable (SourceFile) -> [Int]
  /// A file that breaks it, and one that does not: the rule's own test.
  let bad: SourceFile
  let good: SourceFile

  var testDescription: String { name }

  /// Every finding in one file, as `path:line: text <- what to do`.
  func findings(in file: SourceFile) -> [String] {
    guard covers(file.path) else { return [] }
    return breaches(file).map { index in
      let text = index < file.lines.count ? file.lines[index].drop(while: { $0 == " " }).prefix(80) : ""
      return "\(file.path):\(index + 1): \(text) <- \(instead)"
    }
  }

  init(
    _ name: String, instead: String, covers: @escaping @Sendable (String) -> Bool,
    bad: (path: String, text: String), good: (path: String, text: String),
    breaches: @escaping @Sendable (SourceFile) -> [Int]
  ) {
    self.name = name
    self.instead = instead
    self.covers = covers
    self.bad = SourceFile(path: bad.path, text: bad.text)
    self.good = SourceFile(path: good.path, text: good.text)
    self.breaches = breaches
  }

  /// A rule that bans words from code: a line breaks it when it holds one of `words` as a whole word; with
  /// `unlessReasoned`, when no comment stands on the line or above it.
  static func ban(
    _ words: [String], instead: String, in covers: @escaping @Sendable (String) -> Bool,
    unlessReasoned: Bool = false, bad: String, good: String, at path: String = "Sources/Registry/Example.swift"
  ) -> Rule {
    Rule(
      words.joined(separator: ", "), instead: instead, covers: { $0.hasSuffix(".swift") && covers($0) },
      bad: (path, bad), good: (path, good)
    ) { file in
      file.code.indices.filter { index in
        words.contains { containsWord($0, in: file.code[index]) } && !(unlessReasoned && file.hasReason(at: index))
      }
    }
  }
}

/// Whether `word` stands in `line` with nothing before or after it that would make it part of a longer name.
func containsWord(_ word: String, in line: String) -> Bool {
  func joins(_ byte: UInt8?) -> Bool {
    guard let byte else { return false }
    return byte == UInt8(ascii: "_") || Character(Unicode.Scalar(byte)).isLetter
      || Character(Unicode.Scalar(byte)).isNumber
  }
  let bytes = Array(line.utf8)
  let wanted = Array(word.utf8)
  guard let first = wanted.first, let last = wanted.last, bytes.count >= wanted.count else { return false }
  for start in 0...(bytes.count - wanted.count)
  where bytes[start..<(start + wanted.count)].elementsEqual(wanted) {
    let before = start > 0 ? bytes[start - 1] : nil
    let end = start + wanted.count
    let after = end < bytes.count ? bytes[end] : nil
    if !(joins(first) && joins(before)), !(joins(last) && joins(after)) { return true }
  }
  return false
}
