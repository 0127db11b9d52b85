// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryHTTPWire
public import GantryWorld

/// Answers requests. The one thing that a server asks of the application.
public protocol RequestResponder: Sendable {
  /// Answers one request. Never fails: what went wrong is a response.
  ///
  /// Called on the connection's loop, in the connection's isolation; one call at a time per connection of
  /// HTTP/1.1, one for each stream of HTTP/2, many at once per loop.
  func respond(to request: Request) async -> Response

  /// The same for a request that can be answered without waiting for anything; nil leaves it to ``respond(to:)``, with
  /// nothing done. Spares the ways into and out of tasks, which cost more than a hot answer does: it may be called in a
  /// callback of the system, where no task is current, and everybody on the loop waits for it.
  func respondAtOnce(to request: Request) -> Response?

  /// Whether the answer may be sent from a file, which is open until the client has taken it. Of such requests an
  /// HTTP/2 connection has a few answered at once.
  func mayUseFile(_ head: RequestHead) -> Bool

  /// Answers a head that could not be parsed or a limit that was hit, before any request exists. The connection closes
  /// afterwards, over HTTP/2 the stream. `id` is what a request would have had.
  func respond(toMalformed error: WireError, from peer: PeerAddress, id: RequestID) -> Response

  /// Told after the response has left or failed to: the place for access logs and counters.
  func finished(_ outcome: ResponseOutcome)
}

extension RequestResponder {
  /// Nothing is answered at once.
  public func respondAtOnce(to request: Request) -> Response? { nil }

  /// No answer is.
  public func mayUseFile(_ head: RequestHead) -> Bool { false }
}

/// How an exchange ended.
public struct ResponseOutcome: Sendable {
  /// The request's head; nil when it could not be parsed.
  public var head: RequestHead?
  /// The other end.
  public var peer: PeerAddress
  /// The request's id.
  public var requestID: RequestID
  /// The status that was sent.
  public var status: HTTPStatus
  /// Body bytes that were sent.
  public var bytesSent: UInt64
  /// From the parsed head to the last byte handed to the transport.
  public var duration: Duration
  /// Whether the whole response was handed to the transport.
  public var isComplete: Bool

  /// Makes an outcome.
  public init(
    head: RequestHead?, peer: PeerAddress, requestID: RequestID, status: HTTPStatus, bytesSent: UInt64,
    duration: Duration, isComplete: Bool
  ) {
    self.head = head
    self.peer = peer
    self.requestID = requestID
    self.status = status
    self.bytesSent = bytesSent
    self.duration = duration
    self.isComplete = isComplete
  }
}
