// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Tells from the raw bytes whether a path may name something that is cached; a wrong yes costs one look-up.
enum HotPath {
  /// Whether the path ends in `/manifests/<one segment>`.
  static func isManifest(_ path: ArraySlice<UInt8>) -> Bool { ends(path, in: "/manifests") }

  /// Whether the path ends in `/blobs/<one segment>`.
  static func isBlob(_ path: ArraySlice<UInt8>) -> Bool { ends(path, in: "/blobs") }

  private static func ends(_ path: ArraySlice<UInt8>, in parent: StaticString) -> Bool {
    path.withUnsafeBytes { path in
      var slash = path.count - 1
      while slash >= 0, path[slash] != UInt8(ascii: "/") { slash -= 1 }
      return parent.withUTF8Buffer { wanted in
        guard slash > wanted.count else { return false }
        for offset in 0..<wanted.count where path[slash - wanted.count + offset] != wanted[offset] { return false }
        return true
      }
    }
  }
}
