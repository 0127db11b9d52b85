// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// One turn at the journal: whoever has it is alone, among all processes that share the directory.
///
/// The lock's file holds a *mark* while entries are in the journal that the tree does not show yet. It is set before
/// they are appended and cleared when they are applied, so whoever comes after a failure or a death finds what was
/// left. It is never synced: after a power cut everything in the journal is applied again, and the mark means nothing.
struct JournalTurn: Sendable {
  /// From where on entries may be unapplied.
  struct Mark: Sendable, Equatable {
    var segment: UInt64
    var offset: UInt64
    /// The boot that it was set in.
    var boot: String
  }

  fileprivate let lock: any OpenFile
  private let boot: String

  init(lock: any OpenFile, boot: String) {
    self.lock = lock
    self.boot = boot
  }

  private static let textBytesMax = 256
  private static let none = UInt8(ascii: "-")

  /// The mark that was set and not cleared.
  func mark() throws(FileError) -> Mark? {
    let bytes = try lock.read(Self.textBytesMax, at: 0)
    guard let first = bytes.first, first != Self.none else { return nil }
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
    let parts = String(decoding: line, as: UTF8.self).split(separator: " ", maxSplits: 2)
    guard parts.count == 3, let segment = UInt64(parts[0]), let offset = UInt64(parts[1]) else { return nil }
    return Mark(segment: segment, offset: offset, boot: String(parts[2]))
  }

  /// Says that entries from there on are not applied. Comes before they are appended.
  func mark(segment: UInt64, offset: UInt64) throws(FileError) {
    try lock.write(Array("\(segment) \(offset) \(boot)\n".utf8), at: 0)
  }

  /// Says that the tree shows all that is in the journal.
  func clearMark() throws(FileError) {
    try lock.write([Self.none], at: 0)
  }
}
