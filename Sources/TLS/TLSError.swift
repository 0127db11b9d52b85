// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a server cannot speak TLS as it is set up: names the file and says what to do.
public enum TLSError: Error, Sendable, Hashable, CustomStringConvertible {
  /// There is no certificate to show.
  case noIdentity
  /// A file holds no certificate.
  case noCertificate(path: String)
  /// A file holds no private key.
  case noKey(path: String)
  /// The private key needs a passphrase, and nobody is there to type it.
  case encryptedKey(path: String)
  /// The key is not that of the certificate.
  case keyMismatch(certificate: String, key: String)
  /// The key is that of a later certificate of the file.
  case ownCertificateNotFirst(path: String, position: Int)
  /// A part of a file cannot be read.
  case malformed(path: String, what: String, reason: String)
  /// OpenSSL does not take a certificate or key: too small a key, too weak a signature.
  case refused(path: String, reason: String)
  /// A file of authorities or revocation lists holds none.
  case nothingIn(path: String, what: String)
  /// Clients are to be verified, and there is no authority to verify them by.
  case noAuthority
  /// There is no such suite, or it is none of TLS 1.2.
  case unknownCipherSuite(String)
  /// OpenSSL failed.
  case library(reason: String)

  /// What is wrong and what to do, for a person.
  public var description: String {
    switch self {
    case .noIdentity: "there is no certificate to show"
    case .noCertificate(let path):
      "\(path) holds no certificate: expected PEM, with a line -----BEGIN CERTIFICATE-----"
    case .noKey(let path):
      "\(path) holds no private key: expected PEM, with a line such as -----BEGIN PRIVATE KEY-----"
    case .encryptedKey(let path):
      "the private key in \(path) needs a passphrase: write it without one (openssl pkey -in \(path) -out FILE)"
    case .keyMismatch(let certificate, let key):
      "the private key in \(key) is not that of the certificate in \(certificate)"
    case .ownCertificateNotFirst(let path, let position):
      "\(path): the certificate of the key must be the first, it is number \(position): put it before its authorities'"
    case .malformed(let path, let what, let reason): "\(path): \(what) cannot be read: \(reason)"
    case .refused(let path, let reason): "\(path) is not taken: \(reason)"
    case .nothingIn(let path, let what): "\(path) holds no \(what): expected PEM"
    case .noAuthority: "clients are to be verified, and there is no authority to verify them by"
    case .unknownCipherSuite(let name): "there is no cipher suite \(name) of TLS 1.2 here"
    case .library(let reason): "OpenSSL: \(reason)"
    }
  }
}
