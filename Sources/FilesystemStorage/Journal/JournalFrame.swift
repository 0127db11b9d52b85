// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryWorld

/// A record with when and under which boot it was written.
struct JournalEntry: Sendable, Equatable {
  var record: JournalRecord
  var boot: BootIdentity
  var writtenAt: WallTime
  /// Where the first of the entries stands that were written together with this one. Whatever stands before it had come
  /// to its end then: acknowledged, or void.
  var batch: UInt64
  /// Whether it was never applied, and never will be: what it says counts for nothing, and nobody was told that it
  /// does.
  var isVoid = false
}

/// The form of one entry in a segment.
///
/// ```
/// 4 bytes   "GJ2\n", or "GJ0\n" of an entry that is void
/// 4 bytes   length of the payload, little-endian
/// 8 bytes   the segment's nonce
/// 16 bytes  the first half of the SHA-256 of nonce, segment number, offset of the frame, and payload
/// …         payload: batch, node, boot, seconds, nanoseconds, record
/// ```
///
/// The seal covers place and contents, so that neither a torn write nor bytes left over from elsewhere pass for an
/// entry; nor do bytes that a client has pushed, which cannot know the nonce: it is drawn for each segment and stands
/// in its name. It does not cover the first four bytes: one of them is changed in place to make an entry void, which
/// cannot tear, and needs no room where files are overwritten in place.
enum JournalFrame {
  static let headBytes = 32
  /// No payload is longer: content inside a record is bounded, and so is every name.
  static let payloadBytesMax = Int(JournalContent.inlineBytesMax) + (16 << 10)

  private static let magic = Array("GJ2\n".utf8)
  private static let voidMagic = Array("GJ0\n".utf8)
  private static let sealBytes = 16

  /// The frame of an entry that is to stand at `offset` of a segment.
  static func encode(_ entry: JournalEntry, in segment: JournalSegments.Segment, offset: UInt64) -> [UInt8] {
    var payload = JournalBytes()
    payload.append(number: entry.batch)
    payload.append(text: entry.boot.node, entry.boot.boot)
    payload.append(number: UInt64(bitPattern: entry.writtenAt.seconds))
    payload.append(number: UInt64(UInt32(bitPattern: entry.writtenAt.nanoseconds)))
    entry.record.write(to: &payload)
    var frame = JournalBytes()
    for byte in magic { frame.append(byte) }
    frame.append(length: payload.bytes.count)
    frame.append(number: segment.nonce)
    return frame.bytes + seal(payload.bytes, segment, offset: offset) + payload.bytes
  }

  /// What makes the entry void that stands at `offset`, and where it is to be written.
  static func voiding(_ offset: UInt64) -> (bytes: [UInt8], offset: UInt64) { ([voidMagic[2]], offset + 2) }

  /// The length of the payload that a head announces; nil when it is no head of that segment.
  static func payloadLength(_ head: [UInt8], in segment: JournalSegments.Segment) -> Int? {
    guard head.count == headBytes, isMagic(head.prefix(4)) else { return nil }
    var reader = JournalBytes.Reader(Array(head[4..<16]))
    guard let length = reader.length(), length <= payloadBytesMax, reader.number() == segment.nonce else { return nil }
    return length
  }

  /// The entry of a frame; nil when it is not whole.
  static func decode(
    head: [UInt8], payload: [UInt8], in segment: JournalSegments.Segment, offset: UInt64
  ) -> JournalEntry? {
    guard head[16..<headBytes] == seal(payload, segment, offset: offset) else { return nil }
    var reader = JournalBytes.Reader(payload)
    guard let batch = reader.number(), let node = reader.text(), let boot = reader.text(),
      let seconds = reader.number(),
      let nanoseconds = reader.number(), let record = JournalRecord(reading: &reader), reader.isAtEnd
    else { return nil }
    let writtenAt = WallTime(
      seconds: Int64(bitPattern: seconds), nanoseconds: Int32(bitPattern: UInt32(truncatingIfNeeded: nanoseconds)))
    return JournalEntry(
      record: record, boot: BootIdentity(node: node, boot: boot), writtenAt: writtenAt, batch: batch,
      isVoid: head.prefix(4).elementsEqual(voidMagic))
  }

  /// What stands at a place of a segment's file.
  enum Look {
    case entry(JournalEntry, next: UInt64)
    /// Bytes that are no whole entry.
    case torn
    /// Nothing.
    case end
  }

  /// Looks at `offset` of a segment's file.
  static func look(
    at offset: UInt64, of file: any OpenFile, in segment: JournalSegments.Segment
  ) throws(FileError) -> Look {
    let head = try file.read(headBytes, at: offset)
    guard let length = payloadLength(head, in: segment) else { return head.isEmpty ? .end : .torn }
    let payload = try file.read(length, at: offset + UInt64(headBytes))
    guard let entry = decode(head: head, payload: payload, in: segment, offset: offset) else { return .torn }
    return .entry(entry, next: offset + UInt64(headBytes + length))
  }

  /// Where a head of that segment may begin, in these bytes.
  static func places(in bytes: [UInt8], of segment: JournalSegments.Segment) -> [Int] {
    var nonce = JournalBytes()
    nonce.append(number: segment.nonce)
    return bytes.indices.filter { index in
      bytes[index] == magic[0] && index + 16 <= bytes.count && isMagic(bytes[index..<(index + 4)])
        && bytes[(index + 8)..<(index + 16)].elementsEqual(nonce.bytes)
    }
  }

  private static func isMagic(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.elementsEqual(magic) || bytes.elementsEqual(voidMagic)
  }

  private static func seal(
    _ payload: [UInt8], _ segment: JournalSegments.Segment, offset: UInt64
  ) -> ArraySlice<UInt8> {
    var place = JournalBytes()
    place.append(number: segment.nonce)
    place.append(number: segment.number)
    place.append(number: offset)
    var running = RunningDigest(.sha256)
    running.update(place.bytes)
    running.update(payload)
    return running.finished().prefix(sealBytes)
  }
}
