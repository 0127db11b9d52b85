// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The identifier of an upload session: `[a-zA-Z0-9_.=-]+`, at most 128 bytes, neither `.` nor `..`.
///
/// A value in hand is valid, hence safe as a file name.
public struct UploadID: Sendable, Hashable {
  /// Longest identifier, in bytes.
  public static let bytesMax = 128

  private let text: String

  /// Parses an identifier that a client or a directory names.
  public init(parsing text: String) throws(NameError) {
    var contiguous = text
    if let reason = contiguous.withUTF8({ utf8 in Self.fault(in: utf8) }) {
      throw .invalidUploadID(reason: reason)
    }
    self.text = contiguous
  }

  /// A random identifier in the form of RFC 9562 section 5.4 (UUID version 4): version and variant bits are set over
  /// the given random bytes.
  ///
  /// - Precondition: `bytes` has exactly 16 elements.
  public init(uuidBytes bytes: [UInt8]) {
    precondition(bytes.count == 16, "a UUID has 16 bytes")
    var bytes = bytes
    bytes[6] = bytes[6] & 0x0F | 0x40
    bytes[8] = bytes[8] & 0x3F | 0x80
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(36)
    for (index, byte) in bytes.enumerated() {
      if index == 4 || index == 6 || index == 8 || index == 10 { text.append(UInt8(ascii: "-")) }
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 0xF)])
    }
    self.text = String(decoding: text, as: UTF8.self)
  }

  /// Whether this is the text form of a UUID of any version (RFC 9562 section 4), as Distribution demands of a
  /// directory before it takes it for an upload.
  public var isUUID: Bool {
    let utf8 = Array(text.utf8)
    guard utf8.count == 36 else { return false }
    for (index, byte) in utf8.enumerated() {
      let isDashPlace = index == 8 || index == 13 || index == 18 || index == 23
      guard isDashPlace ? byte == UInt8(ascii: "-") : NameBytes.isHex(byte) else { return false }
    }
    return true
  }

  private static func fault(in utf8: UnsafeBufferPointer<UInt8>) -> String? {
    guard !utf8.isEmpty else { return "it is empty" }
    guard utf8.count <= bytesMax else { return "it has \(utf8.count) bytes, more than \(bytesMax)" }
    if utf8.count <= 2, utf8.allSatisfy({ $0 == UInt8(ascii: ".") }) { return "it names a directory" }
    for (offset, byte) in utf8.enumerated() {
      switch byte {
      case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "="): continue
      case _ where NameBytes.isWord(byte): continue
      default: return "it has a character outside A-Z, a-z, 0-9, '-', '_', '.', '=' at byte \(offset)"
      }
    }
    return nil
  }
}

extension UploadID: CustomStringConvertible {
  /// The identifier as text.
  public var description: String { text }
}
