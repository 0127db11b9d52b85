// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld
import Synchronization

/// Tells the processes on this storage that this one lives: until it is made, a start of another one takes whatever
/// carries this process's name for what a dead one left, and removes it.
///
/// Isolation: calls block and belong in a script of a worker; safe from several at once. No lock is held while the disk
/// works.
final class Announcement: Sendable {
  private let files: any Files
  private let path: String
  private let held = Mutex<(any OpenFile)?>(nil)

  /// An announcement that is not made yet. `path` is the process's lock file.
  init(files: any Files, path: String) {
    self.files = files
    self.path = path
  }

  /// Whether others know; it stays so until ``takeBack()`` or the end of the process, however that comes.
  var isMade: Bool { held.withLock { $0 != nil } }

  /// Makes it unless it is made. The directory must be there. The lock file takes up a name and no contents.
  func make() throws(FileError) {
    while !isMade {
      let file = try files.open(path, .create(mode: DurableCommit.fileMode))
      // Another process that starts right now may have taken the lock first, to remove the file as a dead one's; or
      // another script of this process has it and is about to say so.
      guard try file.tryLock(), try files.status(path)?.inode == file.status().inode else { continue }
      held.withLock { $0 = file }
    }
  }

  /// Removes the lock file, when nothing of this process is left that it protects.
  func takeBack() throws(FileError) {
    guard isMade else { return }
    _ = try files.remove(path)
    held.withLock { $0 = nil }
  }
}
