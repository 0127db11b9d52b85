// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Percent-encoding (RFC 3986, 2.1).
enum PercentEncoding {
  /// Decodes once; `+` is left as it is. Errors count positions from `range.startIndex` plus `base`.
  static func decoded(_ bytes: ArraySlice<UInt8>, base: Int) throws(WireError) -> String {
    guard let first = bytes.firstIndex(of: Octet.percent) else { return try text(bytes, base) }
    var output = Array(bytes[..<first])
    output.reserveCapacity(bytes.count)
    var index = first
    while index < bytes.endIndex {
      guard bytes[index] == Octet.percent else {
        output.append(bytes[index])
        index += 1
        continue
      }
      guard index + 2 < bytes.endIndex, let high = Octet.hexValue(bytes[index + 1]),
        let low = Octet.hexValue(bytes[index + 2])
      else { throw .percentEncodingInvalid(at: base + index - bytes.startIndex) }
      output.append(high << 4 | low)
      index += 3
    }
    return try text(output[...], base)
  }

  /// Encodes everything but `unreserved`.
  static func encode(_ text: String, to output: inout [UInt8]) {
    for byte in text.utf8 {
      if Octet.isUnreserved(byte) {
        output.append(byte)
      } else {
        output.append(Octet.percent)
        output.append(hexDigit(byte >> 4))
        output.append(hexDigit(byte & 0x0F))
      }
    }
  }

  private static func text(_ bytes: ArraySlice<UInt8>, _ base: Int) throws(WireError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .textNotUTF8(at: base) }
    return text
  }

  private static func hexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? Octet.zero + nibble : UInt8(ascii: "A") + nibble - 10
  }
}
