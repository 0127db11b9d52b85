// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography

/// The names that key ids of tokens may call a key by.
enum KeyNames {
  /// The thumbprint of RFC 7638, libtrust's fingerprint, and what Distribution v3 takes for the thumbprint.
  static func names(of key: PublicKey) -> [String] {
    [thumbprint(of: key), fingerprint(of: key)] + (distributionThumbprint(of: key).map { [$0] } ?? [])
  }

  /// RFC 7638 with SHA-256: of the members that make the key, in the order of their names.
  static func thumbprint(of key: PublicKey) -> String {
    let text =
      switch key.material {
      case .rsa(let modulus, let exponent): #"{"e":"\#(plain(exponent))","kty":"RSA","n":"\#(plain(modulus))"}"#
      case .elliptic(let curve, let x, let y):
        #"{"crv":"\#(name(of: curve))","kty":"EC","x":"\#(plain(x))","y":"\#(plain(y))"}"#
      case .ed25519(let bytes): #"{"crv":"Ed25519","kty":"OKP","x":"\#(plain(bytes))"}"#
      }
    return plain(digest(Array(text.utf8), .sha256))
  }

  /// libtrust's: 240 bits of SHA-256 of the key's DER, in base 32, four and four.
  static func fingerprint(of key: PublicKey) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    var text = ""
    var (bits, bitCount) = (UInt32(0), 0)
    for byte in digest(key.subjectPublicKeyInfo, .sha256).prefix(30) {
      bits = bits << 8 | UInt32(byte)
      bitCount += 8
      while bitCount >= 5 {
        if text.utf8.count % 5 == 4 { text.append(":") }
        text.append(alphabet[Int(bits >> UInt32(bitCount - 5)) & 31])
        bitCount -= 5
      }
    }
    return text
  }

  /// What Distribution v3 computes instead of the thumbprint: for elliptic curves it hashes the curve's generator, so
  /// that all keys of one curve have one name, and Ed25519 keys are of the kind `OTP`. Issuers that were made to fit it
  /// send this; a name only tells which keys to try.
  static func distributionThumbprint(of key: PublicKey) -> String? {
    switch key.material {
    case .rsa: nil
    case .elliptic(.p256, _, _): "xx0BcA-wMohw8atYDJOe6peGModklG2wRHBlXHMvl0M"
    case .elliptic(.p384, _, _): "-W6Wzot_wuerYbKBVKfGEks3iY2EALna-hBqObnPuJE"
    case .elliptic(.p521, _, _): "67t2ktf21o_Z2-ygUyR0zriEF9PMHtlT1l4q9rGSYOM"
    case .ed25519(let bytes):
      plain(digest(Array(#"{"crv":"Ed25519","kty":"OTP","x":"\#(plain(bytes))"}"#.utf8), .sha256))
    }
  }

  private static func name(of curve: PublicKey.Curve) -> String {
    switch curve {
    case .p256: "P-256"
    case .p384: "P-384"
    case .p521: "P-521"
    }
  }

  /// Base 64 without padding.
  private static func plain(_ bytes: [UInt8]) -> String {
    String(Base64URL.encode(bytes).prefix { $0 != "=" })
  }
}
