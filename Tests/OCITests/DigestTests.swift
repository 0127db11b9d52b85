// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import Testing

@Suite struct DigestTests {
  static let hex256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  static let hex512 =
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
    + "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

  @Test(arguments: [("sha256", hex256, DigestAlgorithm.sha256), ("sha512", hex512, .sha512)])
  func `parse and print are inverse`(name: String, hex: String, algorithm: DigestAlgorithm) throws {
    let digest = try Digest(parsing: "\(name):\(hex)")
    #expect(digest.algorithm == algorithm)
    #expect(digest.hex == hex)
    #expect(digest.description == "\(name):\(hex)")
    #expect(digest.bytes.count == algorithm.byteCount)
    #expect(Digest(algorithm: algorithm, bytes: digest.bytes) == digest)
    var text: [UInt8] = []
    digest.append(to: &text)
    #expect(String(decoding: text, as: UTF8.self) == digest.description)
  }

  @Test(arguments: [
    "", ":", "sha256", "sha256:", ":\(hex256)", hex256, "sha256:\(hex256.dropLast())", "sha256:\(hex256)0",
    "sha256:\(hex256.uppercased())", "sha256:\(hex256.dropLast())g", "SHA256:\(hex256)", "sha256::\(hex256.dropLast())",
    "sha256 :\(hex256)", " sha256:\(hex256)", "sha256:\(hex256)\n", "sha512:\(hex256)", "sha256:\(hex512)",
    "sha256:\(hex256.dropLast())é", "+sha256:\(hex256)", "sha256+:\(hex256)", "sha256:../../../etc/passwd",
    "blake3:abc/def", "sha256:%2e%2e",
  ])
  func `what breaks the grammar is malformed`(text: String) {
    #expect {
      try Digest(parsing: text)
    } throws: { error in
      guard case .malformed(let reason)? = error as? DigestError else { return false }
      return !reason.isEmpty
    }
  }

  @Test(arguments: [
    ("sha384:\(hex256)", "sha384"), ("md5:d41d8cd98f00b204e9800998ecf8427e", "md5"),
    ("multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8", "multihash+base58"), ("a.b_c-d:=_-", "a.b_c-d"),
  ])
  func `a well-formed digest of another algorithm is unsupported`(text: String, name: String) {
    #expect(throws: DigestError.unsupportedAlgorithm(name: name)) { try Digest(parsing: text) }
  }

  @Test func `order is that of the text`() throws {
    let texts = [
      "sha256:\(String(repeating: "0", count: 64))", "sha256:\(Self.hex256)",
      "sha256:\(String(repeating: "f", count: 64))",
      "sha512:\(String(repeating: "0", count: 128))", "sha512:\(Self.hex512)",
      "sha512:\(String(Self.hex512.dropLast()))f",
    ]
    let digests = try texts.map { try Digest(parsing: $0) }
    #expect(digests.reversed().sorted() == digests)
    #expect(Set(digests + digests).count == digests.count)
  }

  @Test func `a bad digit is named by its place`() {
    let text = "sha256:" + String(repeating: "0", count: 10) + "X" + String(repeating: "0", count: 53)
    #expect(throws: DigestError.malformed(reason: "character 11 after ':' is not a lower-case hexadecimal digit")) {
      try Digest(parsing: text)
    }
  }
}
