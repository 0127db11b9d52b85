// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// Makes the tree ready for this process: removes what dead ones left on its way, and does what the journal still asks
/// for.
///
/// The work is bounded by what was in flight when they died: the journal is short, temporary files lie in one
/// directory, and each names the process it belongs to. A process is dead when the lock on its lock file can be had;
/// the kernel frees it with the process, however it ended. Sessions need no recovery: they are taken up, or purged, one
/// by one.
struct RecoveryScan {
  /// How it went.
  enum Outcome: Sendable {
    /// The storage is ready, and other processes know of this one.
    case ready
    /// What is stored can be read. For want of room or permission something is left to do; nothing acknowledged hangs
    /// on it as long as the kernel lives. The first write that succeeds announces this process.
    case unwritable(FileError)
    /// Another process recovers right now, which has to be waited for.
    case awaited
  }

  let tree: StoredTree
  let segments: JournalSegments
  let process: String

  /// Does it. A disk that is full or read-only does not keep anybody from reading: it fails only when there is nothing
  /// to read, or when a power cut may have taken from the tree what the journal holds.
  func run() throws(FileError) -> Outcome {
    let checkpoint = Checkpoint(tree: tree, segments: segments)
    do throws(FileError) {
      try tree.commit.makeFrame()
      // Before the journal is read: what a process stages later may be named by entries that stay in it, even when the
      // process is dead by then.
      let dead = try segments.exclusively(over: tree) { (_) throws(FileError) in
        let dead = try deadProcesses()
        // First, for the room that it gives.
        for process in dead { try removeTemporary(of: process) }
        return dead
      }
      try announceEarly()
      switch try checkpoint.recover() {
      case .awaited: return .awaited
      case .leftToOthers: break
      case .done:
        try segments.exclusively(over: tree) { (_) throws(FileError) in
          for process in dead { try removeStaged(of: process) }
        }
      }
      try tree.commit.announce()
      return .ready
    } catch  where error.reason == .noSpace || error.reason == .notPermitted {
      guard try tree.files.status(tree.layout.repositories)?.isDirectory == true else { throw error }
      if try isForeign(checkpoint) {
        tree.report(
          "the journal \(tree.layout.journal) holds writes that were acknowledged before the machine went down and that"
            + " may be missing from the tree; they cannot be put in place now: make the disk writable, with some"
            + " megabytes of room, and start again")
        throw error
      }
      return .unwritable(error)
    }
  }

  // In a turn, in which nobody else asks whether the dead live; on a disk that lets nobody take one, without.
  private func isForeign(_ checkpoint: Checkpoint) throws(FileError) -> Bool {
    do throws(FileError) {
      return try segments.exclusively(over: tree) { (_) throws(FileError) in try checkpoint.isForeign() }
    } catch {
      return try checkpoint.isForeign()
    }
  }

  // Before the next turn is taken: who applies a journal again either knows that a process of this boot lives, or is
  // done with it when this one goes on. A disk without room for the name gets some when the journal is emptied.
  private func announceEarly() throws(FileError) {
    do throws(FileError) {
      try tree.commit.announce()
    } catch  where error.reason == .noSpace {
      return
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
      if case .dead = try tree.life(of: process) { dead.append(process) }
    }
    return dead
  }

  private func removeTemporary(of dead: String) throws(FileError) {
    // Held to the end: a process that starts may have made its file and not locked it yet.
    guard case .dead(let lock) = try tree.life(of: dead) else { return }
    for entry in try tree.files.entries(tree.layout.temporary) ?? [] {
      guard let owner = Layout.owner(ofTemporary: entry.name), owner.process == dead, !owner.isLock else { continue }
      _ = try tree.files.remove(Layout.entry(entry.name, of: tree.layout.temporary))
    }
    lock?.unlock()
  }

  // Only when the journal that may name it is done. The lock file goes last.
  private func removeStaged(of dead: String) throws(FileError) {
    // As above.
    guard case .dead(let lock) = try tree.life(of: dead) else { return }
    _ = try tree.commit.removeTree(tree.layout.staging(dead))
    _ = try tree.files.remove(tree.layout.processLock(dead))
    lock?.unlock()
  }
}
