// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryNGHTTP2
public import GantryHTTPWire

extension HTTP2Session {
  /// How many streams count: begun and not released.
  public var streamCount: Int { streams.count }

  /// Whether a stream counts.
  public func counts(_ stream: Int32) -> Bool { streams[stream] != nil }

  /// Bytes of memory that request bodies hold which nobody has read yet.
  public var heldBytes: Int { streams.values.reduce(0) { $0 + $1.inbound.heldBytes } }

  /// Whether a response, or more of one, would still be taken.
  public func isOpen(_ stream: Int32) -> Bool {
    guard ending == nil, let stream = streams[stream] else { return false }
    return !stream.isClosed
  }

  /// Says that nobody is concerned with a stream any more; it counts no longer.
  public func release(_ id: Int32) {
    guard let stream = streams[id] else { return }
    dropInbound(of: stream, id)
    streams[id] = nil
  }

  // MARK: Request bodies

  /// Appends bytes of a request body that came, at most `limit`, to `buffer`; the windows open by as many. How many.
  public func readBody(_ id: Int32, into buffer: inout [UInt8], atMost limit: Int) -> Int {
    guard let stream = streams[id] else { return 0 }
    widenWindow(of: stream, id)
    stream.isInboundTold = false
    guard stream.inbound.count > 0 else { return 0 }
    let count = stream.inbound.take(atMost: limit, into: &buffer)
    if ending == nil {
      // Once a stream is closed, only the connection's window is left to open.
      _ =
        unsafe stream.isClosed || stream.inboundEnded
        ? nghttp2_session_consume_connection(handle, count) : nghttp2_session_consume(handle, id, count)
    }
    return count
  }

  /// Whether reading would give bytes, or the end.
  public func hasBody(_ id: Int32) -> Bool {
    guard let stream = streams[id] else { return false }
    return stream.inboundEnded || stream.inbound.count > 0
  }

  /// Whether the request has come whole and all of its body is read. Of a stream that does not count any more that
  /// cannot be said: what a reader was not given may have been the half of an upload.
  public func isBodyRead(_ id: Int32) -> Bool {
    guard let stream = streams[id] else { return false }
    return stream.inboundEnded && stream.inbound.count == 0
  }

  /// A body that is read may come faster than one that nobody asked for.
  private func widenWindow(of stream: HTTP2Stream, _ id: Int32) {
    guard !stream.isWindowWide, !stream.inboundEnded, !stream.isClosed, ending == nil else { return }
    stream.isWindowWide = true
    _ = unsafe nghttp2_session_set_local_window_size(
      handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, Int32(limits.streamWindowBytes))
  }

  /// Forgets what was not read, and what else may come: the connection's window opens, the stream's does not.
  func dropInbound(of stream: HTTP2Stream, _ id: Int32) {
    let count = stream.inbound.count
    stream.dropsInbound = true
    stream.inbound.clear()
    if count > 0, ending == nil { _ = unsafe nghttp2_session_consume_connection(handle, count) }
  }

  // MARK: Responses

  /// Tells a client that waits for it to send the body.
  public func submitContinue(_ id: Int32) {
    guard isOpen(id) else { return }
    unsafe withFields(status: .continue, fields: Fields(), date: [], length: nil) { fields, count in
      _ = unsafe nghttp2_submit_headers(
        handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, nil, fields, count, nil)
    }
  }

  /// Submits the one response of a stream. What of the request's body was not read is dropped; a client that still
  /// sends it is told to stop once the response has left (RFC 9113, 8.1).
  ///
  /// - Parameter length: announced as Content-Length; nil announces none.
  public func submitResponse(
    _ id: Int32, status: HTTPStatus, fields block: Fields, date: [UInt8], length: UInt64?, content: HTTP2Content
  ) {
    guard isOpen(id), let stream = streams[id] else { return }
    dropInbound(of: stream, id)
    var provider = unsafe nghttp2_data_provider()
    unsafe provider.read_callback = HTTP2Callbacks.readBody
    var hasBody = true
    stream.outbound.isWhole = true
    switch content {
    case .none: hasBody = false
    case .bytes(let bytes): stream.outbound.add(.bytes(bytes, 0..<bytes.count))
    case .pieces(let pieces): for piece in pieces { stream.outbound.add(piece) }
    case .streamed: stream.outbound.isWhole = false
    }
    if stream.outbound.isWhole, stream.outbound.waiting == 0 { hasBody = false }
    stream.hasOutbound = hasBody
    let failure = unsafe withFields(status: status, fields: block, date: date, length: length) { fields, count in
      if hasBody { return unsafe nghttp2_submit_response(handle, id, fields, count, &provider) }
      return unsafe nghttp2_submit_response(handle, id, fields, count, nil)
    }
    if failure != 0 { reset(id, .internalError) }
  }

  /// Brings more of a streamed response; an empty piece only with the last.
  public func feed(_ id: Int32, _ bytes: [UInt8], _ range: Range<Int>, isLast: Bool) {
    guard isOpen(id), let stream = streams[id] else { return }
    precondition(!stream.outbound.isWhole && (isLast || !range.isEmpty), "a piece after the last, or none")
    stream.outbound.add(.bytes(bytes, range))
    stream.outbound.isWhole = isLast
    stream.isHungry = false
    resume(id)
  }

  /// Asks a source again that had nothing yet.
  public func resume(_ id: Int32) {
    guard isOpen(id), let stream = streams[id], stream.isDeferred else { return }
    stream.isDeferred = false
    _ = unsafe nghttp2_session_resume_data(handle, id)
  }

  /// Takes the streams whose sources have to be waited for, each once until it is resumed.
  public func takeAbsent() -> [Int32] {
    guard !absent.isEmpty else { return [] }
    defer { absent = [] }
    return absent
  }

  /// Bytes of the response's body that went into frames.
  public func bytesSent(_ id: Int32) -> UInt64 { streams[id]?.bytesSent ?? 0 }

  /// Whether a response waits for nothing but the client's window, its own or the connection's.
  public func waitsForWindow(_ id: Int32) -> Bool {
    guard let stream = streams[id], ending == nil, !stream.isClosed else { return false }
    guard stream.hasOutbound, !stream.outboundEnded, !stream.isDeferred else { return false }
    return unsafe nghttp2_session_get_stream_remote_window_size(handle, id) <= 0
      || nghttp2_session_get_remote_window_size(handle) <= 0
  }

  /// Breaks a stream off.
  public func reset(_ id: Int32, _ code: HTTP2ErrorCode) {
    guard isOpen(id) else { return }
    _ = unsafe nghttp2_submit_rst_stream(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, code.rawValue)
  }
}
