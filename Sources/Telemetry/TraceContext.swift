// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Where a request stands in a trace, as the field `traceparent` tells (W3C Trace Context, section 3.2).
public struct TraceContext: Sendable, Hashable {
  /// The trace's id, 32 lower-case hexadecimal digits, not all zero.
  public let traceID: String
  /// The id of the caller's span, 16 lower-case hexadecimal digits, not all zero.
  public let parentID: String
  /// Whether the caller records the trace.
  public let isSampled: Bool

  /// Reads the value of a `traceparent` field; nil when it is not one. A later version than 00 is read as far as 00
  /// goes, as section 3.2.4 asks; nothing unchecked is kept.
  public init?(traceparent bytes: some Collection<UInt8>) {
    let bytes = Array(bytes.prefix(Self.bytesMax + 1))
    guard bytes.count >= Self.versionZeroBytes, bytes.count <= Self.bytesMax,
      let version = Self.hex(bytes[0..<2]), version != 0xFF,
      bytes[2] == Self.dash, bytes[35] == Self.dash, bytes[52] == Self.dash,
      Self.isIdentity(bytes[3..<35]), Self.isIdentity(bytes[36..<52]), let flags = Self.hex(bytes[53..<55])
    else { return nil }
    if bytes.count > Self.versionZeroBytes {
      guard version > 0, bytes[Self.versionZeroBytes] == Self.dash else { return nil }
    }
    traceID = String(decoding: bytes[3..<35], as: UTF8.self)
    parentID = String(decoding: bytes[36..<52], as: UTF8.self)
    isSampled = flags & 1 == 1
  }

  private static let versionZeroBytes = 55
  /// What a later version may have at most; nobody has more to say in a header of this kind.
  private static let bytesMax = 256
  private static let dash = UInt8(ascii: "-")

  private static func isIdentity(_ digits: ArraySlice<UInt8>) -> Bool {
    digits.allSatisfy { digit($0) != nil } && digits.contains { $0 != UInt8(ascii: "0") }
  }

  private static func hex(_ digits: ArraySlice<UInt8>) -> UInt8? {
    var value: UInt8 = 0
    for byte in digits {
      guard let digit = digit(byte) else { return nil }
      value = value << 4 | digit
    }
    return value
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
}
