// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTPWire

/// One stream of a session: what of its request has come, and what of its response waits.
final class HTTP2Stream {
  /// A piece of a response body.
  struct Chunk {
    let bytes: [UInt8]
    var start: Int
    let end: Int
  }

  /// The fields of the head, while it comes.
  var section: FieldSection?
  /// Whether the head was handed out.
  var isBegun = false
  /// Whether nghttp2 has forgotten the stream.
  var isClosed = false

  /// Bytes of the request body that nobody has read yet.
  var inbound: [UInt8] = []
  var inboundRead = 0
  /// Whether the whole request has come.
  var inboundEnded = false
  /// Whether an event tells of ``inbound`` already.
  var isInboundTold = false
  /// Nobody will read the body any more.
  var dropsInbound = false
  /// Whether the window is that of a body that is read.
  var isWindowWide = false

  var chunks: [Chunk] = []
  /// Whether the last chunk of the response is among ``chunks``.
  var outboundIsWhole = false
  /// Whether the response has left, to its last frame.
  var outboundEnded = false
  /// Whether the feeder was asked for more.
  var isHungry = false
  /// Whether nghttp2 waits to be told of more.
  var isDeferred = false
  /// Bytes of the response body that went into frames.
  var bytesSent: UInt64 = 0

  var inboundCount: Int { inbound.count - inboundRead }

  /// Bytes of the response that wait, as far as `limit` needs to know.
  func outboundCount(atMost limit: Int) -> Int {
    var count = 0
    for chunk in chunks {
      count += chunk.end - chunk.start
      if count >= limit { return limit }
    }
    return count
  }

  /// Moves the next bytes of the response behind `output`.
  func takeOutbound(_ count: Int, into output: inout [UInt8]) {
    var rest = count
    var used = 0
    while rest > 0 {
      let taken = min(rest, chunks[used].end - chunks[used].start)
      let start = chunks[used].start
      output.append(contentsOf: chunks[used].bytes[start..<(start + taken)])
      chunks[used].start += taken
      rest -= taken
      if chunks[used].start == chunks[used].end { used += 1 }
    }
    chunks.removeFirst(used)
    bytesSent += UInt64(count)
  }

  /// Moves unread bytes of the request body behind `buffer`; how many.
  func takeInbound(atMost limit: Int, into buffer: inout [UInt8]) -> Int {
    let count = min(limit, inboundCount)
    if inboundRead == 0, count == inbound.count, buffer.isEmpty, buffer.capacity < count {
      swap(&buffer, &inbound)
    } else {
      buffer.append(contentsOf: inbound[inboundRead..<(inboundRead + count)])
      inboundRead += count
    }
    if inboundRead == inbound.count {
      inbound.removeAll(keepingCapacity: inbound.capacity <= 64 << 10)
      inboundRead = 0
    }
    return count
  }
}
