// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryTLS

/// The client's side of a TLS connection, without a socket, for tests. Believes every server.
public final class TLSClient {
  /// What the client is like.
  public struct Settings {
    /// The host it asks for.
    public var host: String?
    /// What it wants to speak inside.
    public var protocols: [String] = ["http/1.1"]
    /// Its certificate.
    public var identity: CertificateAuthority.Identity?
    /// The only version it speaks: 12, 13, or both.
    public var version: Int?
    /// The suites of TLS 1.2 that it offers, in OpenSSL's words.
    public var suites: String?
    /// A session to go on with.
    public var resumed: Session?

    /// A usual client.
    public init() {}
  }

  /// A session that can go on.
  public final class Session {
    fileprivate let pointer: OpaquePointer
    fileprivate init(_ pointer: OpaquePointer) { self.pointer = pointer }
    deinit { SSL_SESSION_free(pointer) }
  }

  private let context: OpaquePointer
  private let ssl: OpaquePointer
  private let input: OpaquePointer
  private let output: OpaquePointer

  /// Begins; the handshake follows.
  public init(_ settings: Settings = Settings()) {
    guard let context = SSL_CTX_new(TLS_client_method()), let input = BIO_new(BIO_s_mem()),
      let output = BIO_new(BIO_s_mem())
    else { preconditionFailure("no memory") }
    if let version = settings.version {
      let number = Int(version == 12 ? TLS1_2_VERSION : TLS1_3_VERSION)
      precondition(SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, number, nil) == 1)
      precondition(SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, number, nil) == 1)
    }
    if let suites = settings.suites { precondition(SSL_CTX_set_cipher_list(context, suites) == 1) }
    if let identity = settings.identity {
      precondition(SSL_CTX_use_certificate_file(context, identity.certificate, SSL_FILETYPE_PEM) == 1)
      precondition(SSL_CTX_use_PrivateKey_file(context, identity.key, SSL_FILETYPE_PEM) == 1)
    }
    let list = settings.protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    if !list.isEmpty { SSL_CTX_set_alpn_protos(context, list, UInt32(list.count)) }
    guard let ssl = SSL_new(context) else { preconditionFailure("no memory") }
    BIO_ctrl(input, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nil)
    BIO_ctrl(output, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nil)
    SSL_set_bio(ssl, input, output)
    if let host = settings.host {
      var name = Array(host.utf8CString)
      SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), &name)
    }
    if let session = settings.resumed { SSL_set_session(ssl, session.pointer) }
    SSL_set_connect_state(ssl)
    (self.context, self.ssl, self.input, self.output) = (context, ssl, input, output)
  }

  deinit {
    // Else OpenSSL takes the session for one that was broken off, which cannot go on later.
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN)
    SSL_free(ssl)
    SSL_CTX_free(context)
  }

  /// Gives it what came from the server.
  public func receive(_ bytes: [UInt8]) {
    if !bytes.isEmpty { precondition(BIO_write(input, bytes, Int32(bytes.count)) == bytes.count) }
  }

  /// What it wants sent.
  public func take() -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = BIO_read(output, &piece, Int32(piece.count))
      if count <= 0 { return bytes }
      bytes += piece[..<Int(count)]
    }
  }

  /// Goes on with the handshake: true when complete, nil after a failure.
  public func handshake() -> Bool? {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    if result == 1 { return true }
    return SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ ? false : nil
  }

  /// Encrypts content.
  public func write(_ bytes: [UInt8]) {
    ERR_clear_error()
    if !bytes.isEmpty { precondition(SSL_write(ssl, bytes, Int32(bytes.count)) == bytes.count, Self.reason()) }
  }

  /// What content came, and whether the server said that no more will or broke off.
  public func read() -> (bytes: [UInt8], isEnd: Bool, failure: String?) {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      ERR_clear_error()
      let count = SSL_read(ssl, &piece, Int32(piece.count))
      if count > 0 {
        bytes += piece[..<Int(count)]
        continue
      }
      switch SSL_get_error(ssl, count) {
      case SSL_ERROR_WANT_READ: return (bytes, false, nil)
      case SSL_ERROR_ZERO_RETURN: return (bytes, true, nil)
      default: return (bytes, false, Self.reason())
      }
    }
  }

  /// Says that it sends nothing more.
  public func finish() { SSL_shutdown(ssl) }

  /// Asks for new keys.
  public func updateKeys() {
    precondition(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1)
    precondition(SSL_do_handshake(ssl) == 1)
  }

  /// What can go on later. Of TLS 1.3 only after something was read.
  public var session: Session? { SSL_get1_session(ssl).map(Session.init) }

  /// Whether an earlier session went on.
  public var isResumed: Bool { SSL_session_reused(ssl) == 1 }

  /// The common name of the server's certificate.
  public var serverName: String {
    guard let certificate = SSL_get0_peer_certificate(ssl) else { return "" }
    var text = [CChar](repeating: 0, count: 256)
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, &text, Int32(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func reason() -> String {
    ERR_reason_error_string(ERR_get_error()).map { String(cString: $0) } ?? "no reason"
  }
}
