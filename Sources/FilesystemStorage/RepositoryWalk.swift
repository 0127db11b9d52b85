// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryWorld

/// A walk over the repositories in catalog order, which can be put down and taken up again.
///
/// Depth first, the names of each directory in byte order: that is catalog order, because '/' sorts before every
/// other character. A repository may lie inside another's directory; names that begin with '_' are none. Directories
/// whose whole content comes at or before `last` are not opened.
struct RepositoryWalk: Sendable {
  /// One directory that the walk is in.
  private struct Level {
    var path: String
    var directory: RepositoryDirectory
    /// The place of the name in it that is visited next.
    var next: Int
    /// How many of `last`'s components this directory's path equals; nil once it comes after `last`.
    var matched: Int?
  }

  /// How many directories one script looks at at most, so that it takes a few milliseconds.
  static let directoriesPerScript = 256

  private let last: String?
  private let lastComponents: [String]
  private let mark: String
  private let kept: RepositoryDirectories?
  private var levels: [Level] = []
  private var isBegun = false

  /// A walk over the repositories strictly after `last` (any text) whose directory has an entry named `mark`, which
  /// begins with `_`. Directories that are `kept` and unchanged are not read.
  init(after last: String?, having mark: String, kept: RepositoryDirectories? = nil) {
    self.last = last
    self.mark = mark
    self.kept = kept
    lastComponents =
      last?.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\0" }.map(String.init) ?? []
  }

  /// Whether everything was visited.
  var isOver: Bool { isBegun && levels.isEmpty }

  /// Goes on until `wanted` repositories are found, `directoriesMax` directories were looked at, or all is over.
  mutating func advance(
    in tree: StoredTree, directoriesMax: Int, wanted: Int
  ) throws(FileError) -> [RepositoryName] {
    var found: [RepositoryName] = []
    var directories = 0
    var view = kept?.view() ?? .none
    defer { kept?.keep(&view) }
    if !isBegun {
      isBegun = true
      _ = try enter("", matched: last == nil ? nil : 0, in: tree, &view)
    }
    while found.count < wanted, directories < directoriesMax, let level = levels.last {
      guard level.next < level.directory.names.count else {
        levels.removeLast()
        continue
      }
      let name = level.directory.names[level.next]
      levels[levels.count - 1].next += 1
      let path = level.path.isEmpty ? name : "\(level.path)/\(name)"
      // A directory whose path is no name holds none either.
      guard let repository = try? RepositoryName(parsing: path) else { continue }
      directories += 1
      let matched = level.matched.flatMap { depth in
        depth < lastComponents.count && lastComponents[depth] == name ? depth + 1 : nil
      }
      let isMarked = try enter(path, matched: matched, in: tree, &view)
      if isMarked, last.map({ RepositoryName.precedes($0, path) }) ?? true { found.append(repository) }
    }
    return found
  }

  // Opens a directory for the walk and tells whether it has the mark.
  private mutating func enter(
    _ path: String, matched: Int?, in tree: StoredTree, _ view: inout RepositoryDirectories.View
  ) throws(FileError) -> Bool {
    guard let directory = try view.directory(tree.layout.repositoryDirectory(path), in: tree) else { return false }
    // The next component of `last` decides, as long as all before it were equal.
    let first =
      if let matched, matched < lastComponents.count { directory.index(notBefore: lastComponents[matched]) } else { 0 }
    if first < directory.names.count {
      levels.append(Level(path: path, directory: directory, next: first, matched: matched))
    }
    return directory.has(mark)
  }
}
