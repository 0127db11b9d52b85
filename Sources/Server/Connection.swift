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
/// Isolation: lives on the loop that its stream belongs to. No task belongs to it: when bytes come, it serves what
/// needs no waiting there and then, and a task of the table the rest, which leaves again; so an idle connection is a
/// few hundred bytes and no stack. Whatever ends the connection closes the stream, and a wait under way ends with it.
actor Connection {
  private nonisolated let loop: any LoopExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  let stream: any ByteStream
  let input: ConnectionInput
  let wallClock: any WallClock
  private unowned let table: ConnectionTable
  private let responder: any RequestResponder
  private let report: @Sendable (ServerTrouble) -> Void
  private let protocols: ServerProtocols
  private let identity: (UInt64, UInt64)
  /// What it is counted as, of its address.
  nonisolated let place: ConnectionLimiter.Place?
  private var served: UInt64 = 0
  private var isEstablished = false
  /// Whether a task is at work for it, which sees for itself when it may end.
  private var isServed = false
  /// What was begun at once, and goes on in a task.
  private var left: Left?
  /// What the stream calls when there is more to serve. Made once: a closure for each wait would be memory each time.
  private var notice: (@Sendable () -> Void)?

  var date = ResponseDate()
  /// Body bytes of the response under way that were handed to the transport.
  var bodyBytesSent: UInt64 = 0
  var responseFailure: StreamError?
  /// What the transport did not take at once of a response.
  var unsent: Unsent?

  /// Requests of one connection that are answered before other connections have a turn.
  private static let requestsPerTurn = 64

  init(
    _ accepted: any AcceptedStream, on loop: any LoopExecutor, of table: ConnectionTable,
    counted place: ConnectionLimiter.Place?, serving shared: ConnectionTable.Shared
  ) throws(StreamError) {
    self.loop = loop
    self.table = table
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

  /// One request, from its parsed head to the end of its answer.
  private struct Exchange {
    let head: RequestHead
    let body: RequestBodyStream?
    let id: RequestID
    let began: LoopInstant
  }

  /// Where an exchange stands that cannot go on without waiting. Apart from the connection, which seldom holds one.
  private indirect enum Left {
    /// It has no answer at once.
    case request(Exchange)
    /// Its answer is to be sent, or what is ``unsent`` of it.
    case response(Exchange, Response, ConnectionMachine.Next)
  }

  // MARK: Without waiting

  /// Has whatever comes next served: here where nothing has to be waited for, which is most of what comes to a busy
  /// registry and is answered in half the time that a task's way there and back takes; else by a task of the table.
  func serveNextArrival() {
    if let notice { return stream.notifyWhenReadable(notice) }
    let notice: @Sendable () -> Void = { [unowned self] in loop.isolated(self) { $0.arrived() } }
    self.notice = notice
    stream.notifyWhenReadable(notice)
  }

  private func arrived() {
    let outcome = serveAtOnce()
    if outcome == .waits { return serveNextArrival() }
    loop.isolated(table) { $0.served(self, outcome) }
  }

  /// Serves what has come as far as that needs no waiting. Nil leaves the rest to ``serveArrived()``.
  ///
  /// Nobody else runs meanwhile, so nobody asks what the connection is doing: its machine is told where it stops.
  private func serveAtOnce() -> Outcome? {
    guard isEstablished, left == nil, input.machine.phase != .lingering else { return nil }
    for _ in 0..<Self.requestsPerTurn {
      switch input.nextHead() {
      case .nothing: return mayEnd ? end() : .waits
      case .end: return end()
      // The parser says it once more.
      case .malformed: return nil
      case .head(let head):
        let exchange = begin(head)
        guard exchange.body == nil, let response = responder.respondAtOnce(to: request(of: exchange)) else {
          return leave(.request(exchange))
        }
        let next = what(follows: response, to: exchange)
        guard next == .request, let isComplete = sendAtOnce(response, to: head, keepAlive: true) else {
          return leave(.response(exchange, response, next))
        }
        finish(exchange, response, isComplete: isComplete)
        guard isComplete else { return end() }
        input.expectHead()
      }
    }
    return nil
  }

  /// Leaves an exchange to a task. Until that comes, the connection may not be taken for an idle one.
  private func leave(_ left: Left) -> Outcome? {
    switch left {
    case .request: input.enter(.responding)
    case .response: input.enter(.writing)
    }
    self.left = left
    return nil
  }

  // MARK: In a task

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
    if let left = left.take() {
      guard await goOn(after: await serve(left)) else { return end() }
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
        guard await goOn(after: await serve(head)) else { return end() }
      }
    }
    return input.dropArrived() ? .waits : end()
  }

  /// Makes ready for what follows an exchange; false when the connection ends.
  private func goOn(after next: ConnectionMachine.Next) async -> Bool {
    switch next {
    case .request, .discard: input.expectHead()
    case .linger: await beginLingering()
    case .close: return false
    }
    return true
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

  private func begin(_ head: RequestHead) -> Exchange {
    served &+= 1
    return Exchange(
      head: head, body: RequestBodyStream.of(head, input: input),
      id: RequestID(high: identity.0, low: identity.1 &+ served), began: loop.clock.now)
  }

  private func request(of exchange: Exchange) -> Request {
    Request(
      head: exchange.head, body: exchange.body, peer: stream.peer, security: stream.security, id: exchange.id)
  }

  private func what(follows response: Response, to exchange: Exchange) -> ConnectionMachine.Next {
    let (head, body) = (exchange.head, exchange.body)
    // To HTTP/1.0 the end of a body of unknown length is the end of the connection.
    let endsWithBody = head.version == .http10 && response.body.length == nil
    let kept = input.machine.keepsAlive(after: head, closes: response.closesConnection || endsWithBody)
    return input.machine.next(
      kept: kept, bodyIsComplete: body?.isComplete ?? true, bodyWasAwaited: body?.isAwaited ?? false,
      bodyIsUsable: body?.mayBeDropped(atMost: input.limits.discardBytesMax) ?? true)
  }

  /// Answers one request, and says what follows.
  private func serve(_ head: RequestHead) async -> ConnectionMachine.Next {
    let exchange = begin(head)
    input.enter(.responding)
    if let response = responder.respondAtOnce(to: request(of: exchange)) {
      return await send(response, in: exchange, what(follows: response, to: exchange))
    }
    return await serve(.request(exchange))
  }

  private func serve(_ left: Left) async -> ConnectionMachine.Next {
    switch left {
    case .request(let exchange):
      let response = await responder.respond(to: request(of: exchange))
      return await send(response, in: exchange, what(follows: response, to: exchange))
    case .response(let exchange, let response, let next):
      return await send(response, in: exchange, next)
    }
  }

  private func send(
    _ response: Response, in exchange: Exchange, _ next: ConnectionMachine.Next
  ) async -> ConnectionMachine.Next {
    let keepAlive = next == .request || next == .discard
    input.enter(.writing)
    let isComplete: Bool
    if unsent == nil, let sent = sendAtOnce(response, to: exchange.head, keepAlive: keepAlive) {
      isComplete = sent
    } else {
      isComplete = await send(response, to: exchange.head, keepAlive: keepAlive)
    }
    finish(exchange, response, isComplete: isComplete)
    guard isComplete else { return .close }
    guard next == .discard else { return next }
    return await exchange.body?.discard(atMost: input.limits.discardBytesMax) ?? true ? .request : .linger
  }

  private func finish(_ exchange: Exchange, _ response: Response, isComplete: Bool) {
    responder.finished(
      ResponseOutcome(
        head: exchange.head, peer: stream.peer, requestID: exchange.id, status: response.status,
        bytesSent: bodyBytesSent, duration: loop.clock.now.duration(since: exchange.began), isComplete: isComplete))
    if !isComplete { reportFailure(of: exchange.head) }
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
    input.enter(.writing)
    let isComplete = await send(response, to: nil, keepAlive: false)
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
}
