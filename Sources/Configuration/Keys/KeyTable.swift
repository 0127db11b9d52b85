// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Every key that Distribution 2.8, Distribution 3 or this registry knows. The loader, the environment rules, the
/// report and the test of `docs/CONFIGURATION.md` all read this one table.
public enum KeyTable {
  /// The keys, section by section, each section before its keys.
  public static let entries: [KeyEntry] =
    general + log + storage + storageDrivers + access + elsewhere + http + clientLimits + process + http2AndTLS
    + notifications
    + redis + health
    + validation + other

  private static let byPath: [String: KeyEntry] = Dictionary(
    uniqueKeysWithValues: entries.map { ($0.path, $0) })

  private static let byParent: [String: [KeyEntry]] = Dictionary(
    grouping: entries.filter { !$0.path.hasSuffix("[]") }, by: { KeyPath.parent(of: $0.path) })

  /// The entry of a path as the table writes it.
  public static func entry(_ path: String) -> KeyEntry? {
    byPath[path]
  }

  /// The entry of a key inside a section or table, given the section's own table path.
  static func child(_ key: String, of parent: String) -> KeyEntry? {
    byPath[KeyPath.child(key, of: parent)] ?? byPath[KeyPath.child("*", of: parent)]
  }

  /// The named keys of a section or table.
  static func children(of parent: String) -> [KeyEntry] {
    byParent[parent, default: []]
  }

  /// Makes the entries of a section whose keys share one fate; each line is a kind and the names of that kind.
  static func keys(
    under section: String, _ status: KeyEntry.Status, _ generation: KeyEntry.Generation = .both,
    named names: KeyValuePairs<KeyEntry.Kind, String>
  ) -> [KeyEntry] {
    names.flatMap { kind, list in
      list.split(separator: " ").map { KeyEntry("\(section).\($0)", kind, status, generation) }
    }
  }
}
