// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryTokenMint
import Testing

@Suite struct PublicKeyTests {
  static let message = Array("a message".utf8)
  static let kinds: [(kind: String, algorithms: [SignatureAlgorithm])] = [
    ("RSA:2048", [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]), ("EC:P-256", [.es256]), ("EC:P-384", [.es384]),
    ("EC:P-521", [.es512]), ("ED25519", [.eddsa]),
  ]

  @Test("A signature is that of one message, by one key, in one way", arguments: kinds.indices)
  func signatures(_ index: Int) {
    let (kind, algorithms) = Self.kinds[index]
    let (key, other) = (MintKey(kind), MintKey(kind))
    for algorithm in algorithms {
      let signature = key.sign(Self.message, algorithm.rawValue)
      #expect(key.publicKey.verifies(signature, of: Self.message, by: algorithm), "\(algorithm)")
      #expect(!key.publicKey.verifies(signature, of: Self.message + [0], by: algorithm))
      #expect(!other.publicKey.verifies(signature, of: Self.message, by: algorithm))
      for wrong in SignatureAlgorithm.allCases where wrong != algorithm {
        #expect(!key.publicKey.verifies(signature, of: Self.message, by: wrong), "\(algorithm) as \(wrong)")
      }
      var broken = signature
      broken[broken.count / 2] ^= 1
      for bytes in [
        broken, [], Array(signature.dropLast()), signature + [0], [UInt8](repeating: 0, count: signature.count),
        [UInt8](repeating: 0xFF, count: signature.count), [0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
      ] {
        #expect(!key.publicKey.verifies(bytes, of: Self.message, by: algorithm), "\(algorithm) \(bytes.count)")
      }
    }
  }

  @Test("A key is the same from its numbers as from its DER", arguments: kinds.indices)
  func material(_ index: Int) throws {
    let key = MintKey(Self.kinds[index].kind)
    let again = try PublicKey(key.publicKey.material)
    #expect(again.material == key.publicKey.material)
    #expect(again.subjectPublicKeyInfo == key.publicBytes)
  }

  @Test("What is no key, or a weak, huge or strange one, is refused")
  func badKeys() {
    let point = MintKey("EC:P-256")
    guard case .elliptic(_, let x, let y) = point.publicKey.material else { return }
    var off = y
    off[31] ^= 1
    let modulus = [UInt8](repeating: 0xFF, count: 256)
    let cases: [(PublicKey.Material, KeyError)] = [
      (.elliptic(.p256, x: x, y: off), .malformedKey), (.elliptic(.p384, x: x, y: y), .malformedKey),
      (.elliptic(.p256, x: Array(x.dropFirst()), y: y), .malformedKey), (.ed25519([1, 2]), .malformedKey),
      (.rsa(modulus: Array(modulus.prefix(128)), exponent: [1, 0, 1]), .keySize(bits: 1024)),
      (.rsa(modulus: [UInt8](repeating: 0xFF, count: 2048), exponent: [1, 0, 1]), .keySize(bits: 16384)),
      (.rsa(modulus: modulus, exponent: [1]), .exponent), (.rsa(modulus: modulus, exponent: [2]), .exponent),
      (.rsa(modulus: modulus, exponent: [1, 0, 0, 0, 1]), .exponent),
      (.rsa(modulus: [], exponent: []), .keySize(bits: 0)),
    ]
    for (material, error) in cases { #expect(throws: error) { try PublicKey(material) } }
    #expect(throws: KeyError.malformedKey) { try PublicKey(subjectPublicKeyInfo: point.publicBytes + [0]) }
    #expect(throws: KeyError.malformedKey) { try PublicKey(subjectPublicKeyInfo: []) }
    #expect(throws: KeyError.malformedKey) {
      try PublicKey(subjectPublicKeyInfo: [0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF])
    }
    #expect(throws: KeyError.unsupportedKey) {
      try PublicKey(subjectPublicKeyInfo: MintKey("EC:secp256k1").publicBytes)
    }
    #expect(throws: KeyError.unsupportedKey) { try PublicKey(subjectPublicKeyInfo: MintKey("X25519").publicBytes) }
  }

  @Test("A chain counts when it leads to a root, all of it valid at the time")
  func chains() throws {
    let keys = (0..<4).map { _ in MintKey("EC:P-256") }
    let root = MintCertificate("root", keys[0], isAuthority: true)
    let middle = MintCertificate("middle", keys[1], by: root, isAuthority: true)
    let leaf = MintCertificate("leaf", keys[2], by: middle, from: 1000, until: 2000)
    let anchors = try TrustAnchors([root.bytes])
    #expect(try anchors.key(ofChain: [leaf.bytes, middle.bytes], at: 1500).material == keys[2].publicKey.material)
    #expect(try anchors.key(ofChain: [root.bytes], at: 1500).material == keys[0].publicKey.material)
    // Also the middle one may be what is trusted.
    let between = try TrustAnchors([middle.bytes])
    #expect(try between.key(ofChain: [leaf.bytes], at: 1500).material == keys[2].publicKey.material)
    let stranger = MintCertificate("root", keys[3], isAuthority: true)
    let forged = MintCertificate("leaf", keys[2], by: stranger)
    let byLeaf = MintCertificate("below", keys[3], by: leaf)
    let weak = MintCertificate("weak", MintKey("RSA:1024"), by: root)
    for (chain, time) in [
      ([leaf], 1500), ([leaf, middle], 999), ([leaf, middle], 2001), ([forged], 1500), ([forged, stranger], 1500),
      ([byLeaf, leaf, middle], 1500), ([middle, leaf, root, forged], -3_000_000_000), ([weak], 1500),
    ] {
      guard
        case .untrusted? = #expect(
          throws: KeyError.self, performing: { try anchors.key(ofChain: chain.map(\.bytes), at: Int64(time)) })
      else {
        Issue.record("\(chain.count) \(time)")
        continue
      }
    }
    #expect(throws: KeyError.chainLength(0)) { try anchors.key(ofChain: [], at: 1500) }
    #expect(throws: KeyError.chainLength(11)) {
      try anchors.key(ofChain: Array(repeating: leaf.bytes, count: 11), at: 1500)
    }
    #expect(throws: KeyError.malformedCertificate) { try anchors.key(ofChain: [[1, 2, 3]], at: 1500) }
    #expect(throws: KeyError.malformedCertificate) { try anchors.key(ofChain: [leaf.bytes + [0]], at: 1500) }
    #expect(throws: KeyError.malformedCertificate) { try TrustAnchors([[]]) }
  }

  @Test("An HMAC is that of one secret")
  func codes() {
    let secret = [UInt8](repeating: 7, count: 64)
    for algorithm in [SignatureAlgorithm.hs256, .hs384, .hs512] {
      let code = MintToken.code(Self.message, secret: secret, algorithm.rawValue)
      #expect(isMessageAuthenticated(Self.message, by: code, secret: secret, algorithm))
      #expect(!isMessageAuthenticated(Self.message, by: code, secret: secret + [1], algorithm))
      #expect(!isMessageAuthenticated(Self.message, by: Array(code.dropLast()), secret: secret, algorithm))
      #expect(!isMessageAuthenticated(Self.message, by: [], secret: secret, algorithm))
      #expect(!isMessageAuthenticated(Self.message, by: code, secret: secret, .rs256))
    }
  }
}
