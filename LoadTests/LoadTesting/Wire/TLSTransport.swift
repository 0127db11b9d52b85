// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryLoadTLS
internal import GantryEventLoops

/// TLS over a socket. OpenSSL reads and writes memory; the bytes go through the socket's calls that never wait.
///
/// Isolation: belongs to one loop.
final class TLSTransport: Transport {
  private static let pieceBytes = 64 << 10

  private let socket: ClientSocket
  private let session: OpaquePointer
  private let input: OpaquePointer
  private let output: OpaquePointer
  private var room = [UInt8](repeating: 0, count: TLSTransport.pieceBytes)
  /// Encrypted bytes that the socket did not take yet: `pending[sent...]`.
  private var pending: [UInt8] = []
  private var sent = 0
  private(set) var hasBuffered = false

  /// Takes over a connected socket; nil where OpenSSL has no memory or the host is no name.
  init?(_ socket: ClientSocket, _ context: TLSContext, host: String) {
    guard let (session, input, output) = context.session(host) else { return nil }
    (self.socket, self.session, self.input, self.output) = (socket, session, input, output)
  }

  deinit { SSL_free(session) }

  /// Shakes hands; throws why the other end is not believed or does not speak TLS.
  func shakeHands(with url: TargetURL) async throws(LoadError) {
    while true {
      let result = SSL_do_handshake(session)
      // Errors belong to the thread, so they are read before another session's turn.
      let failure = result == 1 ? 0 : SSL_get_error(session, result)
      let reason = TLSContext.lastError()
      await flushAll()
      if result == 1 { return }
      guard failure == SSL_ERROR_WANT_READ else {
        let verdict = SSL_get_verify_result(session)
        let words = verdict == 0 ? reason : String(cString: X509_verify_cert_error_string(verdict))
        throw LoadError(.connect, "\(url): the TLS handshake failed: \(words)")
      }
      await socket.readable()
      switch take() {
      case .moved(0): throw LoadError(.connect, "\(url): the connection was closed within the TLS handshake")
      case .failed: throw LoadError(.connect, "\(url): the connection was cut within the TLS handshake")
      case .moved, .mustWait: continue
      }
    }
  }

  func receive(into buffer: inout [UInt8]) -> ClientSocket.Transfer {
    var filled = 0
    hasBuffered = false
    while filled < buffer.count {
      let start = filled
      let result = buffer.withUnsafeMutableBytes { bytes in
        SSL_read(session, bytes.baseAddress?.advanced(by: start), Int32(clamping: bytes.count - start))
      }
      if result > 0 {
        filled += Int(result)
        continue
      }
      let failure = SSL_get_error(session, result)
      ERR_clear_error()
      guard failure == SSL_ERROR_WANT_READ else {
        if filled > 0 { return .moved(filled) }
        return failure == SSL_ERROR_ZERO_RETURN ? .moved(0) : .failed(code: 0)
      }
      // Answers to messages of the protocol itself, such as new keys.
      _ = flush()
      switch take() {
      case .moved(0): return filled > 0 ? .moved(filled) : .moved(0)
      case .moved: continue
      case .mustWait: return filled > 0 ? .moved(filled) : .mustWait
      case .failed(let code): return filled > 0 ? .moved(filled) : .failed(code: code)
      }
    }
    hasBuffered = true
    return .moved(filled)
  }

  func discard(atMost limit: Int) -> ClientSocket.Transfer { .failed(code: 0) }
  var canDiscard: Bool { false }

  func send(_ bytes: [UInt8], _ range: Range<Int>, more: Bool) -> ClientSocket.Transfer {
    guard flush() else { return socket.isClosed ? .failed(code: 0) : .mustWait }
    let result = bytes.withUnsafeBytes { raw in
      SSL_write(
        session, raw.baseAddress?.advanced(by: range.lowerBound), Int32(clamping: min(range.count, Self.pieceBytes)))
    }
    guard result > 0 else {
      ERR_clear_error()
      return .failed(code: 0)
    }
    _ = flush()
    return .moved(Int(result))
  }

  func readable() async {
    await flushAll()
    await socket.readable()
  }

  func writable() async { await socket.writable() }

  func close() { socket.close() }

  /// Gives OpenSSL what the socket has.
  private func take() -> ClientSocket.Transfer {
    let result = socket.receive(into: &room)
    if case .moved(let count) = result, count > 0 { BIO_write(input, room, Int32(count)) }
    return result
  }

  /// Sends what is encrypted; false while the socket does not take all of it.
  private func flush() -> Bool {
    let waiting = gantry_tls_waiting(output)
    if waiting > 0 {
      var bytes = [UInt8](repeating: 0, count: waiting)
      let count = BIO_read(output, &bytes, Int32(clamping: waiting))
      if sent == pending.count { (pending, sent) = ([], 0) }
      if count > 0 { pending += bytes[..<Int(count)] }
    }
    while sent < pending.count {
      guard case .moved(let count) = socket.send(pending, sent..<pending.count, more: false) else { return false }
      sent += count
    }
    return true
  }

  private func flushAll() async {
    while !flush(), !socket.isClosed { await socket.writable() }
  }
}
