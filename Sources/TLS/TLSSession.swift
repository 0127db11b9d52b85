// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryTLS
public import GantryWorld

/// The server's side of one TLS connection, without a socket: bytes of the transport go in and come out through
/// ``records``, content through ``read(into:atMost:)`` and ``write(_:_:)``.
///
/// Isolation and ownership: belongs to one connection on one loop; not `Sendable`. No call waits. After a failure only
/// ``records`` may be used, to send the alert that tells the client.
@safe
public final class TLSSession {
  /// What a call came to.
  public enum Step: Sendable, Hashable {
    /// The handshake is complete.
    case established
    /// So many bytes of content were read, at least one.
    case content(Int)
    /// More bytes of the transport are needed.
    case needsInput
    /// The client said that it sends nothing more (close_notify).
    case ended
  }

  /// What passes between the session and the transport.
  public let records = TLSRecords()
  let context: TLSContext
  private let ssl: OpaquePointer
  private var refusedSubject: String?
  private var hasFailed = false
  /// What came behind content that was read, told by the next read.
  private var hasEnded = false
  private var readFailure: TLSFailure?
  /// Whether the last read stopped for its limit: then more may be there without another byte of the transport.
  private var mayHoldContent = false

  /// What a client may make us say, between two requests, without reading it.
  private static let unsentBytesMax = 64 << 10
  private static let recordBytesMax = 16 << 10

  /// Begins a session that awaits a client.
  public init(_ context: TLSContext) throws(TLSFailure) {
    self.context = context
    ErrorQueue.clear()
    guard let ssl = unsafe SSL_new(context.primary.pointer) else { throw .failed(reason: ErrorQueue.reason()) }
    guard let transport = unsafe BIO_new(MemoryTransport.method) else {
      unsafe SSL_free(ssl)
      throw .failed(reason: ErrorQueue.reason())
    }
    unsafe self.ssl = ssl
    // Unretained, both: the session owns the SSL, which owns the transport, and frees them before itself.
    unsafe BIO_set_data(transport, Unmanaged.passUnretained(records).toOpaque())
    unsafe BIO_set_init(transport, 1)
    unsafe SSL_set_bio(ssl, transport, transport)
    unsafe SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
    unsafe SSL_set_accept_state(ssl)
  }

  deinit { unsafe SSL_free(ssl) }

  /// Goes on with the handshake as far as what has come allows.
  public func handshake() throws(TLSFailure) -> Step {
    ErrorQueue.clear()
    let result = unsafe SSL_do_handshake(ssl)
    if result == 1 {
      ErrorQueue.clear()
      return .established
    }
    let code = unsafe SSL_get_error(ssl, result)
    if code == SSL_ERROR_WANT_READ {
      ErrorQueue.clear()
      return .needsInput
    }
    throw failure()
  }

  /// What was agreed on. Called once the session is established.
  public func security() -> StreamSecurity {
    var chosen: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    unsafe SSL_get0_alpn_selected(ssl, &chosen, &count)
    let spoken = unsafe chosen.map {
      unsafe String(decoding: UnsafeBufferPointer(start: $0, count: Int(count)), as: UTF8.self)
    }
    let suite = unsafe SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)).map { unsafe String(cString: $0) }
    return StreamSecurity(
      version: unsafe SSL_version(ssl) == TLS1_3_VERSION ? .tls13 : .tls12, cipherSuite: suite ?? "",
      applicationProtocol: spoken, serverName: serverName,
      clientNames: unsafe verifiedCertificate.map { unsafe CertificateNames.all(of: $0) } ?? [],
      isClientVerified: unsafe verifiedCertificate != nil,
      isResumed: unsafe SSL_session_reused(ssl) == 1)
  }

  private var serverName: String? {
    unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { unsafe String(cString: $0) }
  }

  /// The client's certificate; nil when it showed none, or one that nobody checked.
  private var verifiedCertificate: OpaquePointer? {
    guard context.verifiesClients, unsafe SSL_get_verify_result(ssl) == Int(X509_V_OK) else { return nil }
    return unsafe SSL_get0_peer_certificate(ssl)
  }

  /// Appends at most `limit` bytes of content to `buffer`.
  public func read(into buffer: inout [UInt8], atMost limit: Int) throws(TLSFailure) -> Step {
    if let readFailure { throw readFailure }
    if hasEnded { return .ended }
    var total = 0
    defer { mayHoldContent = total == limit }
    while total < limit {
      // Nothing to be found: no room is made for it.
      if records.unused == 0, unsafe SSL_has_pending(ssl) == 0 { break }
      let room = min(limit - total, Self.recordBytesMax)
      var result: Int32 = 0
      ErrorQueue.clear()
      buffer.append(addingCapacity: room) { span in
        unsafe span.withUnsafeMutableBufferPointer { target, filled in
          result = unsafe SSL_read(ssl, target.baseAddress?.advanced(by: filled), Int32(room))
          filled += Int(max(0, result))
        }
      }
      if result > 0 {
        total += Int(result)
        continue
      }
      let code = unsafe SSL_get_error(ssl, result)
      if code == SSL_ERROR_WANT_READ {
        ErrorQueue.clear()
        break
      }
      if code == SSL_ERROR_ZERO_RETURN {
        ErrorQueue.clear()
        hasEnded = true
      } else {
        readFailure = failure()
      }
      // What was read comes first.
      if total > 0 { return .content(total) }
      if let readFailure { throw readFailure }
      return .ended
    }
    guard records.output.count <= Self.unsentBytesMax else {
      hasFailed = true
      throw .failed(reason: "the client asks for new keys without end")
    }
    return total > 0 ? .content(total) : .needsInput
  }

  /// Whether a read may find content without another byte of the transport.
  public var holdsContent: Bool {
    if hasEnded || readFailure != nil { return true }
    guard mayHoldContent else { return false }
    return unsafe records.unused > 0 || SSL_has_pending(ssl) == 1
  }

  /// Encrypts a part of `bytes` into ``TLSRecords/output``.
  public func write(_ bytes: [UInt8], _ range: Range<Int>) throws(TLSFailure) {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "the range is not within the bytes")
    guard !range.isEmpty else { return }
    let recordsCount = range.count / Self.recordBytesMax + 1
    records.output.reserveCapacity(records.output.count + range.count + recordsCount * 64)
    ErrorQueue.clear()
    var written = 0
    let result = unsafe bytes.withUnsafeBytes { raw in
      unsafe SSL_write_ex(ssl, raw.baseAddress?.advanced(by: range.lowerBound), range.count, &written)
    }
    guard result == 1, written == range.count else { throw failure() }
    ErrorQueue.clear()
  }

  /// Tells the client that nothing more is sent (close_notify); it may still send. Idempotent; does nothing before the
  /// session is established or after it failed.
  public func finish() {
    guard !hasFailed, unsafe SSL_is_init_finished(ssl) == 1, unsafe SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0
    else { return }
    ErrorQueue.clear()
    // 0: the client has not said so too. Whatever it is, there is nothing left to be done about it.
    unsafe SSL_shutdown(ssl)
    ErrorQueue.clear()
  }

  // MARK: What OpenSSL asks

  /// Takes the identity for the host that the client named. False when it named none that there is an identity for.
  func chooseIdentity() -> Bool {
    guard let name = serverName, let chosen = context.identity(for: name) else { return false }
    return unsafe SSL_set_SSL_CTX(ssl, chosen.pointer) != nil
  }

  /// Remembers whose certificate was refused.
  func refuse(_ certificate: OpaquePointer?) {
    guard refusedSubject == nil, let certificate = unsafe certificate else { return }
    refusedSubject = unsafe CertificateNames.all(of: certificate).first ?? "nobody"
  }

  // MARK: Failures

  private func failure() -> TLSFailure {
    hasFailed = true
    guard let entry = ErrorQueue.drain() else { return .failed(reason: "the session was broken") }
    guard entry.library == ERR_LIB_SSL else { return .failed(reason: entry.text) }
    switch entry.reason {
    case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: return .plainHTTP
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return .certificateMissing
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      let verdict = unsafe SSL_get_verify_result(ssl)
      return .certificateRefused(
        subject: refusedSubject ?? "unknown", reason: unsafe String(cString: X509_verify_cert_error_string(verdict)))
    case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW:
      return .failed(reason: "the client speaks no version of TLS that is served")
    case SSL_R_NO_SHARED_CIPHER: return .failed(reason: "the client offers no cipher suite that is served")
    case SSL_R_WRONG_VERSION_NUMBER, SSL_R_RECORD_LENGTH_MISMATCH, SSL_R_PACKET_LENGTH_TOO_LONG,
      SSL_R_BAD_RECORD_TYPE:
      return .failed(reason: "what came is no TLS (\(entry.text))")
    case 1000..<1256:
      let alert = Int32(entry.reason - 1000)
      let name = unsafe SSL_alert_desc_string_long(alert).map { unsafe String(cString: $0) } ?? "alert \(alert)"
      let trusts = alert != 48 && alert != 42 && alert != 46
      return .alerted(trusts ? name : "\(name); it does not trust the certificate of this server")
    default: return .failed(reason: entry.text)
    }
  }
}
