// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a text is not an expression that can be matched.
public enum PatternError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A `(` without its `)`, or the other way round.
  case unbalancedParenthesis
  /// A `[` without its `]`.
  case unclosedClass
  /// `[:name:]` with a name that is none.
  case unknownClass(String)
  /// A range of a class whose end is below its start.
  case emptyRange
  /// `*`, `+`, `?` or `{…}` after nothing, or after another of them.
  case nothingToRepeat
  /// A count above 1000, or a least above the most.
  case repetitionOutOfRange
  /// A backslash with what follows it.
  case unknownEscape(String)
  /// What follows `(?`.
  case unknownGroup
  /// Longer, deeper, or repeated more often than is compiled.
  case tooLarge

  /// What is wrong, for a person.
  public var description: String {
    switch self {
    case .unbalancedParenthesis: "a parenthesis has no partner"
    case .unclosedClass: "a \"[\" has no \"]\""
    case .unknownClass(let name): "\"[:\(name):]\" is not known"
    case .emptyRange: "a range ends below its start"
    case .nothingToRepeat: "there is nothing to repeat before \"*\", \"+\", \"?\" or \"{\""
    case .repetitionOutOfRange: "a repetition is out of range (at most 1000, the least first)"
    case .unknownEscape(let text): "\"\\\(text)\" is not known"
    case .unknownGroup: "what follows \"(?\" is not known"
    case .tooLarge: "it is too large"
    }
  }
}
