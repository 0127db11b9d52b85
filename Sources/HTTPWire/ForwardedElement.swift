// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The first element of a Forwarded header (RFC 7239, 4): what the proxy nearest to the client saw.
///
/// Values are not judged here: whether `host` is a host and `proto` a scheme, and whether the proxy is to be believed,
/// is the caller's to check.
public struct ForwardedElement: Hashable, Sendable {
  /// The host the client addressed.
  public private(set) var host: String?
  /// The scheme the client used.
  public private(set) var proto: String?
  /// Who the client was.
  public private(set) var client: String?
  /// The proxy's side that was addressed.
  public private(set) var by: String?

  /// Reads the first element; parameters other than the four are skipped. A colon and brackets are accepted in values
  /// without quotes (`host=registry.example:5000`), because proxies send them so. A parameter given twice is an error.
  public init(parsingFirst header: String) throws(WireError) {
    let bytes = Array(header.utf8)
    var position = 0
    var seen: [String] = []
    while true {
      Self.skipBlanks(bytes, &position)
      if position == bytes.count || bytes[position] == Octet.comma { break }
      if bytes[position] == Octet.semicolon {
        position += 1
        continue
      }
      let at = position
      let name = Self.name(bytes, &position)
      guard !name.isEmpty, position < bytes.count, bytes[position] == Octet.equals, !seen.contains(name) else {
        throw .forwardedMalformed(at: seen.contains(name) ? at : position)
      }
      position += 1
      seen.append(name)
      take(name, try Self.value(bytes, &position))
      Self.skipBlanks(bytes, &position)
      guard position == bytes.count || bytes[position] == Octet.semicolon || bytes[position] == Octet.comma else {
        throw .forwardedMalformed(at: position)
      }
    }
  }

  /// The first element of a plain list such as X-Forwarded-Proto or X-Forwarded-Host, without white space around it.
  public static func firstOfList(_ header: String) -> String {
    let bytes = Array(header.utf8)
    let end = bytes.firstIndex(of: Octet.comma) ?? bytes.count
    return String(decoding: bytes[Octet.trimmed(bytes, from: 0, to: end)], as: UTF8.self)
  }

  private mutating func take(_ name: String, _ value: String) {
    switch name {
    case "host": host = value
    case "proto": proto = value
    case "for": client = value
    case "by": by = value
    default: break
    }
  }

  private static func skipBlanks(_ bytes: [UInt8], _ position: inout Int) {
    while position < bytes.count, Octet.isBlank(bytes[position]) { position += 1 }
  }

  /// A token in lower case.
  private static func name(_ bytes: [UInt8], _ position: inout Int) -> String {
    let start = position
    while position < bytes.count, Octet.isToken(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position].map(Octet.lowercased), as: UTF8.self)
  }

  /// A token or a quoted string.
  private static func value(_ bytes: [UInt8], _ position: inout Int) throws(WireError) -> String {
    var value: [UInt8] = []
    guard position < bytes.count, bytes[position] == Octet.quote else {
      while position < bytes.count, isBareValue(bytes[position]) {
        value.append(bytes[position])
        position += 1
      }
      guard !value.isEmpty else { throw .forwardedMalformed(at: position) }
      return String(decoding: value, as: UTF8.self)
    }
    position += 1
    while position < bytes.count, bytes[position] != Octet.quote {
      if bytes[position] == Octet.backslash { position += 1 }
      guard position < bytes.count, Octet.isFieldValue(bytes[position]) else {
        throw .forwardedMalformed(at: position)
      }
      value.append(bytes[position])
      position += 1
    }
    guard position < bytes.count else { throw .forwardedMalformed(at: position) }
    position += 1
    return String(decoding: value, as: UTF8.self)
  }

  private static func isBareValue(_ byte: UInt8) -> Bool {
    Octet.isToken(byte) || byte == Octet.colon || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "]")
  }
}
