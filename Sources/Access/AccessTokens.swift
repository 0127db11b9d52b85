// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryWorld

/// Tokens that the registry gives out itself, for a short while: who the bearer is, and nothing else.
///
/// A token is an HMAC, the time until which it counts, and the user's name (empty for nobody). The user's stored hash
/// goes into the HMAC, so a token ends with the password that it was given for. Nodes with one key take each other's.
struct AccessTokens: Sendable {
  /// How long a token counts, in seconds.
  static let lifetime: Int64 = 300

  private static let macBytes = 32
  /// The longest token that is read: its name comes from a password's field.
  private static let bytesMax = 16384
  private let key: [UInt8]

  /// Tokens under a key that is derived from the registry's secret.
  init(secret: [UInt8]) {
    key = hmacSHA256(key: secret, message: Array("gantry access tokens".utf8))
  }

  /// A token for the user with this stored hash; nil: for nobody.
  func issue(to user: (name: String, hash: String)?, at now: WallTime) -> String {
    let claims = Self.claims(user?.name ?? "", until: now.seconds + Self.lifetime)
    return Base64URL.encode(mac(claims, hash: user?.hash ?? "") + claims)
  }

  /// A token that was read and not judged yet.
  struct Presented {
    /// The user that it names; empty for nobody.
    let name: String
    fileprivate let claims: [UInt8]
    fileprivate let mac: [UInt8]
    fileprivate let until: Int64
  }

  /// Reads a token; nil when it has not the form of one.
  func read(_ token: String) -> Presented? {
    guard token.utf8.count <= Self.bytesMax, let bytes = Base64URL.decode(token), bytes.count >= Self.macBytes + 8
    else { return nil }
    let claims = Array(bytes[Self.macBytes...])
    let until = claims[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard let name = String(validating: claims[8...], as: UTF8.self) else { return nil }
    return Presented(
      name: name, claims: claims, mac: Array(bytes[..<Self.macBytes]), until: Int64(truncatingIfNeeded: until))
  }

  /// Whether the token was given out here to the user who now has this stored hash (nobody has an empty one), and still
  /// counts.
  func holds(_ token: Presented, hash: String, at now: WallTime) -> Bool {
    constantTimeEqual(token.mac, mac(token.claims, hash: hash)) && now.seconds < token.until
  }

  private func mac(_ claims: [UInt8], hash: String) -> [UInt8] {
    // The hash has one length or none, so no claims can be shifted into it.
    hmacSHA256(key: key, message: [UInt8(truncatingIfNeeded: hash.utf8.count)] + Array(hash.utf8) + claims)
  }

  private static func claims(_ name: String, until: Int64) -> [UInt8] {
    (0..<8).reversed().map { UInt8(truncatingIfNeeded: until >> Int64($0 * 8)) } + Array(name.utf8)
  }
}
