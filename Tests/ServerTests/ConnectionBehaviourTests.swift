// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryServer
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

/// What a connection owes its client beyond a plain exchange.
@Suite struct ConnectionBehaviourTests {
  private static let stream = "piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n"

  /// Runs one client against a fresh server, and expects nothing to be left afterwards.
  private func exchange(
    seed: UInt64 = 1, limits: ServerLimits = ServerLimits(),
    _ body: @escaping @Sendable (SimulatedServer, HTTPClient) async throws -> Void
  ) throws {
    let host = try SimulatedServer(seed: seed, limits: limits)
    try host.simulated.run {
      let client = try host.connect()
      try await body(host, client)
      client.stream.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test(arguments: 0..<10 as Range<UInt64>) func aBodyOfUnknownLengthIsChunked(seed: UInt64) throws {
    try exchange(seed: seed) { _, client in
      for _ in 0..<2 {
        let reply = try await client.request("GET", "/stream")
        #expect(reply.first("Transfer-Encoding") == "chunked" && reply.first("Content-Length") == nil)
        #expect(reply.text == Self.stream)
      }
      let head = try await client.request("HEAD", "/stream")
      #expect(head.status == 200 && head.body == [])
      #expect(try await client.request("GET", "/after").text == "/after")
    }
  }

  @Test func anOldClientReadsItToTheEndOfTheConnection() throws {
    try exchange { host, client in
      let start = host.simulated.scheduler.now
      try await client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      let reply = try await client.reply()
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(took < .seconds(5), "the end came by a deadline: \(took)")
      #expect(reply.first("Transfer-Encoding") == nil && reply.first("Connection") != "keep-alive")
      #expect(reply.text == Self.stream)
    }
  }

  @Test func anOldClientIsKeptOnlyWhenItAsks() throws {
    try exchange { _, client in
      try await client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      let kept = try await client.reply()
      #expect(kept.first("Connection") == "keep-alive" && kept.text == "/a")
      try await client.send("GET /b HTTP/1.0\r\n\r\n")
      #expect(try await client.reply().text == "/b")
      #expect(try await client.isAtEnd())
    }
  }

  @Test func aStreamThatBreaksOffIsNotEndedAsIfItWereWhole() throws {
    try exchange { _, client in
      do {
        let reply = try await client.request("GET", "/broken")
        Issue.record("taken as whole: \(reply.text)")
      } catch {
        // The chunked coding had no end.
      }
    }
  }

  @Test func piecesAreJoinedUnderOneLength() throws {
    try exchange { _, client in
      let reply = try await client.request("GET", "/pieces")
      #expect(reply.first("Content-Length") == "6" && reply.text == "abcdef")
    }
  }

  @Test func continueIsSentOnceAndOnlyWhenTheBodyIsRead() throws {
    try exchange { _, client in
      try await client.send("POST /echo HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
      #expect(try await client.reply().status == 100)
      try await client.send("hello")
      #expect(try await client.reply().text == "hello")
    }
    // Not read: the final answer comes at once, and the connection ends, since nobody knows whether the body follows.
    try exchange { _, client in
      try await client.send("POST /ignore HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
      let reply = try await client.reply()
      #expect(reply.status == 200 && reply.first("Connection") == "close")
      #expect(try await client.isAtEnd())
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func aClientThatPipelinesWithoutEndSharesTheLoop(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed, loops: 1)
    try host.simulated.run {
      let greedy = try host.connect()
      let modest = try host.connect()
      try await greedy.send(String(repeating: "HEAD /a HTTP/1.1\r\nHost: r\r\n\r\n", count: 300))
      #expect(try await modest.request("GET", "/b").text == "/b")
      for _ in 0..<300 { _ = try await greedy.reply(toHead: true) }
      greedy.stream.close()
      modest.stream.close()
    }
    let paths = host.record.outcomes.withLock { $0.map { String(decoding: $0.head?.path ?? [], as: UTF8.self) } }
    let position = try #require(paths.firstIndex(of: "/b"))
    #expect(paths.count == 301 && position < 200, "answered after \(position) of the other's")
    host.drain()
  }

  @Test func anUnreadBodyIsDroppedWhenShortAndEndsTheConnectionWhenLong() throws {
    try exchange(limits: ServerLimits(discardBytesMax: 1000)) { _, client in
      #expect(try await client.request("POST", "/ignore", body: [UInt8](repeating: 1, count: 900)).status == 200)
      #expect(try await client.request("GET", "/next").text == "/next")
      try await client.send("POST /ignore HTTP/1.1\r\nHost: r\r\nContent-Length: 100000\r\n\r\n")
      let reply = try await client.reply()
      #expect(reply.text == "ignored" && reply.first("Connection") == "close")
      try await client.send([UInt8](repeating: 1, count: 5000))
      #expect(try await client.isAtEnd())
    }
  }

  @Test func aConnectionWithoutRequestsIsClosedInTime() throws {
    try exchange(limits: ServerLimits(headTimeout: .seconds(3), idleTimeout: .seconds(9))) { host, client in
      let start = host.simulated.scheduler.now
      let reply = try await client.request("GET", "/a")
      let isAtEnd = try await client.isAtEnd()
      #expect(reply.text == "/a" && isAtEnd)
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(took >= .seconds(9) && took < .seconds(12), "\(took)")
    }
  }

  @Test func aHeadThatTricklesIsCutOffHoweverItMoves() throws {
    try exchange(limits: ServerLimits(headTimeout: .seconds(5))) { host, client in
      let start = host.simulated.scheduler.now
      try await client.send("GET / HTTP/1.1\r\nHost: r\r\n")
      var sent = 0
      do {
        for letter in repeatElement("X-Slow: loris\r\n", count: 20) {
          try await client.send(letter)
          sent += 1
          await host.simulated.pause(for: .seconds(1))
        }
      } catch {}
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(sent < 10 && took < .seconds(10), "\(sent) lines in \(took)")
    }
  }

  @Test func connectionsBeyondTheLimitAreToldToComeBack() throws {
    try exchange(limits: ServerLimits(connectionsMax: 4)) { host, client in
      #expect(try await client.request("GET", "/a").text == "/a")
      var others: [HTTPClient] = []
      var refused = 0
      for _ in 0..<8 {
        let other = try host.connect()
        others.append(other)
        await host.simulated.pause(for: .milliseconds(1))
        do {
          let reply = try await other.request("GET", "/b")
          if reply.status == 503 {
            refused += 1
            #expect(reply.first("Retry-After") == "1")
          }
        } catch {
          refused += 1
        }
      }
      #expect(refused == 5)
      #expect(try await client.request("GET", "/c").text == "/c")
      for other in others { other.stream.close() }
    }
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func drainingFinishesWhatIsInFlight(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed)
    try host.simulated.run {
      let client = try host.connect()
      let idle = try host.connect()
      #expect(try await idle.request("GET", "/i").text == "/i")
      try await client.send("POST /echo HTTP/1.1\r\nHost: r\r\nContent-Length: 10\r\n\r\nhello")
      await host.simulated.pause(for: .milliseconds(1))
      let server = host.server
      let drained = spawn(on: host.simulated.process.loops[0]) { await server.drain(within: .seconds(30)) }
      #expect(try await idle.isAtEnd())
      // The other loop may be told later, and answer until then as if nothing were.
      await host.simulated.pause(for: .milliseconds(1))
      try await client.send("world")
      let reply = try await client.reply()
      #expect(reply.text == "helloworld" && reply.first("Connection") == "close")
      #expect(try await client.isAtEnd())
      await drained.value
    }
    host.simulated.scheduler.settle()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test func drainingCutsWhatDoesNotFinish() throws {
    let host = try SimulatedServer(seed: 3)
    try host.simulated.run {
      let client = try host.connect()
      try await client.send("POST /echo HTTP/1.1\r\nHost: r\r\nContent-Length: 10\r\n\r\nhello")
      await host.simulated.pause(for: .milliseconds(1))
      await host.server.drain(within: .seconds(2))
    }
    host.simulated.scheduler.settle()
    #expect(host.record.bodyErrors.withLock { $0 } == [.draining])
    #expect(host.simulated.network.openConnectionCount == 0)
  }
}
