// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// Whether a process lives: as long as it does, it holds the lock on its lock file, which the kernel frees however it
/// ends.
enum ProcessLife {
  case alive
  /// With the lock on its file, if there is one: while it is held nobody comes to life on it.
  case dead((any OpenFile)?)
}

extension StoredTree {
  /// Whether a process of that name lives.
  func life(of process: String) throws(FileError) -> ProcessLife {
    do throws(FileError) {
      let file = try files.open(layout.processLock(process), .readWrite)
      return try file.tryLock() ? .dead(file) : .alive
    } catch  where error.reason == .absent {
      return .dead(nil)
    }
  }

  /// Whether a boot is known not to be over: it is ours, or that of another machine on which a process lives. Takes no
  /// lock. A dead process whose lock file is about to be removed seems to live, so this is asked in a turn at the
  /// journal, in which such files are removed.
  func isLiving(_ boot: String) throws(FileError) -> Bool {
    if boot == files.boot.boot { return true }
    for entry in try files.entries(layout.temporary) ?? [] {
      guard let owner = Layout.owner(ofTemporary: entry.name), owner.isLock, Layout.isProcess(owner.process, of: boot)
      else { continue }
      do throws(FileError) {
        if try files.open(layout.processLock(owner.process), .read).isLockedElsewhere() { return true }
      } catch  where error.reason == .absent {
        continue
      }
    }
    return false
  }
}
