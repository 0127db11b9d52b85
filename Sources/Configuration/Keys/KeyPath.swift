// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Dotted paths of keys, as the key table and the diagnostics write them.
enum KeyPath {
  /// The path of a key inside a section; the root's path is empty.
  static func child(_ key: String, of parent: String) -> String {
    parent.isEmpty ? key : "\(parent).\(key)"
  }

  /// The last key of a path, without the marks of list elements.
  static func last(of path: String) -> String {
    let name = path.split(separator: ".").last.map(String.init) ?? path
    return name.hasSuffix("[]") ? String(name.dropLast(2)) : name
  }

  /// The path of the section that holds a key.
  static func parent(of path: String) -> String {
    path.lastIndex(of: ".").map { String(path[..<$0]) } ?? ""
  }
}
