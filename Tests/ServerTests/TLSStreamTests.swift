// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTP2Peer
import GantryHTTPService
import GantryServer
import GantryTLS
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

/// TLS on a network that splits, delays and cuts as the seed says.
@Suite struct TLSStreamTests {
  /// A client of one connection.
  private final class SecureClient {
    let stream: SimulatedStream
    let tls: TLSClient
    var content: [UInt8] = []
    var failure: String?
    var isEnd = false

    init(_ stream: SimulatedStream, _ settings: TLSClient.Settings = TLSClient.Settings()) {
      self.stream = stream
      tls = TLSClient(settings)
    }

    func shakeHands() async throws {
      while true {
        let step = tls.handshake()
        try await stream.write(tls.take(), more: false)
        if step != false { return }
        guard try await receive() else { return }
      }
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
      tls.write(bytes)
      try await stream.write(tls.take(), more: false)
    }

    /// Reads until the content ends with this, or nothing more comes.
    func read(until end: String) async throws -> String {
      while true {
        let read = tls.read()
        content += read.bytes
        isEnd = isEnd || read.isEnd
        failure = failure ?? read.failure
        let text = String(decoding: content, as: UTF8.self)
        if isEnd || failure != nil || (!end.isEmpty && text.hasSuffix(end)) { return text }
        guard try await receive() else { return text }
      }
    }

    private func receive() async throws -> Bool {
      var bytes: [UInt8] = []
      guard try await stream.read(into: &bytes, atMost: 65_536) > 0 else { return false }
      tls.receive(bytes)
      return true
    }
  }

  @Test(arguments: 0..<30 as Range<UInt64>) func requestsAndAnswersPassWhole(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed, security: TLSFixture.context())
    try host.simulated.run {
      var settings = TLSClient.Settings()
      settings.version = seed % 2 == 0 ? 12 : 13
      let client = SecureClient(try host.stream(), settings)
      try await client.shakeHands()
      try await client.send("GET /a HTTP/1.1\r\nHost: r\r\n\r\nGET /names HTTP/1.1\r\nHost: r\r\n\r\n")
      #expect(try await client.read(until: "true []").contains("/a"))
      let body = [UInt8](repeating: UInt8(ascii: "x"), count: 90_000)
      client.content = []
      try await client.send("POST /echo HTTP/1.1\r\nHost: r\r\nContent-Length: \(body.count + 1)\r\n\r\n")
      try await client.send(body + [UInt8(ascii: "!")])
      #expect(try await client.read(until: "!").utf8.count > body.count)
      client.content = []
      try await client.send("GET /bytes HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n")
      #expect(try await client.read(until: "").utf8.count > 100_000)
      #expect(client.isEnd && client.failure == nil, "the end is announced")
      client.stream.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
    #expect(host.record.outcomes.withLock { $0.count { $0.isComplete } } == 4)
    #expect(host.record.refusals.withLock { $0 } == [])
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func whoShowsACertificateIsJudgedAnewWhenAsked(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed, security: TLSFixture.context(.verifyIfGiven))
    try host.simulated.run {
      var settings = TLSClient.Settings()
      settings.version = seed % 2 == 0 ? 12 : 13
      let plain = SecureClient(try host.stream(), settings)
      settings.identity = TLSFixture.alice
      let certified = SecureClient(try host.stream(), settings)
      for (client, names) in [(plain, "true []"), (certified, "true [\"alice\"]")] {
        try await client.shakeHands()
        try await client.send("GET /names HTTP/1.1\r\nHost: r\r\n\r\n")
        #expect(try await client.read(until: names).hasSuffix(names))
      }
      // What is under way is answered first.
      try await certified.send("POST /echo HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\na")
      await host.simulated.pause(for: .seconds(1))
      await host.server.endCertified()
      await host.simulated.pause(for: .seconds(1))
      try await certified.send("b")
      #expect(try await certified.read(until: "").hasSuffix("ab") && certified.isEnd)
      plain.content = []
      try await plain.send("GET /names HTTP/1.1\r\nHost: r\r\n\r\n")
      #expect(try await plain.read(until: "true []").hasSuffix("true []"))
      certified.stream.close()
      plain.stream.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  /// What ends connections does so whatever they speak, however far they are, and whatever the certificate says.
  @Test(arguments: 0..<20 as Range<UInt64>) func whoShowsACertificateOverHTTP2IsJudgedAnewToo(seed: UInt64) throws {
    let host = try SimulatedServer(
      seed: seed, security: TLSFixture.context(.verifyIfGiven, protocols: ["h2", "http/1.1"]))
    try host.simulated.run {
      func client(_ identity: CertificateAuthority.Identity?) throws -> HTTP2Client {
        HTTP2Client(try host.stream(), HTTP2Peer(), isSecure: true, identity: identity)
      }
      let plain = try client(nil)
      #expect(try await plain.shakeHands())
      let certified = try [TLSFixture.alice, TLSFixture.nameless].map { try client($0) }
      for client in certified {
        #expect(try await client.shakeHands())
        #expect(try await client.request(1, "GET", "/names").status == 200)
      }
      // In its handshake when the others are ended.
      let late = try client(TLSFixture.alice)
      #expect(
        try await late.shakeHands(beforeLast: {
          await host.server.endCertified()
          await host.simulated.pause(for: .milliseconds(300))
        }))
      let start = host.simulated.scheduler.now
      for client in certified + [late] {
        try await client.flush()
        try await client.readToEnd()
        #expect(client.peer.goAways.last?.code == 0)
      }
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(took < .seconds(8), "they lived on: \(took)")
      #expect(try await plain.request(1, "GET", "/names").text == "true []")
      for client in certified + [late, plain] { client.stream.close() }
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test func aCertificateWithoutNamesIsOneThatMayBeRevoked() throws {
    let host = try SimulatedServer(seed: 1, security: TLSFixture.context(.requireAndVerify))
    try host.simulated.run {
      var settings = TLSClient.Settings()
      settings.identity = TLSFixture.nameless
      let client = SecureClient(try host.stream(), settings)
      try await client.shakeHands()
      try await client.send("GET /names HTTP/1.1\r\nHost: r\r\n\r\n")
      #expect(try await client.read(until: "true []").hasSuffix("true []"))
      let start = host.simulated.scheduler.now
      await host.server.endCertified()
      _ = try await client.read(until: "")
      #expect(client.isEnd && host.simulated.scheduler.now.duration(since: start) < .seconds(5))
      client.stream.close()
    }
    host.drain()
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func aRefusedClientIsToldWhy(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed, security: TLSFixture.context(.requireAndVerify))
    try host.simulated.run {
      var settings = TLSClient.Settings()
      settings.version = seed % 2 == 0 ? 12 : 13
      let nameless = SecureClient(try host.stream(), settings)
      try await nameless.shakeHands()
      if settings.version == 13 { try? await nameless.send("GET /a HTTP/1.1\r\nHost: r\r\n\r\n") }
      if nameless.tls.handshake() == true { _ = try await nameless.read(until: "") }
      #expect(settings.version == 12 || nameless.failure?.contains("certificate required") == true)
      nameless.stream.close()
      settings.identity = TLSFixture.alice
      let alice = SecureClient(try host.stream(), settings)
      try await alice.shakeHands()
      try await alice.send("GET /names HTTP/1.1\r\nHost: r\r\n\r\n")
      #expect(try await alice.read(until: "]").hasSuffix("true [\"alice\"]"))
      alice.stream.close()
      let plain = try host.stream()
      try await plain.write(Array("GET /v2/ HTTP/1.1\r\nHost: r\r\n\r\n".utf8), more: false)
      let answer = try await plain.read()
      #expect(String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.0 400 Bad Request\r\n"))
      plain.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
    #expect(
      host.record.refusals.withLock { $0 } == [
        "the client shows no certificate", "the client speaks HTTP in the clear",
      ])
    #expect(host.record.outcomes.withLock { $0.count } == 1)
  }

  @Test func aSilentClientHasNoLongerThanAHead() throws {
    let host = try SimulatedServer(
      seed: 3, limits: ServerLimits(headTimeout: .seconds(5)), security: TLSFixture.context())
    let start = host.simulated.scheduler.now
    try host.simulated.run {
      let silent = try host.stream()
      let halfway = try host.stream()
      let client = TLSClient()
      _ = client.handshake()
      try await halfway.write(Array(client.take().prefix(50)), more: false)
      #expect(try await silent.read() == [])
      #expect(try await halfway.read() == [])
    }
    host.simulated.scheduler.settle()
    let took = host.simulated.scheduler.now.duration(since: start)
    #expect(took >= .seconds(5) && took < .seconds(15), "\(took)")
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test(arguments: 0..<30 as Range<UInt64>) func connectionsThatAreCutAnywhereLeaveNothing(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed, security: TLSFixture.context())
    try host.simulated.run {
      let client = SecureClient(try host.stream())
      client.stream.connection.reset(afterDelivering: Int(seed) * 173, to: seed % 2 == 0 ? .server : .client)
      do {
        try await client.shakeHands()
        try await client.send("GET /bytes HTTP/1.1\r\nHost: r\r\n\r\n")
        _ = try await client.read(until: "")
      } catch is StreamError {
        // The cut.
      }
      client.stream.close()
    }
    host.simulated.scheduler.settle()
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  /// The answer to the last request meets a transport that is full, and no further request will push it on.
  @Test(arguments: 0..<40 as Range<UInt64>) func noAnswerStaysBehindInAFullTransport(seed: UInt64) throws {
    let host = try SimulatedServer(
      seed: seed, security: TLSFixture.context(), networkBufferBytes: 700 + Int(seed) * 157)
    let start = host.simulated.scheduler.now
    try host.simulated.run {
      let client = SecureClient(try host.stream())
      try await client.shakeHands()
      let count = 1 + Int(seed % 5)
      let isLast = seed % 2 == 0
      for number in 1...count {
        let close = isLast && number == count ? "Connection: close\r\n" : ""
        try await client.send("GET /medium HTTP/1.1\r\nHost: r\r\n\(close)\r\n")
      }
      // What is there is read late.
      await host.simulated.pause(for: .milliseconds(200))
      var answered = 0
      while answered < count {
        let text = try await client.read(until: String(repeating: "m", count: 5000))
        client.content = []
        answered += text.count { $0 == "m" } / 5000
        if text.isEmpty { break }
      }
      #expect(answered == count)
      if isLast { _ = try await client.read(until: "") }
      #expect(client.isEnd == isLast && client.failure == nil, "the end is announced")
      client.stream.close()
    }
    #expect(host.simulated.scheduler.now.duration(since: start) < .seconds(1), "nobody waited for a deadline")
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }
}
