// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryCryptography
internal import GantryEventLoops
internal import GantryHTTPWire

/// One connection of one client to one target: sends a request, reads its answer, and begins again.
///
/// Isolation: belongs to one loop and one task there.
final class Connection: @unchecked Sendable {
  // Safe because: touched on its lane's loop only, where the lane's tasks run.

  let lane: Lane
  let endpoint: Endpoint
  /// The head of the answer read last, and its bytes where the request asked for them.
  private(set) var head = AnswerHead()
  private(set) var headBytes: [UInt8] = []
  /// The body of the answer read last, where it was collected.
  private(set) var collected: [UInt8] = []
  /// When the answer read last was complete.
  private(set) var ended: UInt64 = 0

  private var transport: (any Transport)?
  /// When the sweep cuts this connection; 0 while nothing is under way.
  private var deadline: UInt64 = 0
  private var isExpired = false
  private var lastUse: UInt64 = 0

  init(lane: Lane, endpoint: Endpoint) {
    (self.lane, self.endpoint) = (lane, endpoint)
    lane.adopt(self)
  }

  var isConnected: Bool { transport != nil }

  /// Sends `request` and reads its answer, whatever its status is. Connects first where there is no connection.
  func exchange(_ request: Request, _ payload: Payload = .none, authorization: String?, into sink: Sink)
    async throws(LoadError)
  {
    var now = lane.now
    renewDeadline(now)
    defer { deadline = 0 }
    dropIfStale(now)
    if transport == nil {
      try await connect()
      now = lane.now
    }
    lastUse = now
    let head = request.head(
      authority: endpoint.url.authority, authorization: authorization, length: payload.count)
    do throws(LoadError) {
      try await send(head, payload, request)
      try await receive(request, sink)
    } catch {
      close()
      throw error
    }
    lane.recorder.answered(at: ended)
    if self.head.closes { close() }
  }

  /// Sends `request` with only the first `count` bytes of its body, and cuts the connection.
  func cut(_ request: Request, _ payload: Payload, authorization: String?, after count: Int)
    async throws(LoadError)
  {
    renewDeadline(lane.now)
    defer { deadline = 0 }
    if transport == nil { try await connect() }
    defer { close() }
    let head = request.head(
      authority: endpoint.url.authority, authorization: authorization, length: payload.count)
    guard case .blob(let data, let from, _) = payload else { return }
    try await send(head, .blob(data, from: from, count: count), request)
  }

  /// Goes on with an exchange whose request is out, of `sent` bytes at least, and reads its answer.
  func resume(_ request: Request, authorization: String?, sent: Int?, into sink: Sink) async throws(LoadError) {
    defer { deadline = 0 }
    do throws(LoadError) {
      if let sent {
        let head = request.head(authority: endpoint.url.authority, authorization: authorization, length: nil)
        try await write(head, sent..<head.count, more: false, request)
      }
      try await receive(request, sink)
    } catch {
      close()
      throw error
    }
    lane.recorder.answered(at: ended)
    if head.closes { close() }
  }

  /// The connected plain socket, for those who drive it themselves.
  var plainSocket: ClientSocket? { (transport as? PlainTransport)?.socket }

  /// Has the sweep count from now on.
  func keepAlive(_ now: UInt64) {
    deadline = now &+ lane.timeout
    lastUse = now
  }

  /// Says that nothing is under way.
  func rest() { deadline = 0 }

  /// Keeps what was received for ``resume(_:authorization:sent:into:)``: the lane's buffer up to `filled`.
  func takeEarly(_ filled: Int) { early = Array(lane.buffer[..<filled]) }

  /// Connects, unless it is connected.
  func connect() async throws(LoadError) {
    guard transport == nil else { return }
    if deadline == 0 { renewDeadline(lane.now) }
    isExpired = false
    do throws(LoadError) {
      transport = try await endpoint.connect(on: lane) { [weak self] opening in self?.transport = opening }
    } catch {
      let error = isExpired ? LoadError(.timeout, "connecting to \(endpoint.url) took too long") : error
      close()
      throw error
    }
    lane.recorder.connected()
  }

  /// Closes the connection. The next exchange connects anew.
  func close() {
    transport?.close()
    transport = nil
  }

  /// Called by the lane's sweep.
  func expire(_ now: UInt64) {
    guard deadline != 0, deadline < now else { return }
    isExpired = true
    transport?.close()
  }

  /// Whether it is open with nothing to be read: not even its end.
  var isAtRest: Bool {
    guard let transport, case .mustWait = transport.receive(into: &lane.buffer) else { return false }
    return true
  }

  private func renewDeadline(_ now: UInt64) { deadline = now &+ lane.timeout }

  /// A connection that rested for a while may have been closed by the server, which is no fault of anybody.
  private func dropIfStale(_ now: UInt64) {
    guard let transport, now &- lastUse > 1_000_000_000, lastUse != 0 else { return }
    if case .mustWait = transport.receive(into: &lane.buffer) { return }
    close()
  }

  // MARK: Sending

  private func send(_ head: [UInt8], _ payload: Payload, _ request: Request) async throws(LoadError) {
    switch payload {
    case .none: try await write(head, 0..<head.count, more: false, request)
    case .bytes(let bytes):
      try await write(head, 0..<head.count, more: !bytes.isEmpty, request)
      try await write(bytes, 0..<bytes.count, more: false, request)
      lane.recorder.sent(bytes.count, at: lane.now)
    case .blob(let data, let from, let count):
      try await write(head, 0..<head.count, more: count > 0, request)
      var offset = from
      let end = from + count
      while offset < end {
        let (bytes, range) = data.piece(at: offset, atMost: min(end - offset, 1 << 20))
        offset += range.count
        try await write(bytes, range, more: offset < end, request)
        let now = lane.now
        renewDeadline(now)
        lane.recorder.sent(range.count, at: now)
      }
    }
  }

  private func write(_ bytes: [UInt8], _ range: Range<Int>, more: Bool, _ request: Request) async throws(LoadError) {
    var sent = range.lowerBound
    while sent < range.upperBound {
      guard let transport else { throw lost("while sending", request) }
      switch transport.send(bytes, sent..<range.upperBound, more: more) {
      case .moved(let count): sent += count
      case .mustWait: await transport.writable()
      case .failed:
        // A server that refuses a body may answer before it has all of it; its words are better than the cut.
        if await hasAnswer(transport) { return }
        throw lost("while sending", request)
      }
    }
  }

  private func hasAnswer(_ transport: any Transport) async -> Bool {
    guard !isExpired else { return false }
    if case .moved(let count) = transport.receive(into: &lane.buffer), count > 0 {
      early = Array(lane.buffer[..<count])
      return true
    }
    return false
  }

  /// What was received while a request was still being sent.
  private var early: [UInt8] = []

  // MARK: Receiving

  private func receive(_ request: Request, _ sink: Sink) async throws(LoadError) {
    var partial = early
    early = []
    // The body's bytes that came with the head are lane.buffer[bodyStart..<filled].
    var bodyStart = 0
    var filled = 0
    reading: while true {
      if partial.isEmpty {
        filled = try await fill(request, isFirst: true)
        switch head.parse(lane.buffer, 0, filled) {
        case .complete(let end):
          bodyStart = end
          if request.keepsHead || head.status == 401 { headBytes = Array(lane.buffer[..<end]) }
        case .incomplete:
          partial = Array(lane.buffer[..<filled])
          continue reading
        case .broken(let why): throw wrong(why, request)
        }
      } else {
        switch head.parse(partial, 0, partial.count) {
        case .complete(let end):
          if request.keepsHead || head.status == 401 { headBytes = Array(partial[..<end]) }
          // A piece is never larger than the buffer, and a head is far smaller.
          filled = partial.count - end
          if filled > lane.buffer.count { throw wrong("the head is too long", request) }
          for index in 0..<filled { lane.buffer[index] = partial[end + index] }
          bodyStart = 0
        case .incomplete:
          let count = try await fill(request, isFirst: false)
          partial += lane.buffer[..<count]
          continue reading
        case .broken(let why): throw wrong(why, request)
        }
      }
      if head.status >= 200 { break }
      // An interim answer: the final one follows, perhaps in the same packet.
      partial = Array(lane.buffer[bodyStart..<filled])
    }
    if request.method == "HEAD" { head.framing = .length(0) }
    try await body(bodyStart, filled, request, sink)
  }

  /// Waits for bytes and puts them at the start of the lane's buffer.
  private func fill(_ request: Request, isFirst: Bool) async throws(LoadError) -> Int {
    guard let transport else { throw lost("before an answer", request) }
    while true {
      if !transport.hasBuffered { await transport.readable() }
      switch transport.receive(into: &lane.buffer) {
      case .moved(0):
        throw lost(isFirst ? "before an answer" : "within the head of the answer", request, truncated: !isFirst)
      case .moved(let count): return count
      case .mustWait: continue
      case .failed:
        throw lost(isFirst ? "before an answer" : "within the head of the answer", request, truncated: !isFirst)
      }
    }
  }

  private func body(_ start: Int, _ end: Int, _ request: Request, _ sink: Sink) async throws(LoadError) {
    var sink = sink
    // A body that explains a refusal is no content.
    if !request.statuses.contains(head.status) { sink = .collect(atMost: 4096) }
    var reader = BodyReader(sink, head.framing)
    var now = lane.now
    var (start, end) = (start, end)
    while true {
      if end > start {
        let count = end - start
        reader.take(lane.buffer, start, end)
        lane.recorder.received(count, at: now)
      }
      if let problem = reader.problem { throw wrong(problem, request) }
      if reader.isComplete { break }
      guard let transport else { throw lost("", request, truncated: true) }
      if !transport.hasBuffered { await transport.readable() }
      let result =
        reader.mayDiscard && lane.discards && transport.canDiscard
        ? transport.discard(atMost: min(reader.rest, 8 << 20)) : transport.receive(into: &lane.buffer)
      now = lane.now
      (start, end) = (0, 0)
      switch result {
      case .moved(0):
        if reader.connectionEnded() { break }
        throw LoadError(
          .truncated,
          "\(request.description(at: endpoint.url)): the body ended after \(reader.taken) bytes\(reader.expectation)")
      case .moved(let count):
        renewDeadline(now)
        if reader.mayDiscard && lane.discards && transport.canDiscard {
          reader.discarded(count)
          lane.recorder.received(count, at: now)
        } else {
          end = count
        }
      case .mustWait: break
      case .failed:
        throw lost("after \(reader.taken) bytes of the body\(reader.expectation)", request, truncated: true)
      }
      if reader.isComplete, start == end { break }
    }
    ended = now
    if reader.leftover { close() }
    collected = reader.collected
    if let mismatch = reader.mismatch {
      throw LoadError(.digest, "\(request.description(at: endpoint.url)): \(mismatch)")
    }
  }

  // MARK: Errors

  private func lost(_ place: String, _ request: Request, truncated: Bool = false) -> LoadError {
    let what = request.description(at: endpoint.url)
    if isExpired {
      return LoadError(.timeout, "\(what): nothing moved for \(lane.timeout / 1_000_000) ms \(place)")
    }
    return LoadError(truncated ? .truncated : .reset, "\(what): the connection was cut \(place)")
  }

  private func wrong(_ why: String, _ request: Request) -> LoadError {
    LoadError(.protocol, "\(request.description(at: endpoint.url)): \(why)")
  }

  /// The error of an answer whose status the operation cannot use.
  func refused(_ request: Request) -> LoadError {
    let text = String(decoding: collected.prefix(300).filter { $0 >= 32 }, as: UTF8.self)
    return LoadError(
      .status, "\(request.description(at: endpoint.url)): status \(head.status)\(text.isEmpty ? "" : ": \(text)")")
  }

  /// A field of the answer read last, where its head was kept.
  func field(_ name: String) -> String? { AnswerHead.value(of: name, in: headBytes) }
}
