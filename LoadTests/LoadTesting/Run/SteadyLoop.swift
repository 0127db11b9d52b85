// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryCryptography
internal import GantryEventLoops

/// One connection's requests for as long as every answer comes whole in one piece: all within the callbacks of the
/// poll, without waking a task, because a rate that is to be compared must not be the load tool's own.
///
/// Whatever is not as usual (an answer in pieces, another status, a wrong digest, a cut) ends the steady loop, and the
/// client's task deals with it.
///
/// Isolation: belongs to one loop.
final class SteadyLoop: @unchecked Sendable {
  // Safe because: touched on its lane's loop only.

  /// Why the loop ended.
  enum End {
    /// The measured time is over.
    case over
    /// A request is out, and its answer has to be read by the task.
    case unusual(Request, Sink, began: UInt64)
    /// A request was not taken whole by the socket.
    case unsent(Request, Sink, began: UInt64, sent: Int)
  }

  private let client: Client
  private let connection: Connection
  private let lane: Lane
  private let requests: [(Request, Sink)]
  private let until: UInt64
  private var next: Int
  private var began: UInt64 = 0
  private var head = AnswerHead()
  private var outcome = End.over
  private var ended: UnsafeContinuation<Void, Never>?
  private lazy var notify: @Sendable () -> Void = { [unowned self] in answered() }

  init(_ client: Client, _ requests: [(Request, Sink)], until: UInt64) {
    (self.client, self.requests, self.until) = (client, requests, until)
    (connection, lane) = (client.connection, client.lane)
    next = client.index % requests.count
  }

  /// Runs until something ends it. The connection is connected, over a plain socket.
  func run(over socket: ClientSocket) async -> End {
    await withUnsafeContinuation { continuation in
      ended = continuation
      self.socket = socket
      send(lane.now)
    }
    return outcome
  }

  private var socket: ClientSocket?

  private func send(_ now: UInt64) {
    guard let socket else { return }
    guard now < until, !lane.stop.isRaised else { return end(.over) }
    let (request, sink) = requests[next]
    let bytes = request.head(
      authority: connection.endpoint.url.authority, authorization: client.authorizer.header(request.scope),
      length: nil)
    began = now
    connection.keepAlive(now)
    switch socket.send(bytes, 0..<bytes.count, more: false) {
    case .moved(let count) where count == bytes.count: socket.notifyWhenReadable(notify)
    case .moved(let count): end(.unsent(request, sink, began: now, sent: count))
    case .mustWait: end(.unsent(request, sink, began: now, sent: 0))
    case .failed: end(.unusual(request, sink, began: now))
    }
  }

  private func answered() {
    guard let socket else { return }
    let (request, sink) = requests[next]
    let filled: Int
    switch socket.receive(into: &lane.buffer) {
    case .mustWait: return socket.notifyWhenReadable(notify)
    case .moved(let count) where count > 0: filled = count
    case .moved, .failed: return end(.unusual(request, sink, began: began))
    }
    guard let start = wholeAnswer(filled, request), isRight(start, filled, sink) else {
      connection.takeEarly(filled)
      return end(.unusual(request, sink, began: began))
    }
    let now = lane.now
    lane.recorder.answered(at: now)
    if filled > start { lane.recorder.received(filled - start, at: now) }
    lane.recorder.succeeded(began: began, ended: now)
    next = next + 1 == requests.count ? 0 : next + 1
    send(now)
  }

  /// Where the body begins, when the lane's buffer holds just one whole answer of a status that the request may get.
  private func wholeAnswer(_ filled: Int, _ request: Request) -> Int? {
    guard case .complete(let start) = head.parse(lane.buffer, 0, filled), !head.closes,
      request.statuses.contains(head.status)
    else { return nil }
    if request.method == "HEAD" { return filled == start ? start : nil }
    guard case .length(let length) = head.framing, filled - start == length else { return nil }
    return start
  }

  private func isRight(_ start: Int, _ end: Int, _ sink: Sink) -> Bool {
    switch sink {
    case .drop: return true
    case .collect: return false
    case .verify(let wanted):
      var running = RunningDigest(.sha256)
      running.update(lane.buffer[start..<end])
      return running.finished() == wanted
    }
  }

  private func end(_ reason: End) {
    socket = nil
    outcome = reason
    ended.take()?.resume()
  }
}
