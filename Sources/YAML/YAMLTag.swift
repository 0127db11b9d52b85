// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The tags of the YAML tag repository that we tell apart.
enum YAMLTag {
  static let prefix = "tag:yaml.org,2002:"
  static let bool = prefix + "bool"
  static let integer = prefix + "int"
  static let float = prefix + "float"
  static let null = prefix + "null"
  static let string = prefix + "str"
  static let timestamp = prefix + "timestamp"
  static let sequence = prefix + "seq"
  static let mapping = prefix + "map"

  /// Whether a tag leaves the meaning of a value as we read it: none, one of ours, or an application's own (`!x`).
  static func isSupported(_ tag: String?) -> Bool {
    guard let tag, tag.hasPrefix(prefix) else { return true }
    return [bool, integer, float, null, string, timestamp, sequence, mapping].contains(tag)
  }
}
