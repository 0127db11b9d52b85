// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTPService
internal import GantryHTTPWire
internal import GantryWorld

extension Connection {
  /// Bodies up to this size leave in the same write as their head.
  private static let joinedBodyBytesMax = 64 << 10
  /// Files up to this size may leave without a task.
  private static let fileBytesAtOnceMax: UInt64 = 256 << 10
  /// What nearly every head of a response fits in.
  private static let headBytes = 640

  /// The part of a response that the transport did not take at once. Apart from the connection, which seldom holds one.
  indirect enum Unsent {
    /// Bytes, whose end makes the body bytes sent so many.
    case bytes([UInt8], bodyBytes: UInt64)
    /// Bytes of the head, and a region of a file behind them.
    case file([UInt8], any OpenFile, Range<UInt64>)
  }

  /// Sends a response that is whole in memory as far as the transport takes it now: most responses, for which ways into
  /// and out of waiting would cost more than the work. Nil when ``send(_:to:keepAlive:)`` has to go on; false when the
  /// client did not take all of it, for ``responseFailure``.
  func sendAtOnce(_ response: Response, to request: RequestHead, keepAlive: Bool) -> Bool? {
    let body: [UInt8]
    switch response.body {
    case _ where request.method == .head || response.status.forbidsContent: body = []
    case .empty: body = []
    case .bytes(let bytes) where bytes.count <= Self.joinedBodyBytesMax: body = bytes
    case .file(let file, let region) where !region.isEmpty && UInt64(region.count) <= Self.fileBytesAtOnceMax:
      return sendAtOnce(head(of: response, request.version, keepAlive: keepAlive).bytes, file, region)
    case .bytes, .file, .pieces, .stream: return nil
    }
    bodyBytesSent = 0
    let (head, _) = head(of: response, request.version, keepAlive: keepAlive)
    do {
      let sent = try stream.writeAvailable(head, body, more: false)
      let remaining = head.count + body.count - sent
      // Taken is not sent: nobody else would see to what is held back before the next request.
      if remaining > 0 || stream.holdsUnsent {
        let rest = remaining > body.count ? head[sent...] + body : body[(body.count - remaining)...]
        unsent = .bytes(Array(rest), bodyBytes: UInt64(body.count))
        return nil
      }
      bodyBytesSent = UInt64(body.count)
      return true
    } catch {
      responseFailure = error
      return false
    }
  }

  private func sendAtOnce(_ head: [UInt8], _ file: any OpenFile, _ region: Range<UInt64>) -> Bool? {
    bodyBytesSent = 0
    do {
      let sent = try stream.writeAvailable(head, [], more: true)
      guard sent == head.count else {
        unsent = .file(Array(head[sent...]), file, region)
        return nil
      }
      bodyBytesSent = try stream.sendAvailable(file, from: region.lowerBound, count: UInt64(region.count))
      if bodyBytesSent == UInt64(region.count) { return true }
      unsent = .file([], file, (region.lowerBound + bodyBytesSent)..<region.upperBound)
      return nil
    } catch {
      responseFailure = error
      return false
    }
  }

  /// Sends a response, or what ``sendAtOnce(_:to:keepAlive:)`` left of it. `request` is nil when it could not be
  /// understood. False when the client did not take all of it.
  func send(_ response: Response, to request: RequestHead?, keepAlive: Bool) async -> Bool {
    do {
      if let rest = unsent.take() {
        try await send(rest)
        return true
      }
      bodyBytesSent = 0
      let (output, framing) = head(of: response, request?.version ?? .http11, keepAlive: keepAlive)
      if request?.method == .head || response.status.forbidsContent {
        try await stream.write(output, more: false)
      } else {
        try await write(response.body, after: output, framing: framing)
      }
      return true
    } catch {
      responseFailure = error
      return false
    }
  }

  private func send(_ rest: Unsent) async throws(StreamError) {
    switch rest {
    case .bytes(let bytes, let bodyBytes):
      try await stream.write(bytes, more: false)
      bodyBytesSent = bodyBytes
    case .file(let head, let file, let region):
      try await stream.write(head, more: true)
      try await send(file, region)
    }
  }

  private func head(
    of response: Response, _ version: HTTPVersion, keepAlive: Bool
  ) -> (bytes: [UInt8], framing: ResponseFraming) {
    let framing: ResponseFraming =
      if response.status.forbidsContent {
        .none
      } else if let length = response.body.length {
        .length(length)
      } else {
        version == .http11 ? .chunked : .untilClose
      }
    var output: [UInt8] = []
    output.reserveCapacity(Self.headBytes)
    ResponseWriter.writeHead(
      status: response.status, fields: response.fields, framing: framing,
      keepAlive: keepAlive && framing != .untilClose, version: version, date: date.text(at: wallClock.now.seconds),
      into: &output)
    return (output, framing)
  }

  private func write(
    _ body: ResponseBody, after head: consuming [UInt8], framing: ResponseFraming
  ) async throws(StreamError) {
    switch body {
    case .empty:
      try await stream.write(head, more: false)
    case .bytes(let bytes):
      try await write(bytes, after: head)
    case .file(let file, let region):
      try await stream.write(head, more: !region.isEmpty)
      try await send(file, region)
    case .pieces(let pieces):
      try await stream.write(head, more: !pieces.isEmpty)
      for piece in pieces { try await write(piece) }
    case .stream(let source):
      try await stream.write(head, more: true)
      try await write(source, isChunked: framing == .chunked)
    }
  }

  private func write(_ bytes: [UInt8], after head: consuming [UInt8]) async throws(StreamError) {
    if bytes.count <= Self.joinedBodyBytesMax {
      var joined = head
      joined.append(contentsOf: bytes)
      try await stream.write(joined, more: false)
    } else {
      try await stream.write(head, more: true)
      try await stream.write(bytes, more: false)
    }
    bodyBytesSent += UInt64(bytes.count)
  }

  private func write(_ piece: ResponseBody.Piece) async throws(StreamError) {
    switch piece {
    case .bytes(let bytes):
      try await stream.write(bytes, more: false)
      bodyBytesSent += UInt64(bytes.count)
    case .slice(let bytes, let range):
      try await stream.write([UInt8](bytes[range]), more: false)
      bodyBytesSent += UInt64(range.count)
    case .file(let file, let region):
      try await send(file, region)
    }
  }

  private func send(_ file: any OpenFile, _ region: Range<UInt64>) async throws(StreamError) {
    guard !region.isEmpty else { return }
    let before = stream.progress
    let count = region.upperBound - region.lowerBound
    // The transport's own bytes, which encryption adds to, tell how far a response came that broke off.
    defer { bodyBytesSent += min(count, stream.progress &- before) }
    try await stream.send(file, from: region.lowerBound, count: count)
  }

  private func write(_ source: any ResponseStream, isChunked: Bool) async throws(StreamError) {
    while true {
      let bytes: [UInt8]?
      do {
        bytes = try await source.next()
      } catch {
        throw .closed
      }
      var output: [UInt8] = []
      if let bytes {
        if isChunked { ResponseWriter.writeChunkHeader(size: bytes.count, into: &output) }
        output.append(contentsOf: bytes)
        if isChunked { ResponseWriter.writeChunkEnd(into: &output) }
      } else if isChunked {
        ResponseWriter.writeLastChunk(into: &output)
      }
      try await stream.write(output, more: false)
      guard let bytes else { return }
      bodyBytesSent += UInt64(bytes.count)
    }
  }
}
