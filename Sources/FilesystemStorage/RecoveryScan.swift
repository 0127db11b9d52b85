// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// Makes the tree ready for this process: does what the journal of dead ones still asks for, and removes what they left
/// on its way.
///
/// The work is bounded by what was in flight when they died: the journal is short, temporary files lie in one
/// directory, and each names the process it belongs to. A process is dead when the lock on its lock file can be had;
/// the kernel frees it with the process, however it ended. Sessions need no recovery: they are taken up, or purged, one
/// by one.
struct RecoveryScan {
  let tree: StoredTree
  let segments: JournalSegments
  let process: String

  /// Returns the lock that tells others that this process lives; it holds as long as the reference does. Nil when
  /// another process recovers right now, which has to be waited for.
  func run() throws(FileError) -> (any OpenFile)? {
    let layout = tree.layout
    for directory in [layout.blobs, layout.repositories, layout.temporary, layout.journal] {
      try tree.commit.makeLasting(directory)
    }
    // Made now, so that the journal can be emptied when the disk is full.
    try segments.exclusively {}
    switch try Checkpoint(tree: tree, segments: segments).recover() {
    case .awaited: return nil
    case .leftToOthers: return try announce()
    case .done:
      let lock = try announce()
      try removeLeftovers()
      return lock
    }
  }

  private func announce() throws(FileError) -> any OpenFile {
    let path = tree.layout.processLock(process)
    while true {
      let file = try tree.files.open(path, .create(mode: DurableCommit.fileMode))
      // Another process that starts right now may have taken the lock first, to remove the file as a dead one's.
      if try file.tryLock(), try tree.files.status(path)?.inode == file.status().inode { return file }
    }
  }

  private func removeLeftovers() throws(FileError) {
    let names = try tree.files.entries(tree.layout.temporary)?.map(\.name) ?? []
    var alive: Set<String> = [process]
    for name in names {
      guard let owner = Layout.owner(ofTemporary: name), owner.isLock, owner.process != process else { continue }
      if try !isDead(owner.process) { alive.insert(owner.process) }
    }
    for name in names {
      guard let owner = Layout.owner(ofTemporary: name), !alive.contains(owner.process) else { continue }
      // A file without a lock file may belong to a process that has come since: it is looked up once more.
      if !owner.isLock, try !isDead(owner.process) { continue }
      _ = try tree.files.remove(Layout.entry(name, of: tree.layout.temporary))
    }
    for entry in try tree.files.entries(tree.layout.staging) ?? [] where !alive.contains(entry.name) {
      if try isDead(entry.name) { _ = try tree.commit.removeTree(tree.layout.staging(entry.name)) }
    }
  }

  private func isDead(_ other: String) throws(FileError) -> Bool {
    do throws(FileError) {
      return try tree.files.open(tree.layout.processLock(other), .readWrite).tryLock()
    } catch  where error.reason == .absent {
      return true
    }
  }
}
