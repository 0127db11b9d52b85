// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTP2
import GantryHTTP2Peer
import GantryHTTPWire

/// A session and a client that talk to each other in memory; what the session tells is kept as lines.
final class SessionDriver {
  let session: HTTP2Session
  let peer: HTTP2Peer
  var now: UInt64 = 0
  /// What happened: `head 1 GET /a`, `body 1`, `reset 1`, `malformed 1 …`, `pong`.
  var told: [String] = []
  var heads: [Int32: RequestHead] = [:]
  /// Whether heads are answered with their path at once.
  var answers = true
  /// What the client sent, in order.
  var sent: [UInt8] = []

  init(
    limits: HTTP2Limits = HTTP2Limits(), wire: WireLimits = WireLimits(), settings: [(UInt16, UInt32)] = []
  ) {
    session = HTTP2Session(limits: limits, wire: wire)
    peer = HTTP2Peer(settings: settings)
  }

  /// Lets both talk until neither has anything to say. `piece` is how many bytes arrive at a time.
  func settle(piece: Int = .max) {
    while true {
      let bytes = peer.takeOutgoing()
      sent += bytes
      deliver(bytes, piece: piece)
      var output: [UInt8] = []
      session.produce(into: &output, atMost: 64 << 10)
      takeEvents()
      peer.receive(output)
      for stream in session.finishedStreams { session.release(stream) }
      if output.isEmpty, peer.outgoing.isEmpty { return }
    }
  }

  func deliver(_ bytes: [UInt8], piece: Int = .max) {
    var rest = bytes[...]
    while !rest.isEmpty {
      session.receive(Array(rest.prefix(piece)), now: now)
      rest = rest.dropFirst(piece)
      takeEvents()
    }
  }

  /// Sends frames and settles.
  func send(_ frames: HTTP2Frame..., piece: Int = .max) {
    for frame in frames { peer.send(frame) }
    settle(piece: piece)
  }

  func takeEvents() {
    while let event = session.nextEvent() {
      switch event {
      case .head(let stream, let head):
        heads[stream] = head
        told.append("head \(stream) \(head.method.text) \(String(decoding: head.path, as: UTF8.self))")
        if answers { answer(stream, Array(head.path)) }
      case .malformed(let stream, let error):
        told.append("malformed \(stream) \(error)")
        session.submitResponse(
          stream, status: error.status, fields: Fields(), date: [], length: 0, content: .none)
      case .body(let stream): if told.last != "body \(stream)" { told.append("body \(stream)") }
      case .reset(let stream):
        told.append("reset \(stream)")
        session.release(stream)
      case .pong: told.append("pong")
      }
    }
  }

  func answer(_ stream: Int32, _ body: [UInt8]) {
    session.submitResponse(
      stream, status: .ok, fields: Fields(), date: [], length: UInt64(body.count), content: .bytes(body))
  }

  /// Reads all of a body that has come.
  func read(_ stream: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    while session.readBody(stream, into: &bytes, atMost: 1000) > 0 {}
    return bytes
  }
}
