// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// A place in a segment where no whole entry stands, and what it means.
///
/// A power cut, or a process that dies, leaves entries torn that were written together, and those were acknowledged to
/// nobody. Before the next ones are written the torn ones are cut off, or made void. So where an entry of a *later*
/// write stands whole behind the place, what follows was acknowledged, whatever the place is: an entry that a disk has
/// damaged since, or what is left of void ones whose sync had failed.
struct JournalDamage {
  let file: any OpenFile
  let segment: JournalSegments.Segment
  /// Where the entry should stand.
  let offset: UInt64

  private static let pieceBytes = 256 << 10

  /// Where the next whole entry stands, if one of a later write stands anywhere behind; nil when none does: then
  /// nothing that follows was acknowledged.
  func end() throws(FileError) -> UInt64? {
    var start = offset + 1
    var first: UInt64?
    while true {
      let piece = try file.read(Self.pieceBytes, at: start)
      for index in JournalFrame.places(in: piece, of: segment) {
        let place = start + UInt64(index)
        guard case .entry(let entry, _) = try JournalFrame.look(at: place, of: file, in: segment) else { continue }
        first = first ?? place
        if entry.batch > offset { return first }
      }
      // A head may stand across the end of a piece.
      if piece.count < Self.pieceBytes { return nil }
      start += UInt64(piece.count - JournalFrame.headBytes)
    }
  }
}
