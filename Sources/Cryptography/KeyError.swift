// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why bytes are no key that signatures are checked with, or no certificate that leads to one.
public enum KeyError: Error, Sendable, Hashable, CustomStringConvertible {
  /// No public key, or a point that is not on its curve.
  case malformedKey
  /// A kind of key that no algorithm here belongs to.
  case unsupportedKey
  /// An RSA key of a size that is not trusted, or that would take long.
  case keySize(bits: Int)
  /// An RSA key with an exponent that no usual key has.
  case exponent
  /// No certificate.
  case malformedCertificate
  /// No certificates, or too many.
  case chainLength(Int)
  /// The chain leads to none of the roots, or something in it is not valid.
  case untrusted(reason: String)

  /// What is wrong, for a person.
  public var description: String {
    switch self {
    case .malformedKey: "not a public key"
    case .unsupportedKey: "a key of this kind is not supported: RSA, P-256, P-384, P-521 and Ed25519 are"
    case .keySize(let bits):
      "an RSA key of \(bits) bits: \(PublicKey.rsaBits.lowerBound) to \(PublicKey.rsaBits.upperBound) are taken"
    case .exponent: "the exponent of the RSA key is even, below 3 or above 4 bytes"
    case .malformedCertificate: "not a certificate"
    case .chainLength(let count): "a chain of \(count) certificates: 1 to \(TrustAnchors.chainMax) are taken"
    case .untrusted(let reason): "the certificate chain is not trusted: \(reason)"
    }
  }
}
