// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Classes of bytes, in the grammar's words (RFC 9110, 5.6; RFC 3986, 2).
enum Octet {
  static let tab: UInt8 = 0x09
  static let lineFeed: UInt8 = 0x0A
  static let carriageReturn: UInt8 = 0x0D
  static let space: UInt8 = 0x20
  static let quote: UInt8 = 0x22
  static let hash: UInt8 = 0x23
  static let percent: UInt8 = 0x25
  static let asterisk: UInt8 = 0x2A
  static let comma: UInt8 = 0x2C
  static let hyphen: UInt8 = 0x2D
  static let dot: UInt8 = 0x2E
  static let slash: UInt8 = 0x2F
  static let zero: UInt8 = 0x30
  static let colon: UInt8 = 0x3A
  static let semicolon: UInt8 = 0x3B
  static let equals: UInt8 = 0x3D
  static let questionMark: UInt8 = 0x3F
  static let backslash: UInt8 = 0x5C

  /// `tchar`: two words of bits rather than a table in memory.
  @inline(__always)
  static func isToken(_ byte: UInt8) -> Bool {
    guard byte < 128 else { return false }
    let bits: UInt64 = byte < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
    return (bits &>> UInt64(byte & 63)) & 1 == 1
  }

  /// `unreserved` of RFC 3986, 2.3.
  @inline(__always)
  static func isUnreserved(_ byte: UInt8) -> Bool {
    guard byte < 128 else { return false }
    let bits: UInt64 = byte < 64 ? 0x03FF_6000_0000_0000 : 0x47FF_FFFE_87FF_FFFE
    return (bits &>> UInt64(byte & 63)) & 1 == 1
  }

  /// HTAB, SP, VCHAR or obs-text: what a field value may hold.
  @inline(__always)
  static func isFieldValue(_ byte: UInt8) -> Bool {
    (byte >= 0x20 && byte != 0x7F) || byte == tab
  }

  /// VCHAR: visible ASCII.
  @inline(__always)
  static func isVisible(_ byte: UInt8) -> Bool {
    byte &- 0x21 <= 0x7E - 0x21
  }

  /// OWS: SP or HTAB.
  @inline(__always)
  static func isBlank(_ byte: UInt8) -> Bool {
    byte == space || byte == tab
  }

  @inline(__always)
  static func isDigit(_ byte: UInt8) -> Bool {
    byte &- zero < 10
  }

  @inline(__always)
  static func lowercased(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
  }

  /// The value of a hexadecimal digit of either case.
  @inline(__always)
  static func hexValue(_ byte: UInt8) -> UInt8? {
    if isDigit(byte) { return byte &- zero }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? letter &+ 10 : nil
  }

  /// The decimal digits of a number.
  static func appendDecimal(_ value: UInt64, to output: inout [UInt8]) {
    var (unit, count): (UInt64, Int) = (1, 1)
    while value / unit >= 10 {
      unit *= 10
      count += 1
    }
    output.append(addingCapacity: count) { digits in
      var rest = value
      while unit > 0 {
        digits.append(zero &+ UInt8(truncatingIfNeeded: rest / unit))
        rest %= unit
        unit /= 10
      }
    }
  }
}

extension Octet {
  /// The range without the OWS at its two ends.
  static func trimmed(_ bytes: [UInt8], from start: Int, to end: Int) -> Range<Int> {
    var lower = start
    var upper = end
    while lower < upper, isBlank(bytes[lower]) { lower += 1 }
    while lower < upper, isBlank(bytes[upper - 1]) { upper -= 1 }
    return lower..<upper
  }

  static func equalsIgnoringCase(_ one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Bool {
    guard one.count == other.count else { return false }
    var second = other.startIndex
    for first in one.indices {
      if lowercased(one[first]) != lowercased(other[second]) { return false }
      second += 1
    }
    return true
  }
}
