// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryWorld
import Synchronization

/// What was pushed beside what stands in its place already, of the same size.
struct ContentComparison: Sendable {
  let pushed: any OpenFile
  let standing: any OpenFile
  /// What is known of `standing`.
  let status: FileStatus

  private static let pieceBytes: UInt64 = 1 << 20

  /// Compares the next bytes from `offset` on, as many as a script should take; where it came to, or nil where they
  /// differ, or where those that stand cannot be read.
  func advance(from offset: UInt64) throws(FileError) -> UInt64? {
    var offset = offset
    let stop = min(status.size, offset + FilesystemStorage.bytesPerScript)
    while offset < stop {
      let count = Int(min(stop - offset, Self.pieceBytes))
      let piece = try pushed.read(count, at: offset)
      guard piece.count == count else {
        throw FileError(.failed, operation: "read", path: "upload data, shorter than it was")
      }
      do throws(FileError) {
        guard try standing.read(count, at: offset) == piece else { return nil }
      } catch  where error.reason == .failed {
        return nil
      }
      offset += UInt64(count)
    }
    return offset
  }
}

/// Contents that were compared and found whole, so that only the first push of each after a start compares. Bounded.
///
/// Isolation: safe from everywhere; one lock.
final class KnownContents: Sendable {
  private struct Identity: Hashable {
    var inode: UInt64
    var size: UInt64
    var modified: WallTime

    init(_ status: FileStatus) { (inode, size, modified) = (status.inode, status.size, status.modified) }
  }

  /// Beyond this all are forgotten.
  private static let contentsMax = 4096

  private let contents = Mutex<[Digest: Identity]>([:])

  /// Whether that file was found to be whole.
  func contains(_ digest: Digest, _ status: FileStatus) -> Bool {
    contents.withLock { $0[digest] == Identity(status) }
  }

  /// Remembers that it is.
  func note(_ digest: Digest, _ status: FileStatus) {
    contents.withLock { contents in
      if contents.count >= Self.contentsMax { contents = [:] }
      contents[digest] = Identity(status)
    }
  }
}
