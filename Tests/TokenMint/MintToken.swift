// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import CGantryMint
import GantryCryptography

/// Makes tokens, good ones and bad ones: what it is given is signed as it is.
public enum MintToken {
  /// A token of these texts; `sign` makes the signature.
  public static func token(_ header: String, _ claims: String, _ sign: ([UInt8]) -> [UInt8]) -> String {
    let text = "\(base64URL(Array(header.utf8))).\(base64URL(Array(claims.utf8)))"
    return "\(text).\(base64URL(sign(Array(text.utf8))))"
  }

  /// A token signed by a key, whose header names the algorithm and has `more` members behind it.
  public static func token(_ key: MintKey, _ algorithm: String, header more: String = "", _ claims: String) -> String {
    token(#"{"typ":"JWT","alg":"\#(algorithm)"\#(more)}"#, claims) { key.sign($0, algorithm) }
  }

  /// An HMAC.
  public static func code(_ message: [UInt8], secret: [UInt8], _ algorithm: String) -> [UInt8] {
    let digest = algorithm == "HS256" ? EVP_sha256() : algorithm == "HS384" ? EVP_sha384() : EVP_sha512()
    var output = [UInt8](repeating: 0, count: 64)
    var length: UInt32 = 0
    precondition(
      HMAC(digest, secret, Int32(secret.count), message, message.count, &output, &length) != nil, "an HMAC is made")
    return Array(output.prefix(Int(length)))
  }

  /// Base 64 with the URL-safe alphabet, without padding.
  public static func base64URL(_ bytes: [UInt8]) -> String {
    var text = ""
    for character in base64(bytes) where character != "=" {
      text.append(character == "+" ? "-" : character == "/" ? "_" : character)
    }
    return text
  }

  /// Base 64.
  public static func base64(_ bytes: [UInt8]) -> String {
    var output = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
    let length = EVP_EncodeBlock(&output, bytes, Int32(bytes.count))
    return String(decoding: output.prefix(Int(length)), as: UTF8.self)
  }

  /// The members of a JSON Web Key that make the public half of a key.
  public static func members(of key: MintKey) -> String {
    switch key.publicKey.material {
    case .rsa(let modulus, let exponent):
      #""kty":"RSA","n":"\#(base64URL(modulus))","e":"\#(base64URL(exponent))""#
    case .elliptic(let curve, let x, let y):
      #""kty":"EC","crv":"P-\#(curve == .p521 ? 521 : curve.coordinateBytes * 8)","x":"\#(base64URL(x))","y":"\#(base64URL(y))""#
    case .ed25519(let bytes): #""kty":"OKP","crv":"Ed25519","x":"\#(base64URL(bytes))""#
    }
  }
}
