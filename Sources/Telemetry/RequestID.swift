// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Names one request in log lines and error reports: a random UUID (RFC 9562 section 5.4).
@frozen
public struct RequestID: Sendable, Hashable {
  @usableFromInline let high: UInt64
  @usableFromInline let low: UInt64

  /// A request id out of random bytes; version and variant bits are set over them.
  ///
  /// - Precondition: `bytes` has exactly 16 elements.
  public init(randomBytes bytes: [UInt8]) {
    precondition(bytes.count == 16, "a request id is made of 16 bytes")
    let words = (0..<2).map { word in bytes[(word * 8)..<(word * 8 + 8)].reduce(0) { $0 << 8 | UInt64($1) } }
    high = words[0] & ~0xF000 | 0x4000
    low = words[1] & ~(0b11 << 62) | 0b10 << 62
  }

  /// 32 hexadecimal digits.
  public var hex: String { Self.text(high: high, low: low, hasDashes: false) }

  private static func text(high: UInt64, low: UInt64, hasDashes: Bool) -> String {
    let length = hasDashes ? 36 : 32
    return String(unsafeUninitializedCapacity: length) { buffer in
      var place = 0
      for nibble in 0..<32 {
        if hasDashes, nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
          buffer[place] = UInt8(ascii: "-")
          place += 1
        }
        let word = nibble < 16 ? high : low
        let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - nibble % 16 * 4) & 0xF)
        buffer[place] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + (value - 10)
        place += 1
      }
      return length
    }
  }
}

extension RequestID: CustomStringConvertible {
  /// The UUID's text form.
  public var description: String { Self.text(high: high, low: low, hasDashes: true) }
}
