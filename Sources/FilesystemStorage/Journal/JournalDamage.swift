// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// A place in a segment where no whole entry stands, and what it means.
///
/// A power cut, or a process that dies, leaves entries torn that were written together, and those were acknowledged to
/// nobody. Before the next ones are written the torn ones are cut off. So where an entry of a *later* write stands
/// whole behind the place, what was there was durable once, and something else has damaged it since: a disk that
/// forgets, or somebody's hand.
struct JournalDamage {
  let file: any OpenFile
  /// The segment's.
  let number: UInt64
  /// Where the entry should stand.
  let offset: UInt64

  private static let pieceBytes = 256 << 10

  /// Where the first whole entry of a later write stands; nil when there is none: then nothing acknowledged is missing.
  func end() throws(FileError) -> UInt64? {
    var start = offset + 1
    while true {
      let piece = try file.read(Self.pieceBytes, at: start)
      if piece.isEmpty { return nil }
      for (index, byte) in piece.enumerated() where JournalFrame.mayBegin(with: byte) {
        let place = start + UInt64(index)
        if case .entry(let entry, _) = try JournalFrame.look(at: place, of: file, segment: number),
          entry.batch > offset
        {
          return place
        }
      }
      start += UInt64(piece.count)
    }
  }
}
