// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import CGantryLoadTLS
import GantryEventLoops
import Glibc

@testable import GantryLoadTesting

/// A key, and a certificate for 127.0.0.1 that it has signed itself; in files of a directory of their own.
final class TestIdentity: Sendable {
  /// The file of the certificate.
  let certificate: String
  /// The file of the key.
  let key: String
  private let directory: String

  init() throws(InputError) {
    var template = Array("/tmp/gantry-load-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw InputError("no directory for a test's certificate") }
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    (certificate, key) = (directory + "/certificate.pem", directory + "/key.pem")
    try TextFile.write(Self.certificateText, to: certificate)
    try TextFile.write(Self.keyText, to: key)
  }

  deinit {
    for path in [certificate, key] { unlink(path) }
    rmdir(directory)
  }

  // Made by: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500
  // -subj "/CN=load test" -addext "subjectAltName=IP:127.0.0.1"
  private static let keyText = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgninI8B7HK9UN8D5A
    f6WYG7ZfpS3ZLLev4lTs4IFo00+hRANCAASogjbSKE4GgtnHr+k2c0Y4vGpFI92L
    qkipLMvmCoflhKuB+uRdBmjxThTm32+RQRhPA6Ff/bAbchohuXyRFpRJ
    -----END PRIVATE KEY-----

    """
  private static let certificateText = """
    -----BEGIN CERTIFICATE-----
    MIIBkTCCATagAwIBAgIUVCcV1jFSMwF2d5NblcR/+8KHfcowCgYIKoZIzj0EAwIw
    FDESMBAGA1UEAwwJbG9hZCB0ZXN0MCAXDTI2MTEyMjE3MTQxMFoYDzIxMjYxMDI5
    MTcxNDEwWjAUMRIwEAYDVQQDDAlsb2FkIHRlc3QwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAASogjbSKE4GgtnHr+k2c0Y4vGpFI92LqkipLMvmCoflhKuB+uRdBmjx
    ThTm32+RQRhPA6Ff/bAbchohuXyRFpRJo2QwYjAdBgNVHQ4EFgQUgkFO+8G8hEBy
    a+46+0ymD/q5/lowHwYDVR0jBBgwFoAUgkFO+8G8hEBya+46+0ymD/q5/lowDwYD
    VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0kAMEYC
    IQDVuTJEp4XOUXvTUljzcWlbHIxcecD9oq/5j6UC/hvIdwIhAKVF8nKwfSfBdyiQ
    5lDT3ZKWphFsLn7RZ9gfoFshOGOt
    -----END CERTIFICATE-----

    """
}

/// The server's side of a TLS session, on bytes.
final class ServerSession {
  private let context: OpaquePointer
  private let session: OpaquePointer
  private let input: OpaquePointer
  private let output: OpaquePointer
  private var isGreeted = false

  init(_ identity: TestIdentity) throws(InputError) {
    guard let context = SSL_CTX_new(TLS_server_method()) else { throw InputError("no TLS context") }
    var (input, output): (OpaquePointer?, OpaquePointer?)
    guard SSL_CTX_use_certificate_chain_file(context, identity.certificate) == 1,
      SSL_CTX_use_PrivateKey_file(context, identity.key, SSL_FILETYPE_PEM) == 1,
      let session = gantry_tls_session(context, &input, &output), let input, let output
    else {
      SSL_CTX_free(context)
      throw InputError("no TLS session: \(TLSContext.lastError())")
    }
    (self.context, self.session, self.input, self.output) = (context, session, input, output)
    SSL_set_accept_state(session)
  }

  deinit {
    SSL_free(session)
    SSL_CTX_free(context)
  }

  /// Takes what the client sent; returns what it means.
  func take(_ sealed: [UInt8]) throws(InputError) -> [UInt8] {
    BIO_write(input, sealed, Int32(sealed.count))
    if !isGreeted {
      let result = SSL_do_handshake(session)
      if result != 1 {
        let failure = SSL_get_error(session, result)
        ERR_clear_error()
        guard failure == SSL_ERROR_WANT_READ else { throw InputError("the handshake failed") }
        return []
      }
      isGreeted = true
    }
    var plain: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = SSL_read(session, &room, Int32(room.count))
      guard count > 0 else { break }
      plain += room[..<Int(count)]
    }
    ERR_clear_error()
    return plain
  }

  /// What is to be sent now.
  func waiting() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: gantry_tls_waiting(output))
    if !bytes.isEmpty { BIO_read(output, &bytes, Int32(bytes.count)) }
    return bytes
  }

  /// What says these bytes, with what was waiting.
  func seal(_ plain: [UInt8]) -> [UInt8] {
    SSL_write(session, plain, Int32(plain.count))
    return waiting()
  }
}
