// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// `host` or `host:port` as it stands in a Host header or an authority (RFC 9110, 7.2; RFC 3986, 3.2.2).
///
/// Narrower than RFC 3986, because hosts are copied into Location headers: names are letters, digits and `-._~` only,
/// without percent-encoding or sub-delimiters; addresses of IPv6 stand in brackets, without a zone.
public struct HostPort: Hashable, Sendable {
  /// The name or address, an IPv6 address with its brackets.
  public let host: String
  /// The port, where one was named.
  public let port: UInt16?

  /// Nil unless the text is valid.
  public init?(parsing text: String) {
    let bytes = Array(text.utf8)
    guard let colon = Self.hostEnd(bytes.span, 0, bytes.count) else { return nil }
    host = String(decoding: bytes[..<colon], as: UTF8.self)
    port = colon + 1 < bytes.count ? UInt16(String(decoding: bytes[(colon + 1)...], as: UTF8.self)) : nil
  }

  /// Whether the text is valid, without making a value of it.
  public static func isValid(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return isValid(bytes.span, 0, bytes.count)
  }

  static func isValid(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    hostEnd(bytes, start, end) != nil
  }

  /// Where the host ends, if it and the port after it are valid.
  private static func hostEnd(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var index = start
    if index < end, bytes[index] == UInt8(ascii: "[") {
      index += 1
      var colons = 0
      while index < end, Octet.hexValue(bytes[index]) != nil || bytes[index] == Octet.colon || bytes[index] == Octet.dot
      {
        if bytes[index] == Octet.colon { colons += 1 }
        index += 1
      }
      guard index < end, bytes[index] == UInt8(ascii: "]"), colons >= 2, index - start <= 46 else { return nil }
      index += 1
    } else {
      while index < end, Octet.isUnreserved(bytes[index]) { index += 1 }
      guard index > start, index - start <= 255 else { return nil }
    }
    let hostEnd = index
    guard index < end else { return hostEnd }
    guard bytes[index] == Octet.colon, end - index <= 6 else { return nil }
    var port = 0
    index += 1
    while index < end {
      guard Octet.isDigit(bytes[index]) else { return nil }
      port = port * 10 + Int(bytes[index] - Octet.zero)
      index += 1
    }
    return port <= 65535 ? hostEnd : nil
  }
}
