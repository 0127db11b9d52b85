// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Tells from the raw bytes whether a path may name something that is cached; a wrong yes costs one look-up.
enum HotPath {
  /// Whether the path ends in `/manifests/<one segment>`.
  static func isManifest(_ path: ArraySlice<UInt8>) -> Bool { ends(path, in: "/manifests") }

  /// Whether the path ends in `/blobs/<one segment>`.
  static func isBlob(_ path: ArraySlice<UInt8>) -> Bool { ends(path, in: "/blobs") }

  /// Whether an answer may be remembered under this path. One that holds an escape has many spellings, and each would
  /// take the place of another blob or manifest. Who writes one is answered all the same, only not from memory.
  static func isKept(_ path: ArraySlice<UInt8>) -> Bool { !path.contains(UInt8(ascii: "%")) }

  /// What stands where such a path names its repository, for whoever reads it as a name; nil when the path is neither,
  /// or holds an escape. What was cached under a path was answered under it, so the name is the one that the matcher
  /// found.
  static func repository(in path: ArraySlice<UInt8>, below prefix: String) -> String? {
    let parent = isManifest(path) ? "/manifests/".utf8.count : isBlob(path) ? "/blobs/".utf8.count : 0
    let start = prefix.utf8.count + "v2/".utf8.count
    guard parent > 0, isKept(path), let slash = path.lastIndex(of: UInt8(ascii: "/")) else {
      return nil
    }
    let end = slash + 1 - parent
    guard path.startIndex + start < end, path.prefix(prefix.utf8.count).elementsEqual(prefix.utf8),
      path.dropFirst(prefix.utf8.count).prefix(3).elementsEqual("v2/".utf8)
    else { return nil }
    return String(decoding: path[(path.startIndex + start)..<end], as: UTF8.self)
  }

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
