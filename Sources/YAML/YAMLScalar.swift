// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The text of a scalar, and what is needed to say which type it has.
public struct YAMLScalar: Sendable, Equatable {
  /// How the text was written.
  public enum Style: Sendable, Equatable {
    /// Without quotes: its form decides its type.
    case plain
    /// In single or double quotes: text.
    case quoted
    /// A literal `|` or folded `>` block: text.
    case block
  }

  /// The text, unescaped and unfolded.
  public var text: String
  /// How it was written.
  public var style: Style
  /// The explicit tag, long form (`tag:yaml.org,2002:str`), or nil.
  public var tag: String?

  /// Makes a scalar.
  public init(_ text: String, style: Style = .plain, tag: String? = nil) {
    self.text = text
    self.style = style
    self.tag = tag
  }

  /// The value that the text stands for.
  public var resolved: YAMLValue {
    switch tag {
    case nil: style == .plain ? YAMLValue(plain: text) : .string(text)
    case YAMLTag.bool, YAMLTag.integer, YAMLTag.null: YAMLValue(plain: text)
    case YAMLTag.float:
      if case .integer(let number) = YAMLValue(plain: text) { .float(Double(number)) } else { YAMLValue(plain: text) }
    default: .string(text)
    }
  }
}
