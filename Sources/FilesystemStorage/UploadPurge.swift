// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryWorld

/// A walk over all upload sessions in catalog order of their repositories, which removes the expired ones.
///
/// The cursor is `<repository>@<id>`: what was looked at last, with an empty id before the first of a repository.
struct UploadPurge: Sendable {
  /// The sessions that were removed, or would have been.
  private(set) var removed: [UploadID] = []
  /// Where to go on; nil at the end.
  private(set) var next: String?
  /// How many directories were looked at in all.
  private(set) var seen = 0

  /// How many directories one step looks at before it returns, whatever it removed.
  static let seenMax = 4096
  private static let seenPerScript = 256

  private let cutoff: WallTime
  private let isDryRun: Bool
  private var walk: RepositoryWalk
  private var current: (repository: RepositoryName, lastID: String)?

  init(cutoff: WallTime, cursor: String?, isDryRun: Bool) {
    self.cutoff = cutoff
    self.isDryRun = isDryRun
    next = cursor
    let parts = cursor?.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    walk = RepositoryWalk(after: parts?.first, having: Layout.uploadsName)
    // A cursor that is none of ours starts where its text would stand.
    if let parts, parts.count == 2, let repository = try? RepositoryName(parsing: parts[0]) {
      current = (repository, parts[1])
    }
  }

  /// Goes on, one script long.
  mutating func advance(in tree: StoredTree, limit: Int) throws(FileError) {
    let seenBefore = seen
    while removed.count < limit, seen - seenBefore < Self.seenPerScript {
      if let (repository, lastID) = current {
        try purge(repository, after: lastID, in: tree, limit: limit, seenMax: seenBefore + Self.seenPerScript)
        continue
      }
      if walk.isOver {
        next = nil
        return
      }
      let found = try walk.advance(in: tree, directoriesMax: 64, wanted: 1)
      seen += 1
      if let repository = found.first {
        current = (repository, "")
        next = "\(repository)@"
      }
    }
  }

  private mutating func purge(
    _ repository: RepositoryName, after lastID: String, in tree: StoredTree, limit: Int, seenMax: Int
  ) throws(FileError) {
    let names = try tree.files.entries(tree.layout.uploads(in: repository))?.map(\.name) ?? []
    for name in names.filter({ $0 > lastID }).sorted() {
      guard removed.count < limit, seen < seenMax else { return }
      seen += 1
      // What is no identifier was not put there by a registry.
      if let id = try? UploadID(parsing: name), id.isUUID {
        if try purge(tree.layout.upload(id, in: repository), in: tree) { removed.append(id) }
      }
      current = (repository, name)
      next = "\(repository)@\(name)"
    }
    current = nil
  }

  private func purge(_ place: UploadPlace, in tree: StoredTree) throws(FileError) -> Bool {
    guard let startedAt = try start(of: place, in: tree), startedAt < cutoff else { return false }
    // A stamp tells the second alone: nothing is purged before its time.
    if startedAt.nanoseconds == 0, startedAt.seconds >= cutoff.seconds { return false }
    var lease: (any OpenFile)?
    do throws(FileError) {
      lease = try tree.files.open(place.data, .readWrite)
    } catch  where error.reason == .absent {
      lease = nil
    }
    if let lease, try !lease.tryLock() { return false }
    if !isDryRun { try tree.removeUpload(place) }
    return true
  }

  // A power cut, or a removal that it interrupted, leaves a directory without a legible `startedat`, which nobody can
  // take up any more. It is as old as its latest change. Nil when it is gone.
  private func start(of place: UploadPlace, in tree: StoredTree) throws(FileError) -> WallTime? {
    if let stamp = try tree.contents(of: place.startedAt, atMost: 64),
      let startedAt = WallTime(rfc3339: String(decoding: stamp, as: UTF8.self))
    {
      return startedAt
    }
    guard let status = try tree.files.status(place.directory), status.isDirectory else { return nil }
    return status.modified
  }
}
