// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTP2
internal import GantryHTTPService
internal import GantryHTTPWire
internal import GantryLimiting
internal import GantryWorld

/// One HTTP/1.1 connection: takes requests one after the other, has them answered, and writes the answers in their
/// order.
///
/// Isolation: lives on the loop that its stream belongs to. No task belongs to it: when bytes come, a task of the table
/// serves what has come and leaves again, so an idle connection is a few hundred bytes and no stack. Whatever ends the
/// connection closes the stream, and a wait under way ends with it.
actor Connection {
  private let loop: any LoopExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let stream: any ByteStream
  private let input: ConnectionInput
  private let responder: any RequestResponder
  private let wallClock: any WallClock
  private let report: @Sendable (ServerTrouble) -> Void
  private let protocols: ServerProtocols
  private let identity: (UInt64, UInt64)
  /// What it is counted as, of its address.
  nonisolated let place: ConnectionLimiter.Place?
  private var served: UInt64 = 0
  private var date = ResponseDate()
  /// Body bytes of the response under way that were handed to the transport.
  private var bodyBytesSent: UInt64 = 0
  private var responseFailure: StreamError?
  /// What the transport did not take at once of a response, and how much of the response was body.
  private var unsent: (bytes: [UInt8], bodyBytes: UInt64)?
  private var isEstablished = false
  /// Whether a task is at work for it, which sees for itself when it may end.
  private var isServed = false

  /// Requests of one connection that are answered before other connections have a turn.
  private static let requestsPerTurn = 64
  /// Bodies up to this size leave in the same write as their head.
  private static let joinedBodyBytesMax = 64 << 10
  /// What nearly every head of a response fits in.
  private static let headBytes = 1 << 10

  init(
    _ accepted: any AcceptedStream, on loop: any LoopExecutor, counted place: ConnectionLimiter.Place?,
    serving shared: ConnectionTable.Shared
  ) throws(StreamError) {
    self.loop = loop
    self.place = place
    let stream = try accepted.open(on: loop)
    self.stream = stream
    responder = shared.responder
    wallClock = shared.wallClock
    report = shared.report
    protocols = shared.protocols
    identity = shared.identities.next()
    input = ConnectionInput(stream, limits: shared.limits, clock: loop.clock)
  }

  /// How serving what had come ended.
  enum Outcome {
    /// Nothing more has come: serve again when the stream is readable.
    case waits
    /// The connection is closed.
    case ended
    /// HTTP/2 was agreed on, or begun on a stream that may speak it: ``handOver()``.
    case speaksHTTP2
  }

  /// Serves the requests that have come, until one is not whole yet or the connection has ended.
  func serveArrived() async -> Outcome {
    isServed = true
    defer { isServed = false }
    if !isEstablished {
      do {
        guard try await stream.establish() else { return .waits }
        isEstablished = true
        if stream.security?.applicationProtocol == "h2" { return .speaksHTTP2 }
      } catch {
        guard case .insecure(let reason) = error else { return end() }
        report(.handshakeFailed(stream.peer, reason: reason))
        // The client is to read why; that it may send on meanwhile must not reset the connection.
        isEstablished = true
        await beginLingering()
      }
    }
    var requestsInTurn = 0
    while input.machine.phase != .lingering {
      if requestsInTurn == Self.requestsPerTurn {
        await letOthersGoFirst()
        requestsInTurn = 0
      }
      requestsInTurn += 1
      switch input.nextHead() {
      case .nothing:
        return mayEnd ? end() : .waits
      case .end:
        return end()
      case .malformed(let error):
        if speaksHTTP2 { return .speaksHTTP2 }
        guard await refuse(error) else { return end() }
        await beginLingering()
      case .head(let head):
        switch await serve(head) {
        case .request, .discard:
          input.expectHead()
        case .linger:
          await beginLingering()
        case .close:
          return end()
        }
      }
    }
    return input.dropArrived() ? .waits : end()
  }

  /// Whether a head that was no HTTP/1.1 is the preface of HTTP/2, as far as it has come, and may be.
  private var speaksHTTP2: Bool {
    protocols.http2InClear && served == 0 && stream.security == nil
      && HTTP2Session.preface.starts(with: input.available.prefix(HTTP2Session.preface.count))
  }

  /// Gives its stream away, with what came on it. Nothing is left of the connection then.
  func handOver() -> HandOver {
    HandOver(
      stream: stream, bytes: Array(input.available), identity: identity, served: served, place: place,
      isDraining: input.machine.isDraining)
  }

  /// A client that pipelines without end shares the loop with everybody else on it.
  private func letOthersGoFirst() async {
    let clock = loop.clock
    await withCheckedContinuation { continuation in
      _ = clock.after(.zero) { continuation.resume() }
    }
  }

  /// Calls `notify` when there is more to serve.
  func notifyWhenReadable(_ notify: @escaping @Sendable () -> Void) {
    stream.notifyWhenReadable(notify)
  }

  private func end() -> Outcome {
    stream.close()
    return .ended
  }

  /// Its place among the connections of its process, by age.
  nonisolated var number: UInt64 { identity.1 }

  /// Whether the client's certificate was verified, or is about to be.
  var showsCertificate: Bool {
    guard let stream = stream as? TLSStream else { return false }
    return stream.security?.isClientVerified ?? true
  }

  /// Whether its time has run out. Asked by the table about once a second.
  func isOverdue(now: LoopInstant) -> Bool {
    if !isServed, mayEnd { return true }
    return input.machine.isOverdue(now: now, progress: stream.progress)
  }

  /// Ends it because its time has run out.
  func expire() {
    stream.close()
  }

  /// Answers on, and tells the client with each answer to go elsewhere afterwards.
  func windDown() {
    input.machine.windDown()
  }

  /// Takes no further request; closes at once when none is under way.
  func drain() {
    input.machine.drain()
    if !isServed, mayEnd { stream.close() }
  }

  /// Whether the server stops and nothing of a request is here, be it unread: closing over that would reset the
  /// connection.
  private var mayEnd: Bool {
    input.machine.mayEnd(now: loop.clock.now) && input.hasNoRequest && !stream.hasArrival
  }

  /// Closes at once, whatever is under way.
  func abort() {
    input.machine.drain()
    stream.close()
  }

  // MARK: One exchange

  /// Answers one request, and says what follows.
  private func serve(_ head: RequestHead) async -> ConnectionMachine.Next {
    let began = loop.clock.now
    served &+= 1
    let id = RequestID(high: identity.0, low: identity.1 &+ served)
    input.enter(.responding)
    let body = RequestBodyStream(of: head, input: input)
    let request = Request(head: head, body: body, peer: stream.peer, security: stream.security, id: id)
    let response: Response
    if let hot = responder.respondAtOnce(to: request) {
      response = hot
    } else {
      response = await responder.respond(to: request)
    }
    // To HTTP/1.0 the end of a body of unknown length is the end of the connection.
    let endsWithBody = response.body.length == nil && head.version == .http10
    let kept = input.machine.keepsAlive(after: head, closes: response.closesConnection || endsWithBody)
    let next = input.machine.next(
      kept: kept, bodyIsComplete: body?.isComplete ?? true, bodyWasAwaited: body?.isAwaited ?? false,
      bodyIsUsable: body?.mayBeDropped(atMost: input.limits.discardBytesMax) ?? true)
    let keepAlive = next == .request || next == .discard
    let isComplete: Bool
    if let sent = sendAtOnce(response, to: head.method, version: head.version, keepAlive: keepAlive) {
      isComplete = sent
    } else {
      isComplete = await send(response, to: head.method, version: head.version, keepAlive: keepAlive)
    }
    responder.finished(
      ResponseOutcome(
        head: head, peer: stream.peer, requestID: id, status: response.status, bytesSent: bodyBytesSent,
        duration: loop.clock.now.duration(since: began), isComplete: isComplete))
    guard isComplete else {
      reportFailure(of: head)
      return .close
    }
    guard next == .discard else { return next }
    return await body?.discard(atMost: input.limits.discardBytesMax) ?? true ? .request : .linger
  }

  /// Tells the log when it was we who broke a response off. That clients go away is no news.
  private func reportFailure(of head: RequestHead) {
    switch responseFailure {
    case .truncatedFile?, .unreadableFile?:
      guard let failure = responseFailure else { return }
      report(.responseBroken(failure, target: String(decoding: head.path, as: UTF8.self)))
    case .closed?, .reset?, .insecure?, .failed?, nil: break
    }
  }

  /// Answers what could not be understood. False when the client did not take the answer.
  private func refuse(_ error: WireError) async -> Bool {
    let began = loop.clock.now
    served &+= 1
    let id = RequestID(high: identity.0, low: identity.1 &+ served)
    let response = responder.respond(toMalformed: error, from: stream.peer, id: id)
    let isComplete = await send(response, to: .get, version: .http11, keepAlive: false)
    responder.finished(
      ResponseOutcome(
        head: nil, peer: stream.peer, requestID: id, status: response.status, bytesSent: bodyBytesSent,
        duration: loop.clock.now.duration(since: began), isComplete: isComplete))
    return isComplete
  }

  /// Says that nothing more comes. From now on what the client still sends is dropped until it closes too: closing with
  /// unread input would reset the connection and could destroy the response on its way (RFC 9112 section 9.6).
  private func beginLingering() async {
    input.enter(.lingering)
    await stream.finishWriting()
  }

  // MARK: Writing

  /// Sends a response that is small and whole in memory as far as the transport takes it now: most responses, for which
  /// ways into and out of waiting would cost more than the work. Nil when ``send(_:to:version:keepAlive:)`` has to go
  /// on; false when the client is gone.
  private func sendAtOnce(
    _ response: Response, to method: HTTPMethod, version: HTTPVersion, keepAlive: Bool
  ) -> Bool? {
    let body: [UInt8]
    switch response.body {
    case _ where method == .head || response.status.forbidsContent: body = []
    case .empty: body = []
    case .bytes(let bytes) where bytes.count <= Self.joinedBodyBytesMax: body = bytes
    case .bytes, .file, .pieces, .stream: return nil
    }
    bodyBytesSent = 0
    var (output, _) = head(of: response, version, keepAlive: keepAlive)
    output.append(contentsOf: body)
    input.enter(.writing)
    do {
      let sent = try stream.writeAvailable(output)
      if sent < output.count {
        unsent = (Array(output[sent...]), UInt64(body.count))
        return nil
      }
      if stream.holdsUnsent {
        // Taken is not sent: nobody else would see to it before the next request.
        unsent = ([], UInt64(body.count))
        return nil
      }
      bodyBytesSent = UInt64(body.count)
      return true
    } catch {
      responseFailure = error
      return false
    }
  }

  /// Sends a response, or what ``sendAtOnce(_:to:version:keepAlive:)`` left of it. False when the client did not take
  /// all of it.
  private func send(
    _ response: Response, to method: HTTPMethod, version: HTTPVersion, keepAlive: Bool
  ) async -> Bool {
    do {
      if let rest = unsent.take() {
        try await stream.write(rest.bytes, more: false)
        bodyBytesSent = rest.bodyBytes
        return true
      }
      bodyBytesSent = 0
      let (output, framing) = head(of: response, version, keepAlive: keepAlive)
      input.enter(.writing)
      if method == .head || response.status.forbidsContent {
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
    // Room for the body too, where both leave together.
    if case .bytes(let bytes) = response.body, bytes.count <= Self.joinedBodyBytesMax {
      output.reserveCapacity(Self.headBytes + bytes.count)
    }
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
