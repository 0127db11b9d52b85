// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryNGHTTP2

/// All entry points of nghttp2 into Swift. They run inside ``HTTP2Session/receive(_:now:)`` and
/// ``HTTP2Session/produce(into:atMost:)``, which keep the session alive.
enum HTTP2Callbacks {
  private static func session(_ pointer: UnsafeMutableRawPointer?) -> HTTP2Session? {
    guard let pointer = unsafe pointer else { return nil }
    return unsafe Unmanaged<HTTP2Session>.fromOpaque(pointer).takeUnretainedValue()
  }

  static func install(in callbacks: OpaquePointer?) {
    unsafe installReceiving(in: callbacks)
    unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks) { _, _, header, count, _, session in
      guard let session = unsafe HTTP2Callbacks.session(session) else { return 0 }
      return unsafe session.write(header: UnsafeBufferPointer(start: header, count: 9), count: count)
    }
    unsafe nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks) {
      _, _, _, _, _, peerMax, session in
      min(Int(peerMax), unsafe HTTP2Callbacks.session(session)?.framePayloadMax ?? 0)
    }
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, session in
      guard let session = unsafe HTTP2Callbacks.session(session), let frame = unsafe frame else { return 0 }
      let header = unsafe frame.pointee.hd
      let code =
        switch UInt32(header.type) {
        case NGHTTP2_RST_STREAM.rawValue: unsafe frame.pointee.rst_stream.error_code
        case NGHTTP2_GOAWAY.rawValue: unsafe frame.pointee.goaway.error_code
        default: 0 as UInt32
        }
      return session.sentFrame(header, code: code)
    }
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, _, session in
      unsafe HTTP2Callbacks.session(session)?.closed(id)
      return 0
    }
  }

  private static func installReceiving(in callbacks: OpaquePointer?) {
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, session in
      guard let session = unsafe HTTP2Callbacks.session(session), let frame = unsafe frame else { return 0 }
      return unsafe session.receivedFrame(frame)
    }
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, session in
      guard let session = unsafe HTTP2Callbacks.session(session), let frame = unsafe frame else { return 0 }
      return unsafe session.beginSection(frame)
    }
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, frame, name, nameCount, value, valueCount, _, session in
      guard let session = unsafe HTTP2Callbacks.session(session), let frame = unsafe frame else { return 0 }
      let name = unsafe UnsafeBufferPointer(start: name, count: nameCount)
      let value = unsafe UnsafeBufferPointer(start: value, count: valueCount)
      return unsafe session.received(name: name.span, value: value.span, on: frame.pointee.hd.stream_id)
    }
    unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) { _, _, _, session in
      unsafe HTTP2Callbacks.session(session)?.refusedFrame() ?? 0
    }
    unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, session in
      unsafe HTTP2Callbacks.session(session)?.refusedField() ?? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
    }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, id, data, count, session in
      guard let session = unsafe HTTP2Callbacks.session(session) else { return 0 }
      return unsafe session.received(UnsafeBufferPointer(start: data, count: count), on: id)
    }
  }

  /// Where nghttp2 asks for the bytes of a response.
  static let readBody: nghttp2_data_source_read_callback = { _, id, _, limit, flags, _, session in
    guard let session = unsafe HTTP2Callbacks.session(session), let flags = unsafe flags else {
      return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
    }
    return unsafe session.nextFrameBytes(of: id, atMost: limit, flags: flags)
  }
}
