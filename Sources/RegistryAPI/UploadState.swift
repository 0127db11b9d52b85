// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI
import GantryRegistry
import GantryWorld

/// The `_state` of an upload, byte for byte as Distribution 2.8 and 3 write it, so that either can go on with the
/// other's uploads: base64url(HMAC-SHA256(secret, J) ‖ J) with J in the form of Go's encoding/json.
struct UploadState: Sendable, Hashable {
  /// Why a token was not accepted.
  enum Fault: Error, Sendable, Hashable {
    /// Not base 64, or too short.
    case malformed
    /// Signed with another secret.
    case forged
    /// Signed, but not what is signed here.
    case unreadable
  }

  let name: String
  let uuid: String
  let offset: UInt64
  let startedAt: WallTime

  init(name: String, uuid: String, offset: UInt64, startedAt: WallTime) {
    self.name = name
    self.uuid = uuid
    self.offset = offset
    self.startedAt = startedAt
  }

  init(_ status: UploadStatus) {
    self.init(
      name: status.repository.description, uuid: status.id.description, offset: status.offset,
      startedAt: status.startedAt)
  }

  /// The token.
  func signed(with secret: [UInt8]) -> String {
    let message = Array(json.utf8)
    return Base64URL.encode(hmacSHA256(key: secret, message: message) + message)
  }

  /// What a token says, if it was signed with `secret`.
  init(token: String, secret: [UInt8]) throws(Fault) {
    guard let bytes = Base64URL.decode(token), bytes.count > 32 else { throw .malformed }
    let message = Array(bytes[32...])
    guard constantTimeEqual(Array(bytes[..<32]), hmacSHA256(key: secret, message: message)) else { throw .forged }
    var reader = StateReader(message)
    guard reader.take("{\"Name\":"), let name = reader.string(), reader.take(",\"UUID\":"),
      let uuid = reader.string(), reader.take(",\"Offset\":"), let offset = reader.number(),
      reader.take(",\"StartedAt\":"), let startedAt = reader.string(), reader.take("}"), reader.isAtEnd
    else { throw .unreadable }
    // The time is not needed to go on: the storage knows better. Only what we print ourselves is read back.
    self.init(name: name, uuid: uuid, offset: offset, startedAt: WallTime(rfc3339: startedAt) ?? WallTime(seconds: 0))
  }

  /// Names and ids hold no character that Go's encoder would escape.
  private var json: String {
    "{\"Name\":\"\(name)\",\"UUID\":\"\(uuid)\",\"Offset\":\(offset),\"StartedAt\":\"\(startedAt.rfc3339)\"}"
  }
}

/// Reads the one form of JSON that a state has: its signer wrote it, so anything else is refused.
private struct StateReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { position == bytes.count }

  mutating func take(_ text: String) -> Bool {
    guard bytes[position...].starts(with: text.utf8) else { return false }
    position += text.utf8.count
    return true
  }

  mutating func string() -> String? {
    guard take("\"") else { return nil }
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
      guard bytes[position] != UInt8(ascii: "\\"), bytes[position] >= 0x20 else { return nil }
      position += 1
    }
    guard position < bytes.count else { return nil }
    defer { position += 1 }
    return String(validating: bytes[start..<position], as: UTF8.self)
  }

  mutating func number() -> UInt64? {
    let start = position
    var value: UInt64 = 0
    while position < bytes.count, bytes[position] >= UInt8(ascii: "0"), bytes[position] <= UInt8(ascii: "9") {
      guard position - start < 19 else { return nil }
      value = value * 10 + UInt64(bytes[position] - UInt8(ascii: "0"))
      position += 1
    }
    return position == start ? nil : value
  }
}
