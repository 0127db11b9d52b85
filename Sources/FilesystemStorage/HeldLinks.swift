// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld
import Synchronization

/// Bounds how many links are held at once: each has a descriptor.
///
/// Isolation: safe from everywhere.
final class HeldLinks: Sendable {
  private let linksMax: Int
  private let count = Atomic(0)

  init(linksMax: Int) {
    self.linksMax = linksMax
  }

  /// Holds the link at `path`, if it is the file of this inode. Nil when there are as many as there may be, or when it
  /// cannot be held: looking at it by its path tells the same.
  func hold(_ path: String, _ files: any Files, inode: UInt64) -> HeldLink? {
    guard count.add(1, ordering: .relaxed).newValue <= linksMax,
      // Why it cannot be held does not matter: its path is walked then.
      let file = try? files.hold(path), let status = try? file.status(), status.inode == inode
    else {
      giveBack()
      return nil
    }
    return HeldLink(file, inode: inode, of: self)
  }

  fileprivate func giveBack() {
    count.subtract(1, ordering: .relaxed)
  }
}

/// A link that is held until the last reference goes.
final class HeldLink: Sendable {
  let file: any HeldFile
  let inode: UInt64
  private let owner: HeldLinks

  fileprivate init(_ file: any HeldFile, inode: UInt64, of owner: HeldLinks) {
    self.file = file
    self.inode = inode
    self.owner = owner
  }

  deinit {
    owner.giveBack()
  }
}
