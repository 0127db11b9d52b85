// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
import GantryWorld
import Synchronization

/// Watches a link by one stat of its file.
///
/// The version is inode, change time and size: a link that is replaced has another inode, one that is written in place
/// (Distribution before 3.0) another change time.
///
/// A link that is looked at often is held: then a look costs the kernel a tenth of what the walk along its path does.
/// Whoever replaces or removes a link, any registry that is, leaves the held file without a name, which that look tells
/// at once on the file systems whose files can be held. What it does not tell is that a directory above was renamed, by
/// hand: that is seen by the walk which follows a second after the last.
final class FilesystemWatch: LinkWatch {
  private struct State: ~Copyable {
    var looks = 0
    var link: HeldLink?
    /// When the path was walked last, and led to the held file.
    var walked: Int64 = .min
  }

  private let files: any Files
  private let clock: any WallClock
  private let path: String
  private let held: HeldLinks
  /// Only one loop looks at a time: its lock is never waited for.
  private let state = Mutex(State())

  init(files: any Files, clock: any WallClock, path: String, held: HeldLinks) {
    self.files = files
    self.clock = clock
    self.path = path
    self.held = held
  }

  /// How long after a change the change time tells it from any later change. The kernel stamps files with a clock that
  /// advances only with its timer tick, 1 to 10 ms; the rest is room for a network file system's own clock.
  static let settlingTime: Int64 = 100_000_000

  /// How long a held link stands for its path.
  static let walkInterval: Int64 = 1_000_000_000
  /// Looks by the path before the link is held: most are not looked at again.
  private static let looksByPath = 4
  private static let looksAfterRefusal = 1000

  func version() -> LinkVersion? {
    let now = clock.now
    return state.withLock { state in
      let time = Self.nanoseconds(now)
      if let link = state.link, time >= state.walked, time - state.walked < Self.walkInterval,
        // A file with another name could lose this one unseen.
        let status = try? link.file.status(), status.linkCount == 1
      {
        return Self.version(status, now: now)
      }
      // A link that cannot be looked at is not cached; the read that follows says why it fails.
      guard let status = try? files.status(path), !status.isDirectory else {
        state.link = nil
        return nil
      }
      if state.link?.inode != status.inode || status.linkCount != 1 { state.link = nil }
      state.looks += 1
      if state.link == nil, state.looks > Self.looksByPath, status.linkCount == 1 {
        state.link = held.hold(path, files, inode: status.inode)
        // What cannot be held, or has no room, is not tried each time.
        state.looks = state.link == nil ? -Self.looksAfterRefusal : 0
      }
      state.walked = time
      return Self.version(status, now: now)
    }
  }

  /// The version of what has this status.
  static func version(_ status: FileStatus, now: WallTime) -> LinkVersion {
    let changed = nanoseconds(status.changed)
    let isSettled = nanoseconds(now) - changed > settlingTime
    return LinkVersion(status.inode, UInt64(bitPattern: changed), status.size, isSettled: isSettled)
  }

  /// A time as one number.
  static func nanoseconds(_ time: WallTime) -> Int64 {
    time.seconds &* 1_000_000_000 &+ Int64(time.nanoseconds)
  }
}

extension FilesystemStorage {
  func watch(_ place: Layout.Place) -> any LinkWatch {
    FilesystemWatch(files: tree.files, clock: tree.clock, path: place.file, held: heldLinks)
  }
}
