// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A regular expression in Go's syntax (RE2), matched in time linear in the text.
///
/// Operators write such expressions and strangers send what they are matched against, so nothing a stranger sends may
/// make a match slow: all ways through the expression are followed side by side, one pass over the text, and none is
/// ever tried again. That rules out backreferences and looking around, as in RE2.
///
/// Not read: Unicode classes (`\p{…}`), `\C`. `(?i)` folds ASCII letters only.
public struct Pattern: Sendable, Hashable, CustomStringConvertible {
  /// The expression as it was written.
  public let description: String
  private let program: PatternProgram

  /// The longest expression, in UTF-8 bytes.
  public static var bytesMax: Int { 4096 }

  /// Reads an expression.
  public init(_ text: String) throws(PatternError) {
    guard text.utf8.count <= Self.bytesMax else { throw .tooLarge }
    var parser = PatternParser(text)
    description = text
    program = try PatternProgram(try parser.parse())
  }

  /// Whether the expression matches somewhere in the text. The time is bounded by the length of the text times the size
  /// of the expression.
  public func matches(_ text: String) -> Bool {
    program.matches(text.unicodeScalars)
  }
}
