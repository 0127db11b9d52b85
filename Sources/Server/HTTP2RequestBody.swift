// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTP2
internal import GantryHTTPService
internal import GantryHTTPWire
internal import GantryWorld

/// The body of a request over HTTP/2. The client's window opens by what is read here and no further, which is the
/// back-pressure.
final class HTTP2RequestBody: RequestBody {
  let announcedLength: UInt64?
  private let exchange: HTTP2Exchange
  private let session: HTTP2Session
  private let connection: HTTP2Connection
  private let clock: any LoopClock

  /// Nil for a request without a body.
  init?(
    of exchange: HTTP2Exchange, framing: BodyFraming, session: HTTP2Session, connection: HTTP2Connection,
    clock: any LoopClock
  ) {
    switch framing {
    case .none: return nil
    case .length(let length): announcedLength = length
    case .chunked: announcedLength = nil
    }
    self.exchange = exchange
    self.session = session
    self.connection = connection
    self.clock = clock
  }

  func read(into buffer: inout [UInt8], atMost limit: Int) async throws(BodyError) -> Bool {
    let (exchange, session) = (exchange, session)
    let stream = exchange.stream
    if exchange.isContinueAwaited {
      exchange.isContinueAwaited = false
      if !session.hasBody(stream) { session.submitContinue(stream) }
    }
    while true {
      let count = session.readBody(stream, into: &buffer, atMost: limit)
      // A window may have opened, or the client be told to go on.
      if session.wantsWrite { askToWrite() }
      if count > 0 { return true }
      if session.isBodyRead(stream) { return false }
      if let failure = exchange.bodyFailure { throw failure }
      // An exchange that is over has no body any more: never the end of one, which might be half an upload.
      guard session.counts(stream) else { throw .disconnected }
      await exchange.awaitBody(since: clock.now) { session.hasBody(stream) || !session.counts(stream) }
    }
  }

  private func askToWrite() {
    connection.assumeIsolated { $0.askToWrite() }
  }
}
