// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTP2Peer
import GantryTestKit
import GantryWorld

/// An HTTP/2 client over a simulated connection. Not `Sendable`: used by one task.
final class HTTP2Client {
  let stream: SimulatedStream
  let peer: HTTP2Peer
  /// What encrypts, where the connection is secure.
  let tls: TLSClient?
  /// Whether the server said that nothing more comes.
  private(set) var sawEnd = false

  init(
    _ stream: SimulatedStream, _ peer: HTTP2Peer, isSecure: Bool, identity: CertificateAuthority.Identity? = nil
  ) {
    self.stream = stream
    self.peer = peer
    var settings = TLSClient.Settings()
    settings.protocols = ["h2"]
    settings.identity = identity
    tls = isSecure ? TLSClient(settings) : nil
  }

  /// False when nothing was agreed on. `beforeLast` comes before the flight that ends the handshake (of TLS 1.3).
  func shakeHands(beforeLast: (() async -> Void)? = nil) async throws -> Bool {
    guard let tls else { return true }
    while true {
      let step = tls.handshake()
      if step == true, let beforeLast { await beforeLast() }
      try await stream.write(tls.take(), more: false)
      if step != false { return step == true }
      var bytes: [UInt8] = []
      guard try await stream.read(into: &bytes, atMost: 65_536) > 0 else { return false }
      tls.receive(bytes)
    }
  }

  /// Sends bytes as they are, within what encrypts.
  func write(_ bytes: [UInt8]) async throws {
    guard !bytes.isEmpty else { return }
    guard let tls else { return try await stream.write(bytes, more: false) }
    tls.write(bytes)
    try await stream.write(tls.take(), more: false)
  }

  /// Sends frames and whatever else waits to be sent.
  func send(_ frames: HTTP2Frame...) async throws {
    for frame in frames { peer.send(frame) }
    try await flush()
  }

  func flush() async throws {
    try await write(peer.takeOutgoing())
  }

  /// Reads on until `enough` holds; false when the connection ends first.
  @discardableResult
  func read(until enough: (HTTP2Peer) -> Bool) async throws -> Bool {
    while !enough(peer) {
      try await flush()
      var bytes: [UInt8] = []
      guard try await stream.read(into: &bytes, atMost: 65_536) > 0 else { return false }
      if let tls {
        tls.receive(bytes)
        let content = tls.read()
        sawEnd = sawEnd || content.isEnd
        bytes = content.bytes
        try await stream.write(tls.take(), more: false)
      }
      peer.receive(bytes)
    }
    return true
  }

  /// The reply on a stream, once nothing more of it will come.
  func reply(_ stream: Int32) async throws -> HTTP2Peer.Reply {
    try await read { $0.replies[stream]?.isOver == true }
    return peer.replies[stream] ?? HTTP2Peer.Reply()
  }

  /// Sends a request without a body and reads its reply.
  func request(_ stream: Int32, _ method: String, _ path: String) async throws -> HTTP2Peer.Reply {
    try await send(.request(stream, method, path))
    return try await reply(stream)
  }

  /// Reads to the end of the connection.
  func readToEnd() async throws {
    do {
      try await read { _ in false }
    } catch is StreamError {
      // Reset is an end, too.
    }
  }
}
