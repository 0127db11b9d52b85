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

  /// Runs one client against a fresh server, and expects nothing to be left afterwards.
  private func exchange(
    seed: UInt64 = 1, limits: ServerLimits = ServerLimits(), peer: HTTP2Peer? = nil,
    _ body: @escaping @Sendable (SimulatedServer, HTTP2Client) async throws -> Void
  ) throws {
    let host = try SimulatedServer(seed: seed, limits: limits)
    try host.simulated.run {
      let client = try host.connectHTTP2()
      try await body(host, client)
      #expect(client.peer.complaints == [])
      client.stream.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test(arguments: seeds) func manyRequestsAreAnsweredAtOnce(seed: UInt64) throws {
    try exchange(seed: seed) { host, client in
      let paths = ["/a", "/stream", "/bytes", "/pieces", "/file", "/echo"]
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
      let file = try await client.reply(9)
      #expect(file.body.count == 999_000 && file.first("content-length") == "999000")
      #expect(file.body.indices.allSatisfy { file.body[$0] == PatternFile.byte(at: 1000 + $0) })
      try await client.send(.data(11, Array("lo".utf8), ends: true))
      #expect(try await client.reply(11).text == "hello")
      let head = try await client.request(13, "HEAD", "/bytes")
      #expect(head.first("content-length") == "100000" && head.body == [] && head.isEnded)
      #expect(head.first("date")?.utf8.count == 29)
    }
  }

  @Test(arguments: seeds) func outcomesAreToldOnceForEachRequest(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed)
    try host.simulated.run {
      let client = try host.connectHTTP2()
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

  @Test func aBodyIsPulledAsItsReaderReads() throws {
    try exchange { _, client in
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

  @Test func continueAndEarlyAnswers() throws {
    try exchange { _, client in
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

  @Test func aBrokenBodyIsNotEndedAsIfItWereWhole() throws {
    try exchange { _, client in
      let reply = try await client.request(1, "GET", "/broken")
      #expect(!reply.isEnded && reply.resetCode == 2)
      #expect(try await client.request(3, "GET", "/a").text == "/a")
    }
  }

  @Test(arguments: seeds) func aBodyThatIsResetIsToldToItsReader(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed)
    try host.simulated.run {
      let client = try host.connectHTTP2()
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
      let client = try host.connectHTTP2()
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

  // MARK: Time

  @Test func aStalledBodyEndsItsStreamAlone() throws {
    try exchange(limits: ServerLimits(bodyTimeout: .seconds(7))) { host, client in
      let start = host.simulated.scheduler.now
      try await client.send(.request(1, "POST", "/echo", ends: false), .data(1, [1]))
      let reply = try await client.reply(1)
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(reply.status == 400 && took >= .seconds(7) && took < .seconds(10), "\(took)")
      #expect(try await client.request(3, "GET", "/a").text == "/a")
      #expect(host.record.bodyErrors.withLock { $0 } == [.stalled])
    }
  }

  @Test func aConnectionWithoutRequestsIsToldAndClosedInTime() throws {
    try exchange(limits: ServerLimits(idleTimeout: .seconds(9))) { host, client in
      let start = host.simulated.scheduler.now
      #expect(try await client.request(1, "GET", "/a").text == "/a")
      try await client.readToEnd()
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(took >= .seconds(9) && took < .seconds(12), "\(took)")
      #expect(client.peer.goAways.last == HTTP2Peer.GoAway(last: 1, code: 0, text: ""))
    }
  }

  @Test func aHeadThatTricklesIsCutOff() throws {
    try exchange(limits: ServerLimits(headTimeout: .seconds(5))) { host, client in
      let first = try await client.request(1, "GET", "/a")
      #expect(first.text == "/a")
      let start = host.simulated.scheduler.now
      let bytes = HTTP2Frame.request(3, "GET", "/slow").bytes
      var sent = 0
      do {
        for byte in bytes {
          try await client.stream.write([byte], more: false)
          sent += 1
          await host.simulated.pause(for: .seconds(1))
        }
      } catch {}
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(sent < bytes.count && took < .seconds(20), "\(sent) bytes in \(took)")
    }
  }

  @Test func aWindowThatStaysShutEndsItsStreamAlone() throws {
    try exchange(limits: ServerLimits(writeTimeout: .seconds(6))) { host, client in
      client.peer.opensWindows = false
      let start = host.simulated.scheduler.now
      let reply = try await client.request(1, "GET", "/bytes")
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(reply.resetCode == 8 && reply.body.count == 65_535 && took >= .seconds(6) && took < .seconds(10))
      try await client.send(.windowUpdate(0, 65_535))
      #expect(try await client.request(3, "GET", "/a").text == "/a")
    }
  }

  @Test func aClientThatTakesNothingIsCutOff() throws {
    let host = try SimulatedServer(seed: 1, limits: ServerLimits(writeTimeout: .seconds(6)))
    try host.simulated.run {
      let client = try host.connectHTTP2(HTTP2Peer(settings: [(4, 1 << 30)]))
      client.peer.send(.windowUpdate(0, 1 << 30))
      for number in 0..<90 { client.peer.send(.request(Int32(number * 2 + 1), "GET", "/file")) }
      try await client.flush()
      await host.simulated.pause(for: .seconds(20))
      #expect(await host.server.connectionCount == 0)
      client.stream.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  // MARK: The end

  @Test(arguments: seeds) func drainingFinishesWhatIsInFlight(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed)
    try host.simulated.run {
      let client = try host.connectHTTP2()
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
      client.stream.close()
      await drained.value
    }
    host.simulated.scheduler.settle()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test func drainingCutsWhatDoesNotFinish() throws {
    let host = try SimulatedServer(seed: 3)
    try host.simulated.run {
      let client = try host.connectHTTP2()
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

  // MARK: Floods

  @Test(arguments: ["resets", "pings", "head bomb"]) func aFloodEndsItsConnectionAndNoOther(kind: String) throws {
    let host = try SimulatedServer(seed: 5)
    try host.simulated.run {
      let victim = try host.connectHTTP2()
      let first = try await victim.request(1, "GET", "/a")
      #expect(first.text == "/a")
      let flooder = try host.connectHTTP2()
      do {
        for turn in 0..<3000 where flooder.peer.goAways.isEmpty {
          let stream = Int32(turn * 2 + 1)
          switch kind {
          case "resets": flooder.peer.send(.request(stream, "GET", "/file"), .reset(stream))
          case "pings": flooder.peer.send(.ping())
          default:
            let block = HTTP2Frame.request(stream, "GET", "/").payload + [0x40, 1, 0x78, 0x7F, 0xBD, 0x1D]
            flooder.peer.send(
              HTTP2Frame(
                1, flags: 5, stream: stream,
                block + [UInt8](repeating: 0x62, count: 3900) + [UInt8](repeating: 0xBE, count: 9000)))
          }
          try await flooder.flush()
          guard turn % 16 == 0 else { continue }
          let reply = try await victim.request(stream + 2, "GET", "/b")
          #expect(reply.text == "/b")
        }
        try await flooder.readToEnd()
      } catch is StreamError {
        // Cut off while it sent.
      }
      try await flooder.readToEnd()
      #expect(flooder.peer.goAways.last?.code == 11, "\(flooder.peer.goAways)")
      let last = try await victim.request(9001, "GET", "/c")
      #expect(last.text == "/c")
      victim.stream.close()
      flooder.stream.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
    // Resets that come with their heads cost no answer at all.
    let files = host.record.outcomes.withLock { outcomes in
      outcomes.count { $0.head?.path.elementsEqual("/file".utf8) ?? false }
    }
    #expect(files < 200)
  }
}
