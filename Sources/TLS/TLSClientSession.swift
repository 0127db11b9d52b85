// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryTLS

/// The client's side of one TLS connection, without a socket: bytes of the transport go in and come out through
/// ``records``. The server's certificate is verified, and that it is for the host that was asked for.
///
/// Isolation and ownership: belongs to one connection on one loop; not `Sendable`. No call waits. After a failure only
/// ``records`` may be used, to send the alert that tells the server.
@safe
public final class TLSClientSession {
  /// What passes between the session and the transport.
  public let records: TLSRecords
  private let context: TLSClientContext
  private let ssl: OpaquePointer

  /// Begins a session with the server of a host: a name, or an address.
  public init(_ context: TLSClientContext, host: String) throws(TLSFailure) {
    let records = TLSRecords()
    ErrorQueue.clear()
    guard let ssl = unsafe SSL_new(context.value.pointer) else { throw .failed(reason: ErrorQueue.reason()) }
    guard let transport = unsafe BIO_new(MemoryTransport.method) else {
      unsafe SSL_free(ssl)
      throw .failed(reason: ErrorQueue.reason())
    }
    // Unretained: the session owns the SSL, which owns the transport, and frees them before itself.
    unsafe BIO_set_data(transport, Unmanaged.passUnretained(records).toOpaque())
    unsafe BIO_set_init(transport, 1)
    unsafe SSL_set_bio(ssl, transport, transport)
    unsafe SSL_set_connect_state(ssl)
    // An address is looked for among the certificate's addresses, and not asked for by name (RFC 6066, section 3).
    let isAddress = unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1
    let isNamed = unsafe isAddress || SSL_set1_host(ssl, host) == 1 && gantry_tls_ask_for(ssl, host) == 1
    guard isNamed else {
      unsafe SSL_free(ssl)
      throw .failed(reason: ErrorQueue.reason())
    }
    ErrorQueue.clear()
    self.context = context
    self.records = records
    unsafe self.ssl = ssl
  }

  deinit { unsafe SSL_free(ssl) }

  /// Goes on with the handshake as far as what has come allows; true when it is complete.
  public func handshake() throws(TLSFailure) -> Bool {
    ErrorQueue.clear()
    let result = unsafe SSL_do_handshake(ssl)
    if result == 1 {
      ErrorQueue.clear()
      return true
    }
    guard try isWaiting(result) else { throw .failed(reason: "the server closed in the handshake") }
    return false
  }

  /// Encrypts `bytes` into ``TLSRecords/output``.
  public func write(_ bytes: [UInt8]) throws(TLSFailure) {
    guard !bytes.isEmpty else { return }
    ErrorQueue.clear()
    var written = 0
    let result = unsafe bytes.withUnsafeBytes { raw in
      unsafe SSL_write_ex(ssl, raw.baseAddress, raw.count, &written)
    }
    guard result == 1, written == bytes.count else { throw failure() }
    ErrorQueue.clear()
  }

  /// Appends at most `limit` bytes of content to `buffer`. Nil when more bytes of the transport are needed; 0 when the
  /// server said that it sends nothing more.
  public func read(into buffer: inout [UInt8], atMost limit: Int) throws(TLSFailure) -> Int? {
    var result: Int32 = 0
    ErrorQueue.clear()
    buffer.append(addingCapacity: limit) { span in
      unsafe span.withUnsafeMutableBufferPointer { target, filled in
        result = unsafe SSL_read(ssl, target.baseAddress?.advanced(by: filled), Int32(clamping: limit))
        filled += Int(max(0, result))
      }
    }
    if result > 0 { return Int(result) }
    return try isWaiting(result) ? nil : 0
  }

  /// Whether a call wants bytes of the transport; false at the server's end.
  private func isWaiting(_ result: Int32) throws(TLSFailure) -> Bool {
    let code = unsafe SSL_get_error(ssl, result)
    guard code == SSL_ERROR_WANT_READ || code == SSL_ERROR_ZERO_RETURN else { throw failure() }
    ErrorQueue.clear()
    return code == SSL_ERROR_WANT_READ
  }

  private func failure() -> TLSFailure {
    let entry = ErrorQueue.drain()
    if let entry, entry.library == ERR_LIB_SSL, entry.reason == SSL_R_CERTIFICATE_VERIFY_FAILED {
      let verdict = unsafe String(cString: X509_verify_cert_error_string(SSL_get_verify_result(ssl)))
      return .failed(reason: "the server's certificate is refused: \(verdict)")
    }
    return .failed(reason: "TLS: \(entry?.text ?? "the session was broken")")
  }
}
