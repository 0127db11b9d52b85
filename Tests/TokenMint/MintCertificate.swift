// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import CGantryMint

/// A certificate of tests.
public struct MintCertificate: Sendable {
  /// Its DER.
  public let bytes: [UInt8]
  /// Its key.
  public let key: MintKey
  private let name: String

  /// Issues a certificate; without an issuer one that has signed itself. Times are seconds since 1970.
  public init(
    _ name: String, _ key: MintKey, by issuer: MintCertificate? = nil, isAuthority: Bool = false, from: Int = 0,
    until: Int = 4_000_000_000
  ) {
    self.name = name
    self.key = key
    guard let certificate = X509_new() else { preconditionFailure("X509_new failed") }
    defer { X509_free(certificate) }
    X509_set_version(certificate, 2)
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), Int.random(in: 1...1_000_000_000))
    ASN1_TIME_set(X509_getm_notBefore(certificate), from)
    ASN1_TIME_set(X509_getm_notAfter(certificate), until)
    let entries = [
      (X509_get_subject_name(certificate), name), (X509_get_issuer_name(certificate), issuer?.name ?? name),
    ]
    for (entry, name) in entries {
      X509_NAME_add_entry_by_txt(entry, "CN", MBSTRING_UTF8, name, Int32(name.utf8.count), -1, 0)
    }
    X509_set_pubkey(certificate, key.key)
    let constraints = isAuthority ? "critical,CA:TRUE" : "CA:FALSE"
    if let extension_ = X509V3_EXT_conf_nid(nil, nil, NID_basic_constraints, constraints) {
      X509_add_ext(certificate, extension_, -1)
      X509_EXTENSION_free(extension_)
    }
    let signer = issuer?.key ?? key
    let digest = EVP_PKEY_get_base_id(signer.key) == EVP_PKEY_ED25519 ? nil : EVP_sha256()
    precondition(X509_sign(certificate, signer.key, digest) > 0, "a certificate is signed")
    var bytes = [UInt8](repeating: 0, count: Int(i2d_X509(certificate, nil)))
    _ = bytes.withUnsafeMutableBufferPointer { buffer -> Int32 in
      var start = buffer.baseAddress
      return i2d_X509(certificate, &start)
    }
    self.bytes = bytes
  }

  /// As files hold it.
  public var pem: String {
    let text = MintToken.base64(bytes)
    var lines: [Substring] = []
    var rest = text[...]
    while !rest.isEmpty {
      lines.append(rest.prefix(64))
      rest = rest.dropFirst(64)
    }
    return "-----BEGIN CERTIFICATE-----\n\(lines.joined(separator: "\n"))\n-----END CERTIFICATE-----\n"
  }
}
