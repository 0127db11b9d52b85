// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The entries of a mapping, in the order of the text. No key is there twice.
public struct YAMLMapping: Sendable, Equatable {
  /// One key and its value.
  public struct Entry: Sendable, Equatable {
    /// The key's text.
    public var key: String
    /// Where the key stands.
    public var keyMark: YAMLMark
    /// The value.
    public var value: YAMLNode

    /// Makes an entry.
    public init(key: String, keyMark: YAMLMark, value: YAMLNode) {
      self.key = key
      self.keyMark = keyMark
      self.value = value
    }
  }

  /// The entries in order.
  public private(set) var entries: [Entry]
  private var positions: [String: Int]

  /// Makes an empty mapping.
  public init() {
    entries = []
    positions = [:]
  }

  /// The value of a key.
  public subscript(key: String) -> YAMLNode? {
    entry(key)?.value
  }

  /// The entry of a key.
  public func entry(_ key: String) -> Entry? {
    positions[key].map { entries[$0] }
  }

  /// Replaces the entry of the same key in place, or appends it.
  public mutating func set(_ entry: Entry) {
    if let position = positions[entry.key] {
      entries[position] = entry
    } else {
      positions[entry.key] = entries.count
      entries.append(entry)
    }
  }

  /// Equal entries in equal order.
  public static func == (left: YAMLMapping, right: YAMLMapping) -> Bool {
    left.entries == right.entries
  }
}
