// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import CGantryCrypt

/// A bcrypt hash in its text form, as htpasswd files hold it: `$2y$`, the cost, `$`, salt and hash.
///
/// `$2a$`, `$2b$` and `$2y$` are read. `$2x$` is not: it marks hashes of a broken implementation.
public struct BcryptHash: Sendable, Hashable {
  /// The text form, 60 bytes.
  public let text: String
  /// The logarithm of the work.
  public let cost: Int

  /// The highest cost that is read: some seconds of work. Each one more doubles it, and 31 would take a day.
  public static var costMax: Int { 17 }
  /// The cost of hashes that are made here.
  public static var costDefault: Int { 10 }
  /// The bytes of a password that count; bcrypt takes no notice of what follows.
  public static var passwordBytesMax: Int { 72 }

  /// Reads the text form.
  public init(parsing text: String) throws(BcryptError) {
    let bytes = Array(text.utf8)
    guard bytes.count >= 4, bytes[0] == UInt8(ascii: "$"), bytes[1] == UInt8(ascii: "2"),
      [UInt8(ascii: "a"), UInt8(ascii: "b"), UInt8(ascii: "y")].contains(bytes[2]), bytes[3] == UInt8(ascii: "$")
    else { throw .otherFunction }
    guard bytes.count == 60, bytes[6] == UInt8(ascii: "$"), bytes[7...].allSatisfy(Self.isDigit),
      bytes[4...5].allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { throw .malformed }
    cost = Int(bytes[4] - UInt8(ascii: "0")) * 10 + Int(bytes[5] - UInt8(ascii: "0"))
    guard cost >= 4 else { throw .malformed }
    guard cost <= Self.costMax else { throw .tooExpensive(cost: cost) }
    self.text = text
  }

  /// Hashes a password with a random salt; blocks for the work of `cost`. Nil when the password holds a NUL, which the
  /// C library would take for its end.
  ///
  /// - Precondition: `salt` has 16 random bytes, and `cost` is 4 to ``costMax``.
  public init?(hashing password: [UInt8], salt: [UInt8], cost: Int = BcryptHash.costDefault) {
    precondition(salt.count == 16 && (4...Self.costMax).contains(cost), "16 bytes of salt and a cost in range")
    var setting = [CChar](repeating: 0, count: Self.textBytesMax)
    let isMade = unsafe salt.withUnsafeBytes { raw in
      unsafe crypt_gensalt_rn(
        "$2y$", UInt(cost), raw.bindMemory(to: CChar.self).baseAddress, Int32(raw.count), &setting, Int32(setting.count)
      ) != nil
    }
    precondition(isMade, "crypt_gensalt_rn failed")
    guard let text = Self.crypt(password, setting: setting) else { return nil }
    self.text = text
    self.cost = cost
  }

  /// Whether the password has this hash. Blocks for the work of the cost, whatever the answer: for a worker, not for a
  /// loop. The comparison takes the same time wherever the texts differ.
  ///
  /// A password that holds a NUL never matches: the C library would compare what is before it.
  public func matches(_ password: [UInt8]) -> Bool {
    let expected = Array(text.utf8)
    guard let made = Self.crypt(password, setting: expected.map { CChar(bitPattern: $0) } + [0]) else { return false }
    let actual = Array(made.utf8)
    guard actual.count == expected.count else { return false }
    return zip(actual, expected).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }

  private static var textBytesMax: Int { 192 }

  private static func crypt(_ password: [UInt8], setting: [CChar]) -> String? {
    guard !password.contains(0) else { return nil }
    var phrase = password.map { CChar(bitPattern: $0) } + [0]
    var output = [CChar](repeating: 0, count: textBytesMax)
    let isMade = unsafe gantry_crypt(phrase, setting, &output, output.count)
    for index in phrase.indices { phrase[index] = 0 }
    guard isMade == 1 else { return nil }
    return String(decoding: output.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The digits of bcrypt's own base 64.
  private static func isDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: false
    }
  }
}
