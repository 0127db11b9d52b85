// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTP2
import GantryHTTP2Peer
import GantryHTTPService
import GantryHTTPWire
import GantryServer
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

/// What the server owes its clients over HTTP/2.
@Suite struct HTTP2ConnectionTests {
  static let seeds: Range<UInt64> = 0..<30

  @Test(arguments: seeds) func manyRequestsAreAnsweredAtOnce(seed: UInt64) throws {
    try SimulatedServer.exchange(seed: seed, isSecure: seed % 3 == 0) { host, client in
      let paths = ["/a", "/stream", "/bytes", "/pieces", "/file", "/echo", "/cold"]
      for (index, path) in paths.enumerated() {
        let stream = Int32(index * 2 + 1)
        if path == "/echo" {
          client.peer.send(.request(stream, "POST", path, ends: false), .data(stream, Array("hel".utf8)))
        } else {
          client.peer.send(.request(stream, "GET", path))
        }
      }
      try await client.flush()
      #expect(try await client.reply(1).text == "/a")
      #expect(try await client.reply(3).text == "piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n")
      #expect(try await client.reply(5).body == [UInt8](repeating: 7, count: 100_000))
      let pieces = try await client.reply(7)
      #expect(pieces.text == "abcdef" && pieces.first("content-length") == "6" && pieces.status == 206)
      for stream: Int32 in [9, 13] {
        let file = try await client.reply(stream)
        #expect(file.body.count == 999_000 && file.first("content-length") == "999000" && file.isEnded)
        #expect(file.body.indices.allSatisfy { file.body[$0] == PatternFile.byte(at: 1000 + $0) })
      }
      try await client.send(.data(11, Array("lo".utf8), ends: true))
      #expect(try await client.reply(11).text == "hello")
      let head = try await client.request(15, "HEAD", "/bytes")
      #expect(head.first("content-length") == "100000" && head.body == [] && head.isEnded)
      #expect(head.first("date")?.utf8.count == 29)
    }
  }

  @Test(arguments: seeds) func outcomesAreToldOnceForEachRequest(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed)
    try host.simulated.run {
      let client = try await host.connectHTTP2()
      for number in 0..<50 { client.peer.send(.request(Int32(number * 2 + 1), "GET", "/n\(number)")) }
      try await client.flush()
      for number in 0..<50 { #expect(try await client.reply(Int32(number * 2 + 1)).text == "/n\(number)") }
      client.stream.close()
    }
    host.drain()
    let outcomes = host.record.outcomes.withLock { $0 }
    #expect(outcomes.count == 50 && outcomes.allSatisfy { $0.isComplete && $0.head?.version == .http2 })
    #expect(Set(outcomes.map(\.requestID)).count == 50 && outcomes.reduce(0) { $0 + $1.bytesSent } == 190)
  }

  @Test(arguments: [false, true]) func aBodyIsPulledAsItsReaderReads(isSecure: Bool) throws {
    try SimulatedServer.exchange(isSecure: isSecure) { _, client in
      try await client.send(.request(1, "POST", "/echo", [("content-length", "200000")], ends: false))
      var sent = 0
      while sent < 200_000 {
        let window =
          65_535
          + client.peer.frames.filter { $0.kind == HTTP2Frame.Kind.windowUpdate && $0.stream == 1 }
          .reduce(0) { $0 + Int(HTTP2Frame.number($1.payload)) }
        let count = min(200_000 - sent, window - sent, 16_384)
        if count == 0 {
          let seen = client.peer.frames.count
          #expect(try await client.read { $0.frames.count > seen })
          continue
        }
        sent += count
        try await client.send(.data(1, [UInt8](repeating: 5, count: count), ends: sent == 200_000))
      }
      #expect(try await client.reply(1).body == [UInt8](repeating: 5, count: 200_000))
    }
  }

  @Test(arguments: [false, true]) func continueAndEarlyAnswers(isSecure: Bool) throws {
    try SimulatedServer.exchange(isSecure: isSecure) { _, client in
      let expecting = [("expect", "100-continue"), ("content-length", "5")]
      try await client.send(.request(1, "POST", "/echo", expecting, ends: false))
      try await client.read { $0.replies[1]?.statuses == [100] }
      try await client.send(.data(1, Array("hello".utf8), ends: true))
      let reply = try await client.reply(1)
      #expect(reply.statuses == [100, 200] && reply.text == "hello")
      // Not read: the answer comes at once, and the client is told to keep the body. The connection goes on.
      try await client.send(.request(3, "POST", "/ignore", [("content-length", "1000000")], ends: false))
      let early = try await client.reply(3)
      #expect(early.text == "ignored" && early.isEnded)
      try await client.read { $0.replies[3]?.resetCode != nil }
      #expect(client.peer.replies[3]?.resetCode == 0)
      #expect(try await client.request(5, "GET", "/next").text == "/next")
    }
  }

  @Test(arguments: [false, true]) func aBrokenBodyIsNotEndedAsIfItWereWhole(isSecure: Bool) throws {
    try SimulatedServer.exchange(isSecure: isSecure) { _, client in
      let reply = try await client.request(1, "GET", "/broken")
      #expect(!reply.isEnded && reply.resetCode == 2)
      #expect(try await client.request(3, "GET", "/a").text == "/a")
    }
  }

  @Test(arguments: seeds) func aFileThatEndsTooEarlyResetsItsStreamAndIsTold(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed)
    try host.simulated.run {
      let client = try await host.connectHTTP2()
      let reply = try await client.request(1, "GET", "/short")
      #expect(!reply.isEnded && reply.resetCode == 2 && reply.body.count == 299_000)
      #expect(try await client.request(3, "GET", "/a").text == "/a")
      #expect(client.peer.complaints == [])
      client.stream.close()
    }
    host.drain()
    #expect(host.record.broken.withLock { $0 } == ["/short: truncatedFile"])
    #expect(host.record.outcomes.withLock { $0.map(\.isComplete) } == [false, true])
  }

  /// Resets and disconnections find files at work, too.
  @Test(arguments: seeds) func filesThatNobodyTakesLeaveNothing(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed)
    try host.simulated.run {
      let client = try await host.connectHTTP2()
      for number in 0..<6 {
        client.peer.send(.request(Int32(number * 2 + 1), "GET", number % 2 == 0 ? "/cold" : "/file"))
      }
      try await client.flush()
      try await client.read { ($0.replies[1]?.body.count ?? 0) > Int(seed) * 9000 }
      try await client.send(.reset(1), .reset(3))
      #expect(try await client.reply(5).body.count == 999_000)
      client.stream.connection.reset()
    }
    host.simulated.scheduler.settle()
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
    #expect(host.record.outcomes.withLock { $0.count } == 6 && host.record.broken.withLock { $0 } == [])
  }

  @Test(arguments: seeds) func aBodyThatIsResetIsToldToItsReader(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed)
    try host.simulated.run {
      let client = try await host.connectHTTP2()
      try await client.send(.request(1, "POST", "/echo", ends: false), .data(1, [1, 2, 3]))
      try await client.send(.request(3, "POST", "/echo", ends: false), .data(3, [1, 2, 3]))
      await host.simulated.pause(for: .milliseconds(5))
      try await client.send(.reset(1))
      #expect(try await client.request(5, "GET", "/a").text == "/a")
      client.stream.connection.reset()
    }
    host.simulated.scheduler.settle()
    host.drain()
    #expect(host.record.bodyErrors.withLock { $0 } == [.disconnected, .disconnected])
    #expect(host.record.outcomes.withLock { $0.count { !$0.isComplete } } == 2)
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test func aHeadThatIsRefusedEndsNoMoreThanItsStream() throws {
    let host = try SimulatedServer(seed: 1)
    try host.simulated.run {
      let client = try await host.connectHTTP2()
      try await client.send(.request(1, "GET", "/", [("expect", "tea")]))
      let reply = try await client.reply(1)
      let next = try await client.request(3, "GET", "/a")
      #expect(reply.status == 400 && next.text == "/a")
      client.stream.close()
    }
    host.drain()
    #expect(host.record.malformed.withLock { $0 } == [.expectationUnsupported])
    #expect(host.record.outcomes.withLock { $0.count } == 2)
  }

  // MARK: The end

  @Test(arguments: seeds) func drainingFinishesWhatIsInFlight(seed: UInt64) throws {
    let isSecure = seed % 3 == 0
    let host = try SimulatedServer(seed: seed, security: isSecure ? TLSFixture.http2() : nil)
    try host.simulated.run {
      let client = try await host.connectHTTP2()
      try await client.send(.request(1, "POST", "/echo", ends: false), .data(1, Array("hello".utf8)))
      await host.simulated.pause(for: .milliseconds(5))
      let server = host.server
      let drained = spawn(on: host.simulated.process.loops[0]) { await server.drain(within: .seconds(30)) }
      // The first notice says that nothing is lost yet; a request that is on its way is answered.
      try await client.read { !$0.goAways.isEmpty }
      #expect(client.peer.goAways.map(\.last) == [0x7FFF_FFFF])
      client.peer.outgoing = HTTP2Frame.request(3, "GET", "/late").bytes + client.peer.outgoing
      try await client.flush()
      #expect(try await client.reply(3).text == "/late")
      try await client.read { $0.goAways.count == 2 }
      #expect(client.peer.goAways.last == HTTP2Peer.GoAway(last: 3, code: 0, text: ""))
      try await client.send(.data(1, Array("world".utf8), ends: true))
      #expect(try await client.reply(1).text == "helloworld")
      try await client.readToEnd()
      #expect(client.sawEnd == isSecure, "the end is announced")
      client.stream.close()
      await drained.value
    }
    host.simulated.scheduler.settle()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test func drainingCutsWhatDoesNotFinish() throws {
    let host = try SimulatedServer(seed: 3)
    try host.simulated.run {
      let client = try await host.connectHTTP2()
      try await client.send(.request(1, "POST", "/echo", ends: false), .data(1, [1]))
      await host.simulated.pause(for: .milliseconds(5))
      await host.server.drain(within: .seconds(2))
      client.stream.close()
    }
    host.simulated.scheduler.settle()
    #expect(host.record.bodyErrors.withLock { $0 } == [.draining])
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test func whereItIsNotEnabledThePrefaceIsNoRequest() throws {
    let host = try SimulatedServer(seed: 1, http2InClear: false)
    try host.simulated.run {
      let client = try host.connect()
      try await client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
      #expect(try await client.reply().status == 400)
      client.stream.close()
    }
    host.drain()
  }

  @Test func whereItIsNotOfferedALPNAgreesOnHTTP1() throws {
    let host = try SimulatedServer(seed: 1, security: TLSFixture.context())
    try host.simulated.run {
      let client = HTTP2Client(try host.stream(), HTTP2Peer(), isSecure: true)
      #expect(try await !client.shakeHands())
      client.stream.close()
    }
    host.drain()
    #expect(host.record.refusals.withLock { $0.count } == 1, "a client that speaks nothing else is told by an alert")
    #expect(host.record.outcomes.withLock { $0.isEmpty })
  }

  @Test func anUpgradeIsPassedOver() throws {
    let host = try SimulatedServer(seed: 1)
    try host.simulated.run {
      let client = try host.connect()
      try await client.send(
        "GET /a HTTP/1.1\r\nHost: r\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
          + "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
      let reply = try await client.reply()
      #expect(reply.status == 200 && reply.text == "/a")
      client.stream.close()
    }
    host.drain()
  }
}
