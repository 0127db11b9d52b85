// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryPasswordHash
import Testing

struct BcryptHashTests {
  @Test(
    "Hashes that other programs made",
    arguments: [
      ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", 5),
      // Apache's htpasswd -B.
      ("$2y$05$InzpHG/yFuGFOkD/lGKQdOhVfU0L1Nva5Xj.g6Pr/z5bx1CnDj.UO", "wonder", 5),
    ])
  func foreignHashes(_ text: String, _ password: String, _ cost: Int) throws {
    let hash = try BcryptHash(parsing: text)
    #expect(hash.cost == cost)
    #expect(hash.matches(Array(password.utf8)))
    for wrong in ["", password + "x", String(password.dropLast()), password.lowercased() + "\n"] {
      #expect(!hash.matches(Array(wrong.utf8)), "\(wrong)")
    }
  }

  @Test("What was hashed here matches, and a NUL is never the end of a password")
  func ownHashes() throws {
    let salt = (0..<16).map { UInt8($0) }
    let hash = try #require(BcryptHash(hashing: Array("secret".utf8), salt: salt, cost: 4))
    #expect(hash.text.hasPrefix("$2y$04$"))
    #expect(try BcryptHash(parsing: hash.text) == hash)
    #expect(hash.matches(Array("secret".utf8)))
    #expect(!hash.matches(Array("secret\0".utf8)))
    #expect(!hash.matches(Array("secret\0more".utf8)))
    #expect(BcryptHash(hashing: Array("secret\0".utf8), salt: salt, cost: 4) == nil)
    let empty = try #require(BcryptHash(hashing: [], salt: salt, cost: 4))
    #expect(empty.matches([]) && !empty.matches([0]) && !empty.matches(Array("a".utf8)))
  }

  /// Fifty-three digits of bcrypt.
  private static let digits = String(repeating: "a", count: 53)

  private static let noHashes: [(String, BcryptError)] = [
    ("", .otherFunction), ("secret", .otherFunction), ("$apr1$abc$def", .otherFunction),
    ("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", .otherFunction), ("$2x$05$\(digits)", .otherFunction),
    ("$2$05$\(digits)", .otherFunction), ("$2y$", .malformed), ("$2y$05$\(digits.dropLast())", .malformed),
    ("$2y$05$\(digits)a", .malformed), ("$2y$5a$\(digits)", .malformed), ("$2y$03$\(digits)", .malformed),
    ("$2y$05$\(digits.dropLast())!", .malformed), ("$2y$31$\(digits)", .tooExpensive(cost: 31)),
  ]

  @Test("What is no hash is told apart", arguments: noHashes)
  func faults(_ text: String, _ expected: BcryptError) {
    #expect(throws: expected) { try BcryptHash(parsing: text) }
  }
}
