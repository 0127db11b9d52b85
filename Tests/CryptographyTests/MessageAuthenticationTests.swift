// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import Testing

@Suite struct MessageAuthenticationTests {
  // RFC 4231, test cases 1, 2 and 6.
  static let vectors: [(key: [UInt8], message: String, mac: String)] = [
    (
      [UInt8](repeating: 0x0B, count: 20), "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xAA, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
  ]

  @Test(arguments: vectors.indices)
  func knownVector(_ index: Int) {
    let vector = Self.vectors[index]
    #expect(hex(hmacSHA256(key: vector.key, message: Array(vector.message.utf8))) == vector.mac)
  }

  @Test func emptyKeyAndMessage() {
    #expect(
      hex(hmacSHA256(key: [], message: [])) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
  }

  @Test func comparesWholeArrays() {
    #expect(constantTimeEqual([], []))
    #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
    #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
    #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
  }
}

@Suite struct Base64URLTests {
  // RFC 4648 section 10, and one that needs both characters of the URL alphabet.
  static let vectors: [([UInt8], String)] = [
    ([], ""), (Array("f".utf8), "Zg=="), (Array("fo".utf8), "Zm8="), (Array("foo".utf8), "Zm9v"),
    (Array("foob".utf8), "Zm9vYg=="), (Array("fooba".utf8), "Zm9vYmE="), (Array("foobar".utf8), "Zm9vYmFy"),
    ([0xFB, 0xFF, 0xBF], "-_-_"),
  ]

  @Test(arguments: vectors.indices)
  func bothDirections(_ index: Int) {
    let (bytes, text) = Self.vectors[index]
    #expect(Base64URL.encode(bytes) == text)
    #expect(Base64URL.decode(text) == bytes)
    #expect(Base64URL.decode(text.filter { $0 != "=" }) == bytes)
  }

  @Test(arguments: [
    "Z", "Zg=", "Zm8==", "Zm9v=", "Zm9vZ", "====", "=", "Zm+v", "Zm/v", "Zm 9v", "Zh==", "Zm9=", "Z=g=",
  ])
  func refuses(_ text: String) {
    #expect(Base64URL.decode(text) == nil)
  }
}
