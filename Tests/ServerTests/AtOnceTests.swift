// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryServer
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

/// Answers that need no waiting, beside those that do: nobody may tell which is which.
@Suite struct AtOnceTests {
  private static let seeds: Range<UInt64> = 0..<30

  private static func head(_ path: String, _ method: String = "GET") -> String {
    "\(method) \(path) HTTP/1.1\r\nHost: r\r\n\r\n"
  }

  private static let file = (1000..<201_000).map { PatternFile.byte(at: $0) }

  @Test(arguments: seeds) func answersKeepTheOrderOfTheirRequests(seed: UInt64) throws {
    // A small buffer takes most answers in part.
    let host = try SimulatedServer(seed: seed, networkBufferBytes: seed % 2 == 0 ? 700 : 65_536)
    let paths = ["/now/a", "/now/file", "/b", "/now/medium", "/file", "/now/c", "/stream", "/now/d"]
    try host.simulated.run {
      let client = try host.connect()
      // The first arrives with the connection, and is served by a task.
      #expect(try await client.request("GET", "/first").text == "/first")
      try await client.send(paths.map { Self.head($0) }.joined() + Self.head("/now/file", "HEAD"))
      for path in paths {
        let reply = try await client.reply()
        #expect(reply.status == 200)
        switch path {
        case "/now/file": #expect(reply.body == Self.file)
        case "/now/medium": #expect(reply.body == [UInt8](repeating: 5, count: 50_000))
        case "/file": #expect(reply.body.count == 999_000 && reply.body.last == PatternFile.byte(at: 999_999))
        case "/stream": #expect(reply.text.hasSuffix("piece 4\n"))
        default: #expect(reply.text == path)
        }
      }
      let bare = try await client.reply(toHead: true)
      #expect(bare.status == 200 && bare.first("Content-Length") == "200000")
      client.stream.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
    let outcomes = host.record.outcomes.withLock { $0 }
    #expect(outcomes.map { String(decoding: $0.head?.path ?? [], as: UTF8.self) } == ["/first"] + paths + ["/now/file"])
    #expect(outcomes.allSatisfy { $0.isComplete })
    #expect(outcomes[2].bytesSent == 200_000 && outcomes[4].bytesSent == 50_000 && outcomes.last?.bytesSent == 0)
  }

  @Test(arguments: seeds) func whatIsUnderWayIsFinishedByADrain(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed, networkBufferBytes: 700)
    try host.simulated.run {
      let client = try host.connect()
      _ = try await client.request("GET", "/first")
      try await client.send(Self.head(seed % 2 == 0 ? "/now/file" : "/now/medium"))
      let server = host.server
      // Some milliseconds later or none: in front of the answer, amid it or behind it.
      await host.simulated.pause(for: .milliseconds(Int64(seed % 5)))
      let drained = spawn(on: host.simulated.process.loops[0]) { await server.drain(within: .seconds(30)) }
      let reply = try await client.reply()
      #expect(reply.body.count == (seed % 2 == 0 ? 200_000 : 50_000))
      #expect(try await client.isAtEnd())
      client.stream.close()
      await drained.value
    }
    host.simulated.scheduler.settle()
    #expect(host.simulated.network.openConnectionCount == 0)
    #expect(host.record.outcomes.withLock { $0.map(\.isComplete) } == [true, true])
  }

  @Test(arguments: seeds) func aClientThatGoesAwayAmidAnAnswerLeavesNothing(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed, networkBufferBytes: 700)
    try host.simulated.run {
      let client = try host.connect()
      _ = try await client.request("GET", "/first")
      try await client.send(Self.head("/now/file"))
      await host.simulated.pause(for: .milliseconds(Int64(seed % 7)))
      client.stream.close()
    }
    host.simulated.scheduler.settle()
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
    let outcomes = host.record.outcomes.withLock { $0 }
    #expect(outcomes.count <= 2 && outcomes.dropFirst().allSatisfy { !$0.isComplete && $0.bytesSent < 200_000 })
  }

  @Test func aFileThatEndsTooEarlyEndsTheConnection() throws {
    let host = try SimulatedServer(seed: 3)
    try host.simulated.run {
      let client = try host.connect()
      _ = try await client.request("GET", "/first")
      do {
        let reply = try await client.request("GET", "/now/short")
        Issue.record("taken as whole: \(reply.body.count) bytes")
      } catch {
        // The announced length was not reached.
      }
      client.stream.close()
    }
    host.drain()
    #expect(host.record.broken.withLock { $0 } == ["/now/short: truncatedFile"])
    #expect(host.record.outcomes.withLock { $0.last?.bytesSent } == 99_000)
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func aClientThatPipelinesWithoutEndSharesTheLoop(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed, loops: 1)
    try host.simulated.run {
      let greedy = try host.connect()
      let modest = try host.connect()
      _ = try await greedy.request("GET", "/first")
      _ = try await modest.request("GET", "/first")
      try await greedy.send(String(repeating: Self.head("/now/a", "HEAD"), count: 400))
      #expect(try await modest.request("GET", "/now/b").text == "/now/b")
      for _ in 0..<400 { _ = try await greedy.reply(toHead: true) }
      greedy.stream.close()
      modest.stream.close()
    }
    let paths = host.record.outcomes.withLock { $0.map { String(decoding: $0.head?.path ?? [], as: UTF8.self) } }
    let position = try #require(paths.firstIndex(of: "/now/b"))
    #expect(paths.count == 403 && position < 300, "answered after \(position) of the other's")
    host.drain()
  }

  @Test func whatFollowsIsJudgedAsEver() throws {
    let host = try SimulatedServer(seed: 5)
    try host.simulated.run {
      let unchanged = try host.connect()
      _ = try await unchanged.request("GET", "/first")
      let reply = try await unchanged.request("GET", "/now/unchanged")
      #expect(reply.status == 304 && reply.body.isEmpty && reply.first("Content-Length") == nil)
      // What is malformed behind an answer that was made at once is refused by a task.
      try await unchanged.send(Self.head("/now/a") + "GET\r\n\r\n")
      #expect(try await unchanged.reply().text == "/now/a")
      #expect(try await unchanged.reply().status == 400)
      #expect(try await unchanged.isAtEnd())
      unchanged.stream.close()
      // Who says that nothing more comes is answered all the same.
      let last = try host.connect()
      _ = try await last.request("GET", "/first")
      try await last.send(Self.head("/now/medium") + Self.head("/held") + Self.head("/now/b"))
      last.stream.finishWriting()
      #expect(try await last.reply().body.count == 50_000)
      host.record.release()
      #expect(try await last.reply().text == "/held")
      #expect(try await last.reply().text == "/now/b")
      #expect(try await last.isAtEnd())
      last.stream.close()
      // Told to go elsewhere between two of them.
      let leaving = try host.connect()
      _ = try await leaving.request("GET", "/first")
      await host.server.windDown()
      let bye = try await leaving.request("GET", "/now/bye")
      #expect(bye.text == "/now/bye" && bye.first("Connection") == "close")
      #expect(try await leaving.isAtEnd())
      leaving.stream.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test func anIdleConnectionIsClosedInTime() throws {
    let host = try SimulatedServer(seed: 1, limits: ServerLimits(idleTimeout: .seconds(20)))
    try host.simulated.run {
      let client = try host.connect()
      for path in ["/first", "/now/a", "/now/b"] { #expect(try await client.request("GET", path).text == path) }
      let began = host.simulated.scheduler.now
      #expect(try await client.isAtEnd())
      let idle = host.simulated.scheduler.now.duration(since: began)
      #expect(idle >= .seconds(19) && idle < .seconds(23), "after \(idle)")
      client.stream.close()
    }
    // Nothing is left that wakes an idle loop.
    host.simulated.scheduler.settle()
    #expect(host.simulated.network.openConnectionCount == 0)
    host.drain()
  }
}
