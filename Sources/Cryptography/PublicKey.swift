// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import CGantryOpenSSL

/// A key that checks signatures.
///
/// Isolation: may be used by any thread, and by several at once.
@safe
public final class PublicKey: @unchecked Sendable {
  // Safe because: nothing is changed after the initializer, and OpenSSL lets several threads read one key.

  /// An elliptic curve.
  public enum Curve: Sendable, Hashable, CaseIterable {
    /// NIST's curves (FIPS 186-4).
    case p256, p384, p521

    /// The bytes of a coordinate.
    public var coordinateBytes: Int {
      switch self {
      case .p256: 32
      case .p384: 48
      case .p521: 66
      }
    }
  }

  /// The numbers that make the key, big-endian.
  public enum Material: Sendable, Hashable {
    /// Without leading zeros.
    case rsa(modulus: [UInt8], exponent: [UInt8])
    /// A point; each coordinate has the curve's length.
    case elliptic(Curve, x: [UInt8], y: [UInt8])
    /// Ed25519: 32 bytes.
    case ed25519([UInt8])
  }

  /// The sizes of RSA keys that are taken: smaller ones are weak (RFC 7518 section 3.3), larger ones only slow.
  public static var rsaBits: ClosedRange<Int> { 2048...8192 }

  /// The numbers that make it.
  public let material: Material
  /// The key in the form of certificates: DER of SubjectPublicKeyInfo (RFC 5280).
  public let subjectPublicKeyInfo: [UInt8]

  private let key: OpaquePointer

  /// Reads DER of SubjectPublicKeyInfo.
  public convenience init(subjectPublicKeyInfo: [UInt8]) throws(KeyError) {
    let key = unsafe subjectPublicKeyInfo.withUnsafeBufferPointer { bytes -> OpaquePointer? in
      var start = bytes.baseAddress
      let key = unsafe d2i_PUBKEY(nil, &start, bytes.count)
      // What follows the key is none of it.
      guard let key = unsafe key, let base = bytes.baseAddress, let end = unsafe start,
        unsafe end - base == bytes.count
      else {
        unsafe EVP_PKEY_free(key)
        return nil
      }
      return unsafe key
    }
    ERR_clear_error()
    guard let key = unsafe key else { throw .malformedKey }
    try unsafe self.init(owning: key)
  }

  /// Makes the key of these numbers.
  public convenience init(_ material: Material) throws(KeyError) {
    let information: [UInt8]
    switch material {
    case .rsa(let modulus, let exponent):
      information = DistinguishedEncoding.sequence(
        DistinguishedEncoding.sequence(
          DistinguishedEncoding.identifier([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]),
          DistinguishedEncoding.null),
        DistinguishedEncoding.bits(
          DistinguishedEncoding.sequence(
            DistinguishedEncoding.integer(modulus[...]), DistinguishedEncoding.integer(exponent[...]))))
    case .elliptic(let curve, let x, let y):
      guard x.count == curve.coordinateBytes, y.count == curve.coordinateBytes else { throw .malformedKey }
      information = DistinguishedEncoding.sequence(
        DistinguishedEncoding.sequence(
          DistinguishedEncoding.identifier([0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]),
          DistinguishedEncoding.identifier(curve.identifier)),
        DistinguishedEncoding.bits([0x04] + x + y))
    case .ed25519(let bytes):
      guard bytes.count == 32 else { throw .malformedKey }
      information = DistinguishedEncoding.sequence(
        DistinguishedEncoding.sequence(DistinguishedEncoding.identifier([0x2B, 0x65, 0x70])),
        DistinguishedEncoding.bits(bytes))
    }
    try self.init(subjectPublicKeyInfo: information)
  }

  /// Takes the key over, and frees it if it is none that is taken.
  init(owning key: OpaquePointer) throws(KeyError) {
    unsafe self.key = key
    do throws(KeyError) {
      material = try unsafe Self.material(of: key)
      subjectPublicKeyInfo = try unsafe Self.information(of: key)
    } catch {
      ERR_clear_error()
      unsafe EVP_PKEY_free(key)
      throw error
    }
  }

  deinit {
    unsafe EVP_PKEY_free(key)
  }

  /// Whether this is the signature of the message by this key. An algorithm that the key is not made for never fits:
  /// not another curve, and not HMAC, whose secret a public key must never become.
  public func verifies(_ signature: [UInt8], of message: [UInt8], by algorithm: SignatureAlgorithm) -> Bool {
    switch (material, algorithm) {
    case (.rsa, .rs256): unsafe checks(signature, message, EVP_sha256())
    case (.rsa, .rs384): unsafe checks(signature, message, EVP_sha384())
    case (.rsa, .rs512): unsafe checks(signature, message, EVP_sha512())
    case (.rsa, .ps256): unsafe checks(signature, message, EVP_sha256(), isPSS: true)
    case (.rsa, .ps384): unsafe checks(signature, message, EVP_sha384(), isPSS: true)
    case (.rsa, .ps512): unsafe checks(signature, message, EVP_sha512(), isPSS: true)
    case (.elliptic(.p256, _, _), .es256): unsafe checksPair(signature, message, .p256, EVP_sha256())
    case (.elliptic(.p384, _, _), .es384): unsafe checksPair(signature, message, .p384, EVP_sha384())
    case (.elliptic(.p521, _, _), .es512): unsafe checksPair(signature, message, .p521, EVP_sha512())
    case (.ed25519, .eddsa): unsafe checks(signature, message, nil)
    default: false
    }
  }

  /// JSON Web Signatures hold the two numbers of ECDSA one after the other (RFC 7518 section 3.4), OpenSSL wants DER.
  private func checksPair(
    _ signature: [UInt8], _ message: [UInt8], _ curve: Curve, _ digest: OpaquePointer?
  ) -> Bool {
    let half = curve.coordinateBytes
    guard signature.count == half * 2 else { return false }
    let encoded = DistinguishedEncoding.sequence(
      DistinguishedEncoding.integer(signature[..<half]), DistinguishedEncoding.integer(signature[half...]))
    return unsafe checks(encoded, message, digest)
  }

  private func checks(
    _ signature: [UInt8], _ message: [UInt8], _ digest: OpaquePointer?, isPSS: Bool = false
  ) -> Bool {
    ERR_clear_error()
    defer { ERR_clear_error() }
    guard let context = unsafe EVP_MD_CTX_new() else { return false }
    defer { unsafe EVP_MD_CTX_free(context) }
    var options: OpaquePointer?
    guard unsafe EVP_DigestVerifyInit(context, &options, digest, nil, key) == 1 else { return false }
    if isPSS {
      guard unsafe EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0,
        unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_AUTO) > 0
      else { return false }
    }
    return unsafe EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
  }
}

// Reading what OpenSSL holds.
extension PublicKey {
  private static func material(of key: OpaquePointer) throws(KeyError) -> Material {
    switch unsafe EVP_PKEY_get_base_id(key) {
    case EVP_PKEY_RSA:
      let bits = Int(unsafe EVP_PKEY_get_bits(key))
      guard rsaBits.contains(bits) else { throw .keySize(bits: bits) }
      let (modulus, exponent) = (unsafe number("n", of: key), unsafe number("e", of: key))
      guard let modulus, let exponent, let last = exponent.last, modulus.last.map({ $0 & 1 == 1 }) == true else {
        throw .malformedKey
      }
      guard exponent.count <= 4, last & 1 == 1, exponent != [1] else { throw .exponent }
      return .rsa(modulus: modulus, exponent: exponent)
    case EVP_PKEY_EC:
      guard let curve = unsafe curve(of: key) else { throw .unsupportedKey }
      guard let x = unsafe number("qx", of: key, bytes: curve.coordinateBytes),
        let y = unsafe number("qy", of: key, bytes: curve.coordinateBytes)
      else { throw .malformedKey }
      return .elliptic(curve, x: x, y: y)
    case EVP_PKEY_ED25519:
      var bytes = [UInt8](repeating: 0, count: 32)
      var count = bytes.count
      guard unsafe EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1, count == bytes.count else {
        throw .malformedKey
      }
      return .ed25519(bytes)
    default: throw .unsupportedKey
    }
  }

  private static func information(of key: OpaquePointer) throws(KeyError) -> [UInt8] {
    let length = unsafe i2d_PUBKEY(key, nil)
    guard length > 0 else { throw .malformedKey }
    var bytes = [UInt8](repeating: 0, count: Int(length))
    let written = unsafe bytes.withUnsafeMutableBufferPointer { buffer -> Int32 in
      var start = buffer.baseAddress
      return unsafe i2d_PUBKEY(key, &start)
    }
    guard written == length else { throw .malformedKey }
    return bytes
  }

  private static func curve(of key: OpaquePointer) -> Curve? {
    var name = [CChar](repeating: 0, count: 64)
    var length = 0
    guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else { return nil }
    switch String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) {
    case "prime256v1": return .p256
    case "secp384r1": return .p384
    case "secp521r1": return .p521
    default: return nil
    }
  }

  /// A number of the key, in so many bytes, or in as few as it takes.
  private static func number(_ name: String, of key: OpaquePointer, bytes wanted: Int? = nil) -> [UInt8]? {
    var number: OpaquePointer?
    guard unsafe EVP_PKEY_get_bn_param(key, name, &number) == 1, let number = unsafe number else { return nil }
    defer { unsafe BN_free(number) }
    let count = Int(unsafe BN_num_bits(number) + 7) / 8
    var bytes = [UInt8](repeating: 0, count: wanted ?? count)
    guard unsafe BN_bn2binpad(number, &bytes, Int32(bytes.count)) == Int32(bytes.count) else { return nil }
    return bytes
  }
}

extension PublicKey.Curve {
  /// The object identifier, encoded.
  fileprivate var identifier: [UInt8] {
    switch self {
    case .p256: [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
    case .p384: [0x2B, 0x81, 0x04, 0x00, 0x22]
    case .p521: [0x2B, 0x81, 0x04, 0x00, 0x23]
    }
  }
}
