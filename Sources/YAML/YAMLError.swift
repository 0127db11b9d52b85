// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a text is not the YAML we accept, and where.
public struct YAMLError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of fault.
  public enum Reason: Sendable, Equatable {
    /// The text is longer than the limit, in bytes.
    case tooLong(bytesMax: Int)
    /// Collections are nested deeper than the limit.
    case tooDeep(depthMax: Int)
    /// The tree has more nodes than the limit, aliases counted as what they repeat.
    case tooManyNodes(nodesMax: Int)
    /// The text breaks the grammar or is not UTF-8 or UTF-16; the text is libyaml's.
    case syntax(String)
    /// A mapping has the same key twice; the mark is the first one's.
    case duplicateKey(String, first: YAMLMark)
    /// A mapping's key is a list or a mapping.
    case keyNotScalar
    /// An alias names an anchor that does not exist before it, or that encloses it.
    case unknownAnchor(String)
    /// The value of a merge key `<<` is neither a mapping nor a list of mappings.
    case mergeNotMapping
    /// A tag that changes what a scalar means in a way we do not read.
    case unsupportedTag(String)
    /// libyaml could not get memory.
    case outOfMemory
  }

  /// The kind of fault.
  public var reason: Reason
  /// Where it was found.
  public var mark: YAMLMark

  /// Makes an error.
  public init(_ reason: Reason, at mark: YAMLMark) {
    self.reason = reason
    self.mark = mark
  }

  /// The fault in words, without its place.
  public var message: String {
    switch reason {
    case .tooLong(let max): "the text is longer than \(max) bytes"
    case .tooDeep(let max): "lists and mappings are nested deeper than \(max) levels"
    case .tooManyNodes(let max): "there are more than \(max) values (an alias counts as all it repeats)"
    case .syntax(let text): text
    case .duplicateKey(let key, let first): "key \"\(key)\" is here a second time (first in line \(first.line))"
    case .keyNotScalar: "a key must be plain text, not a list or a mapping"
    case .unknownAnchor(let name): "alias \"*\(name)\" names no anchor that ends before it"
    case .mergeNotMapping: "the value of \"<<\" must be a mapping or a list of mappings"
    case .unsupportedTag(let tag): "tag \"\(tag)\" is not supported"
    case .outOfMemory: "out of memory while reading YAML"
    }
  }

  /// `line:column: message`.
  public var description: String { "\(mark): \(message)" }
}
