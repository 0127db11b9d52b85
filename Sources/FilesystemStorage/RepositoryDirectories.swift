// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryStorage
import GantryWorld
import Synchronization

/// What a walk over the repositories sees of one directory: its directories in byte order, and which names of the
/// layout's own it has.
final class RepositoryDirectory: Sendable {
  /// Directories that may be repositories or lead to some.
  let names: [String]
  private let marks: [String]
  fileprivate let version: LinkVersion?

  /// The directory at `path`; nil when there is none. `version` was asked for before.
  fileprivate init?(reading path: String, version: LinkVersion?, in tree: StoredTree) throws(FileError) {
    guard let entries = try tree.files.entries(path) else { return nil }
    var (names, marks): ([String], [String]) = ([], [])
    var isWhole = true
    for entry in entries {
      if entry.name.hasPrefix("_") {
        marks.append(entry.name)
        continue
      }
      if entry.kind == .other {
        // What a symbolic link leads to changes without a trace in the directory that it lies in.
        isWhole = false
        let status = try tree.files.status(Layout.entry(entry.name, of: path))
        if status?.isDirectory != true { continue }
      }
      if entry.kind != .file { names.append(entry.name) }
    }
    names.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    (self.names, self.marks) = (names, marks)
    self.version = isWhole && version?.isSettled == true ? version : nil
  }

  /// Whether it has an entry of this name, which begins with `_`.
  func has(_ mark: String) -> Bool { marks.contains(mark) }

  /// The place of the first name that is not before `text` in byte order.
  func index(notBefore text: String) -> Int {
    var (low, high) = (0, names.count)
    while low < high {
      let middle = (low + high) / 2
      if names[middle].utf8.lexicographicallyPrecedes(text.utf8) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// About how many bytes it takes, its path not counted.
  fileprivate var weight: Int {
    (names + marks).reduce(256) { $0 + ($1.utf8.count > 15 ? 65 + $1.utf8.count : 17) }
  }
}

/// The directories that catalogs were read from lately, bounded by what they weigh. A directory is proven unchanged by
/// one stat: a repository comes and goes with an entry in it, whoever makes it
/// (docs/decisions/0019-lists-are-kept.md).
///
/// Isolation: safe from everywhere; one lock, taken twice for all that a script looks at.
final class RepositoryDirectories: Sendable {
  private struct Table {
    var directories: [String: RepositoryDirectory] = [:]
    var weight = 0
  }

  /// What is kept, for one script, and what that script has read beyond it.
  struct View {
    /// Nil where nothing is kept.
    fileprivate let kept: [String: RepositoryDirectory]?
    fileprivate var read: [String: RepositoryDirectory] = [:]

    /// A view of nothing, which keeps nothing.
    static var none: View { View(kept: nil) }

    /// The directory at `path` as it is now; nil when there is none. Blocks: for a script.
    mutating func directory(_ path: String, in tree: StoredTree) throws(FileError) -> RepositoryDirectory? {
      guard let kept else { return try RepositoryDirectory(reading: path, version: nil, in: tree) }
      guard let version = try tree.directoryVersion(path) else { return nil }
      if let kept = kept[path], kept.version == version { return kept }
      guard let directory = try RepositoryDirectory(reading: path, version: version, in: tree) else { return nil }
      read[path] = directory
      return directory
    }
  }

  /// Beyond this everything is forgotten and read anew.
  private static let weightMax = 32 << 20

  private let table = Mutex(Table())

  /// What is kept now.
  func view() -> View { View(kept: table.withLock { $0.directories }) }

  /// Keeps what was read through a view, and leaves it empty.
  func keep(_ view: inout View) {
    let read = view.read
    // Else the table would be copied for the sake of a view that nobody looks through any more.
    view = .none
    guard !read.isEmpty else { return }
    table.withLock { table in
      for (path, directory) in read {
        if let old = table.directories.removeValue(forKey: path) { table.weight -= old.weight + path.utf8.count }
        let weight = directory.weight + path.utf8.count
        guard directory.version != nil, weight <= Self.weightMax / 2 else { continue }
        if table.weight + weight > Self.weightMax { table = Table() }
        table.directories[path] = directory
        table.weight += weight
      }
    }
  }
}
