// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTPWire

/// One stream of a session: what of its request has come, and what of its response waits.
final class HTTP2Stream {
  /// The fields of the head, while it comes.
  var section: FieldSection?
  /// Whether the head was handed out.
  var isBegun = false
  /// Whether nghttp2 has forgotten the stream.
  var isClosed = false

  /// Bytes of the request body that nobody has read yet.
  var inbound = InboundBody()
  /// Whether the whole request has come.
  var inboundEnded = false
  /// Whether an event tells of ``inbound`` already.
  var isInboundTold = false
  /// Nobody will read the body any more.
  var dropsInbound = false
  /// Whether the window is that of a body that is read.
  var isWindowWide = false

  /// Bytes of the response body that went into no frame yet.
  var outbound = OutboundBody()
  /// Whether a response with a body was submitted.
  var hasOutbound = false
  /// Whether the response has left, to its last frame.
  var outboundEnded = false
  /// Whether the feeder was asked for more.
  var isHungry = false
  /// Whether nghttp2 waits to be told of more.
  var isDeferred = false
  /// Bytes of the response body that went into frames.
  var bytesSent: UInt64 = 0
}
