// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// One value of a YAML text: a scalar, a list or a mapping, and where it stands.
public struct YAMLNode: Sendable, Equatable {
  /// What the node is.
  public enum Content: Sendable, Equatable {
    /// One piece of text.
    case scalar(YAMLScalar)
    /// A list.
    case sequence([YAMLNode])
    /// Keys and values in the order of the text.
    case mapping(YAMLMapping)
  }

  /// What the node is.
  public var content: Content
  /// Where the node begins. For an alias, where the repeated node begins.
  public var mark: YAMLMark
  /// The text that the node was read from, as its reader named it: a file, or the environment variable that replaced
  /// a value of the file.
  public var origin: String

  /// Makes a node.
  public init(_ content: Content, at mark: YAMLMark, origin: String) {
    self.content = content
    self.mark = mark
    self.origin = origin
  }

  /// The scalar, if the node is one.
  public var scalar: YAMLScalar? {
    if case .scalar(let scalar) = content { scalar } else { nil }
  }

  /// The elements, if the node is a list.
  public var sequence: [YAMLNode]? {
    if case .sequence(let elements) = content { elements } else { nil }
  }

  /// The entries, if the node is a mapping.
  public var mapping: YAMLMapping? {
    if case .mapping(let mapping) = content { mapping } else { nil }
  }

  /// Whether the node is an empty or explicit null.
  public var isNull: Bool {
    scalar?.resolved == .null
  }

  /// The value of a key, if the node is a mapping that has it.
  public subscript(key: String) -> YAMLNode? {
    mapping?[key]
  }
}
