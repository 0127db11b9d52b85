// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI

/// A token in its compact form (RFC 7515 section 7.1), parted and decoded, and not believed yet.
struct TokenText {
  /// The longest token that is read. A request's head has a limit of its own, which is lower unless it was raised.
  static let bytesMax = 32 * 1024

  let header: JSONMembers
  let claims: JSONMembers
  /// What the signature is of.
  let signed: [UInt8]
  let signature: [UInt8]

  init(parsing text: String) throws(TokenFault) {
    guard text.utf8.count <= Self.bytesMax else { throw .tooLong(bytesMax: Self.bytesMax) }
    let parts = text.split(separator: ".", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let header = Self.bytes(parts[0]), let claims = Self.bytes(parts[1]),
      let signature = Self.bytes(parts[2])
    else { throw .malformed }
    self.header = try JSONMembers(try Self.json(header, "the header"), "the header")
    self.claims = try JSONMembers(try Self.json(claims, "the payload"), "the payload")
    signed = Array("\(parts[0]).\(parts[1])".utf8)
    self.signature = signature
  }

  /// Bytes in base 64 with the URL-safe alphabet: without padding, and in the one way they can be written.
  static func bytes(_ text: String) -> [UInt8]? {
    text.utf8.contains(UInt8(ascii: "=")) ? nil : Base64URL.decode(text)
  }

  private static func json(_ bytes: [UInt8], _ place: String) throws(TokenFault) -> JSONValue {
    do { return try JSONValue(parsing: bytes, depthMax: 8, valuesMax: 20_000) } catch {
      throw .member("\(place) is no JSON: \(error)")
    }
  }
}
