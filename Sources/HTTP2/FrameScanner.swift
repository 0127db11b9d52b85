// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Finds the frames in what comes, before anybody looks into them: nghttp2 says nothing of those that it passes over,
/// and they cost their sender no less than they cost us. A value without effects.
struct FrameScanner {
  /// A frame's header (RFC 9113, 4.1).
  struct Header {
    let length: Int
    let kind: UInt8
    let flags: UInt8
  }

  /// Bytes before the next header: of the preface, then of payloads.
  private var skipped = HTTP2Session.preface.count
  private var header: UInt64 = 0
  private var headerBytes = 0
  /// Whether the frame that comes, or came last, is of a field section, and whether it is the last of it.
  private var isOfSection = false
  private var endsSection = false

  private static let headerBytesMax = 9
  private static let headers: UInt8 = 1
  private static let continuation: UInt8 = 9
  private static let endHeaders: UInt8 = 4

  /// Whether a field section has begun to come and is not complete.
  var isInSection: Bool { isOfSection && (skipped > 0 || !endsSection) }

  /// The next header that ends in `bytes` at or after `position`, which moves behind it; nil when none does.
  mutating func next(in bytes: [UInt8], at position: inout Int) -> Header? {
    while position < bytes.count {
      if skipped > 0 {
        let step = min(skipped, bytes.count - position)
        skipped -= step
        position += step
        continue
      }
      // Length, kind and flags; the four bytes of the stream after them are nobody's here.
      if headerBytes < 5 { header = header << 8 | UInt64(bytes[position]) }
      headerBytes += 1
      position += 1
      if headerBytes == Self.headerBytesMax {
        let found = Header(
          length: Int(header >> 16), kind: UInt8(truncatingIfNeeded: header >> 8),
          flags: UInt8(truncatingIfNeeded: header))
        (skipped, header, headerBytes) = (found.length, 0, 0)
        isOfSection = found.kind == Self.headers || found.kind == Self.continuation
        endsSection = found.flags & Self.endHeaders != 0
        return found
      }
    }
    return nil
  }
}
