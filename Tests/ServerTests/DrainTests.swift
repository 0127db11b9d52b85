// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTP2Peer
import GantryHTTPService
import GantryServer
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

/// What a server that stops owes those who are with it, and those who come in its last moments.
@Suite struct DrainTests {
  static let seeds: Range<UInt64> = 0..<60

  private static func head(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: r\r\n\r\n" }

  private func drain(_ host: SimulatedServer, within limit: Duration = .seconds(30)) -> LoopTask {
    let server = host.server
    return spawn(on: host.simulated.process.loops[0]) { await server.drain(within: limit) }
  }

  // MARK: Before it stops

  @Test(arguments: seeds) func windingDownAnswersAndSendsEverybodyElsewhere(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed)
    try host.simulated.run {
      let kept = try host.connect()
      let first = try await kept.request("GET", "/a")
      #expect(first.first("Connection") != "close")
      await host.server.windDown()
      let fresh = try host.connect()
      for client in [kept, fresh] {
        let reply = try await client.request("GET", "/b")
        #expect(reply.text == "/b" && reply.first("Connection") == "close")
        #expect(try await client.isAtEnd())
        client.stream.close()
      }
      let began = host.simulated.scheduler.now
      await host.server.drain(within: .seconds(30))
      #expect(host.simulated.scheduler.now.duration(since: began) < .seconds(3))
    }
    host.simulated.scheduler.settle()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  /// A proxy opens connections ahead of the requests that they are for.
  @Test func windingDownWaitsForTheFirstRequestOverHTTP2() throws {
    let host = try SimulatedServer(seed: 1)
    try host.simulated.run {
      let old = try await host.connectHTTP2()
      let first = try await old.request(1, "GET", "/a")
      await host.server.windDown()
      #expect(first.text == "/a")
      let fresh = try await host.connectHTTP2()
      try await fresh.flush()
      try await old.read { $0.goAways.count == 2 }
      await host.simulated.pause(for: .seconds(5))
      let late = try await fresh.request(1, "GET", "/late")
      #expect(late.text == "/late")
      try await fresh.read { $0.goAways.count == 2 }
      #expect(fresh.peer.goAways.last == HTTP2Peer.GoAway(last: 1, code: 0, text: ""))
      old.stream.close()
      fresh.stream.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  // MARK: Who comes in the last moment

  @Test(arguments: seeds) func whoWaitsToBeAcceptedIsAnswered(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed, loops: 3)
    try host.simulated.run {
      let drained = drain(host)
      // Nothing else runs until the first wait: they stand in the queue of the listener, or on their way to a loop.
      var clients: [HTTPClient] = []
      for _ in 0..<8 { clients.append(try host.connect()) }
      for (number, client) in clients.enumerated() { try await client.send(Self.head("/\(number)")) }
      for (number, client) in clients.enumerated() {
        let reply = try await client.reply()
        #expect(reply.text == "/\(number)")
        #expect(try await client.isAtEnd())
        client.stream.close()
      }
      await drained.value
      #expect(throws: StreamError.self) { try host.connect() }
    }
    host.simulated.scheduler.settle()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test func aNewConnectionHasAMomentForItsRequest() throws {
    let host = try SimulatedServer(seed: 1)
    try host.simulated.run {
      let asks = try host.connect()
      let silent = try host.connect()
      await host.simulated.pause(for: .milliseconds(10))
      let began = host.simulated.scheduler.now
      let drained = drain(host)
      await host.simulated.pause(for: .milliseconds(700))
      let reply = try await asks.request("GET", "/late")
      #expect(reply.text == "/late" && reply.first("Connection") == "close")
      #expect(try await silent.isAtEnd())
      asks.stream.close()
      await drained.value
      let took = host.simulated.scheduler.now.duration(since: began)
      #expect(took >= .milliseconds(900) && took < .seconds(4), "\(took)")
    }
    host.simulated.scheduler.settle()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test func aFirstHeadThatHasBegunIsWaitedFor() throws {
    let host = try SimulatedServer(seed: 1)
    try host.simulated.run {
      let client = try host.connect()
      try await client.send("GET /slow HTTP/1.1\r\n")
      await host.simulated.pause(for: .milliseconds(10))
      let drained = drain(host)
      await host.simulated.pause(for: .seconds(4))
      try await client.send("Host: r\r\n\r\n")
      let reply = try await client.reply()
      #expect(reply.text == "/slow" && reply.first("Connection") == "close")
      client.stream.close()
      await drained.value
    }
    host.simulated.scheduler.settle()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  /// Closing over bytes that nobody has read resets the connection, whoever sent them.
  @Test(arguments: seeds) func aRequestThatHasArrivedUnreadIsAnswered(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed, loops: 2)
    try host.simulated.run {
      let kept = try host.connect()
      let first = try await kept.request("GET", "/a")
      #expect(first.text == "/a")
      await host.simulated.pause(for: .seconds(3))
      let connection = kept.stream.connection
      let before = connection.deliveredCount(to: .server)
      // Held back, so that its way, the server's look at it and the drain begin in one moment, in every order.
      connection.stall(to: .server)
      try await kept.send(Self.head("/b"))
      let drained = drain(host)
      connection.resume(to: .server)
      do {
        let reply = try await kept.reply()
        #expect(reply.text == "/b")
      } catch {
        // Closed before anything of it came, which its client can tell.
        #expect(connection.deliveredCount(to: .server) == before, "\(error)")
      }
      kept.stream.close()
      await drained.value
    }
    host.simulated.scheduler.settle()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  // MARK: What is over already

  @Test func aConnectionThatIsOverLeavesNoTimerBehind() throws {
    let host = try SimulatedServer(seed: 1)
    host.simulated.run {
      do {
        let client = try await host.connectHTTP2()
        try await client.send(.request(1, "GET", "/held"))
        await host.simulated.pause(for: .milliseconds(10))
        client.stream.connection.reset()
        await host.simulated.pause(for: .milliseconds(10))
        let drained = drain(host)
        await host.simulated.pause(for: .milliseconds(10))
        host.record.release()
        await drained.value
        #expect(host.simulated.scheduler.timerCount == 0)
        client.stream.close()
      } catch {
        Issue.record(error)
      }
    }
    host.simulated.scheduler.settle()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test func theSecondTimeCutsWhatIsLeft() throws {
    let host = try SimulatedServer(seed: 1)
    try host.simulated.run {
      let client = try host.connect()
      try await client.send("POST /echo HTTP/1.1\r\nHost: r\r\nContent-Length: 10\r\n\r\nhello")
      await host.simulated.pause(for: .milliseconds(10))
      let began = host.simulated.scheduler.now
      let drained = drain(host)
      await host.simulated.pause(for: .seconds(1))
      await host.server.drain(within: .zero)
      await drained.value
      #expect(host.simulated.scheduler.now.duration(since: began) < .seconds(2))
      client.stream.close()
    }
    host.simulated.scheduler.settle()
    #expect(host.record.bodyErrors.withLock { $0 } == [.draining])
    #expect(host.simulated.network.openConnectionCount == 0)
  }
}
