// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryTLS

/// Reads what is in PEM files.
enum PEM {
  /// The certificates of a file in their order. At least one.
  static func certificates(_ file: TLSSettings.File) throws(TLSError) -> [OpenSSLValue] {
    let found = try all(file, "certificate") { source in
      unsafe PEM_read_bio_X509(source.pointer, nil, onPassphrase, nil)
        .map { unsafe OpenSSLValue($0) { unsafe X509_free($0) } }
    }
    if found.isEmpty { throw .noCertificate(path: file.path) }
    return found
  }

  /// The revocation lists of a file in their order. At least one.
  static func revocations(_ file: TLSSettings.File) throws(TLSError) -> [OpenSSLValue] {
    let found = try all(file, "revocation list") { source in
      unsafe PEM_read_bio_X509_CRL(source.pointer, nil, onPassphrase, nil)
        .map { unsafe OpenSSLValue($0) { unsafe X509_CRL_free($0) } }
    }
    if found.isEmpty { throw .nothingIn(path: file.path, what: "revocation list") }
    return found
  }

  /// The first private key of a file.
  static func key(_ file: TLSSettings.File) throws(TLSError) -> OpenSSLValue {
    let source = try source(of: file)
    ErrorQueue.clear()
    var needsPassphrase = false
    let key = unsafe withUnsafeMutablePointer(to: &needsPassphrase) { flag in
      unsafe PEM_read_bio_PrivateKey(source.pointer, nil, onPassphrase, flag)
        .map { unsafe OpenSSLValue($0) { unsafe EVP_PKEY_free($0) } }
    }
    if let key {
      ErrorQueue.clear()
      return key
    }
    let entry = ErrorQueue.drain()
    if needsPassphrase { throw .encryptedKey(path: file.path) }
    // OpenSSL's decoders say of a text without any key that it is unsupported.
    guard let entry, !isEnd(entry), String(decoding: file.bytes, as: UTF8.self).contains("PRIVATE KEY-----") else {
      throw .noKey(path: file.path)
    }
    throw .malformed(path: file.path, what: "the private key", reason: entry.text)
  }

  private static func all(
    _ file: TLSSettings.File, _ what: String, read: (OpenSSLValue) -> OpenSSLValue?
  ) throws(TLSError) -> [OpenSSLValue] {
    let source = try source(of: file)
    var found: [OpenSSLValue] = []
    while true {
      ErrorQueue.clear()
      if let one = read(source) {
        found.append(one)
        continue
      }
      if let entry = ErrorQueue.drain(), !isEnd(entry) {
        throw .malformed(path: file.path, what: "\(what) \(found.count + 1)", reason: entry.text)
      }
      return found
    }
  }

  /// Whether there simply is no further part of the kind.
  private static func isEnd(_ entry: ErrorQueue.Entry) -> Bool {
    entry.library == ERR_LIB_PEM && entry.reason == PEM_R_NO_START_LINE
  }

  /// The bytes as OpenSSL reads them: a copy.
  private static func source(of file: TLSSettings.File) throws(TLSError) -> OpenSSLValue {
    ErrorQueue.clear()
    guard let made = unsafe BIO_new(BIO_s_mem()) else { throw .library(reason: ErrorQueue.reason()) }
    let source = unsafe OpenSSLValue(made) { unsafe BIO_free($0) }
    let written = unsafe BIO_write(source.pointer, file.bytes, Int32(clamping: file.bytes.count))
    guard file.bytes.isEmpty || Int(written) == file.bytes.count else {
      throw .library(reason: ErrorQueue.reason())
    }
    return source
  }
}
