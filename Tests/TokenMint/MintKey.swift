// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import CGantryMint
public import GantryCryptography

/// A private key that signs tokens and certificates of tests. Made with OpenSSL itself, so that no mistake of the
/// product can hide behind the same one here.
public final class MintKey: @unchecked Sendable {
  // Safe because: nothing is changed after the initializer, and OpenSSL lets several threads read one key.
  let key: OpaquePointer

  /// A new key: `EC:P-256`, `RSA:2048`, `ED25519` and the like.
  public init(_ kind: String) {
    let parts = kind.split(separator: ":").map(String.init)
    let made: OpaquePointer?
    switch parts[0] {
    case "EC": made = gantry_mint_curve_key(parts[1])
    case "RSA": made = gantry_mint_rsa_key(UInt32(parts[1]) ?? 0)
    default: made = gantry_mint_plain_key(parts[0])
    }
    guard let made else { preconditionFailure("OpenSSL makes a key of kind \(kind)") }
    key = made
  }

  deinit { EVP_PKEY_free(key) }

  /// The public half, in the form of certificates.
  public var publicBytes: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Int(i2d_PUBKEY(key, nil)))
    let written = bytes.withUnsafeMutableBufferPointer { buffer -> Int32 in
      var start = buffer.baseAddress
      return i2d_PUBKEY(key, &start)
    }
    precondition(Int(written) == bytes.count, "a key has a public half")
    return bytes
  }

  /// The public half as the product reads it.
  public var publicKey: PublicKey {
    do { return try PublicKey(subjectPublicKeyInfo: publicBytes) } catch { preconditionFailure("\(error)") }
  }

  /// A signature as JSON Web Signatures hold it.
  public func sign(_ message: [UInt8], _ algorithm: String) -> [UInt8] {
    let digest =
      switch algorithm.suffix(3) {
      case "256": EVP_sha256()
      case "384": EVP_sha384()
      case "512": EVP_sha512()
      default: OpaquePointer?.none
      }
    guard let context = EVP_MD_CTX_new() else { preconditionFailure("EVP_MD_CTX_new failed") }
    defer { EVP_MD_CTX_free(context) }
    var options: OpaquePointer?
    guard EVP_DigestSignInit(context, &options, digest, nil, key) == 1 else { preconditionFailure("no \(algorithm)") }
    if algorithm.hasPrefix("PS") {
      let isPadded =
        EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0
        && EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) > 0
      precondition(isPadded, "RSA takes PSS")
    }
    var length = 0
    precondition(EVP_DigestSign(context, nil, &length, message, message.count) == 1, "a signature has a length")
    var signature = [UInt8](repeating: 0, count: length)
    precondition(EVP_DigestSign(context, &signature, &length, message, message.count) == 1, "a key signs")
    signature.removeLast(signature.count - length)
    return algorithm.hasPrefix("ES") ? Self.pair(of: signature, half: Self.half(algorithm)) : signature
  }

  private static func half(_ algorithm: String) -> Int {
    switch algorithm {
    case "ES256": 32
    case "ES384": 48
    default: 66
    }
  }

  /// The two numbers of DER one after the other.
  private static func pair(of der: [UInt8], half: Int) -> [UInt8] {
    var at = der[1] < 0x80 ? 2 : 3
    var pair: [UInt8] = []
    for _ in 0..<2 {
      let length = Int(der[at + 1])
      let digits = der[(at + 2)..<(at + 2 + length)].drop { $0 == 0 }
      pair += [UInt8](repeating: 0, count: half - digits.count) + digits
      at += 2 + length
    }
    return pair
  }
}
