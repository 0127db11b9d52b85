// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
import GantryWorld

/// Watches a link by one stat of its file.
///
/// The version is inode, change time and size: a link that is replaced has another inode, one that is written in place
/// (Distribution before 3.0) another change time.
struct FilesystemWatch: LinkWatch {
  let files: any Files
  let clock: any WallClock
  let path: String

  /// How long after a change the change time tells it from any later change. The kernel stamps files with a clock that
  /// advances only with its timer tick, 1 to 10 ms; the rest is room for a network file system's own clock.
  static let settlingTime: Int64 = 100_000_000

  func version() -> LinkVersion? {
    // A link that cannot be looked at is not cached; the read that follows says why it fails.
    guard let status = try? files.status(path), !status.isDirectory else { return nil }
    return Self.version(status, now: clock.now)
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
    FilesystemWatch(files: tree.files, clock: tree.clock, path: place.file)
  }
}
