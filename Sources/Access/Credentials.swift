// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography

/// What an Authorization field holds.
enum Credentials: Equatable {
  /// RFC 7617: the name and the password.
  case basic(name: String, password: [UInt8])
  /// RFC 6750: a token.
  case bearer(String)

  /// The longest field with a password that is read. Tokens have limits of their own.
  static var bytesMax: Int { 8192 }

  /// Reads the value of the field; nil when it is neither.
  init?(_ field: String) {
    // What nearly every field begins with.
    if field.utf8.starts(with: "Bearer ".utf8), field.utf8.dropFirst(7).first != UInt8(ascii: " ") {
      self = .bearer(String(Substring(field.utf8.dropFirst(7))))
      return
    }
    guard let space = field.utf8.firstIndex(of: UInt8(ascii: " ")) else { return nil }
    let scheme = field[..<space].lowercased()
    let value = field[space...].drop { $0 == " " }
    switch scheme {
    case "basic":
      guard field.utf8.count <= Self.bytesMax, let bytes = Self.base64(value),
        let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
      else { return nil }
      // A name that is no UTF-8 is in no file.
      guard let name = String(validating: bytes[..<colon], as: UTF8.self) else { return nil }
      self = .basic(name: name, password: Array(bytes[(colon + 1)...]))
    case "bearer": self = .bearer(String(value))
    default: return nil
    }
  }

  /// Base 64 with the usual alphabet (RFC 4648, section 4).
  static func base64(_ text: Substring) -> [UInt8]? {
    var urlSafe: [UInt8] = []
    urlSafe.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "+"): urlSafe.append(UInt8(ascii: "-"))
      case UInt8(ascii: "/"): urlSafe.append(UInt8(ascii: "_"))
      case UInt8(ascii: "-"), UInt8(ascii: "_"): return nil
      default: urlSafe.append(byte)
      }
    }
    return Base64URL.decode(String(decoding: urlSafe, as: UTF8.self))
  }
}
