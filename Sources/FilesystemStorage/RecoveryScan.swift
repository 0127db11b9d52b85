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
    // Before anything is written, so that nobody takes it for a dead process's.
    let lock = try announce()
    // Before the journal is read: what a process stages later may be named by entries that stay in it, even when the
    // process is dead by then.
    let dead = try deadProcesses()
    switch try Checkpoint(tree: tree, segments: segments).recover() {
    case .awaited: return nil
    case .leftToOthers: break
    case .done: for process in dead { try removeLeftovers(of: process) }
    }
    return lock
  }

  private func announce() throws(FileError) -> any OpenFile {
    let path = tree.layout.processLock(process)
    while true {
      let file = try tree.files.open(path, .create(mode: DurableCommit.fileMode))
      // Another process that starts right now may have taken the lock first, to remove the file as a dead one's.
      if try file.tryLock(), try tree.files.status(path)?.inode == file.status().inode { return file }
    }
  }

  // Those that have left anything. No process takes the name of another, so they stay dead.
  private func deadProcesses() throws(FileError) -> [String] {
    let temporary = try tree.files.entries(tree.layout.temporary)?.compactMap { Layout.owner(ofTemporary: $0.name) }
    let staging = try tree.files.entries(tree.layout.staging)?.map(\.name)
    let all = Set((temporary ?? []).map(\.process) + (staging ?? [])).filter { $0 != process }
    var dead: [String] = []
    for process in all.sorted() {
      // The lock is given back at once.
      if case .dead = try life(of: process) { dead.append(process) }
    }
    return dead
  }

  private func removeLeftovers(of dead: String) throws(FileError) {
    // Held to the end: a process that starts may have made its file and not locked it yet.
    guard case .dead(let lock) = try life(of: dead) else { return }
    for entry in try tree.files.entries(tree.layout.temporary) ?? [] {
      guard let owner = Layout.owner(ofTemporary: entry.name), owner.process == dead, !owner.isLock else { continue }
      _ = try tree.files.remove(Layout.entry(entry.name, of: tree.layout.temporary))
    }
    _ = try tree.commit.removeTree(tree.layout.staging(dead))
    _ = try tree.files.remove(tree.layout.processLock(dead))
    lock?.unlock()
  }

  private enum Life {
    case alive
    /// With the lock on its file, if there is one.
    case dead((any OpenFile)?)
  }

  private func life(of other: String) throws(FileError) -> Life {
    do throws(FileError) {
      let file = try tree.files.open(tree.layout.processLock(other), .readWrite)
      return try file.tryLock() ? .dead(file) : .alive
    } catch  where error.reason == .absent {
      return .dead(nil)
    }
  }
}
