// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryServer
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

@Suite struct SimulatedServerTests {
  static let seeds: Range<UInt64> = 0..<40

  @Test(arguments: seeds) func requestsFollowEachOtherOnOneConnection(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed)
    try host.simulated.run {
      let client = try host.connect()
      for path in ["/a", "/b"] { #expect(try await client.request("GET", path).text == path) }
      let head = try await client.request("HEAD", "/abc")
      #expect(head.first("Content-Length") == "4" && head.body == [])
      #expect(try await client.request("POST", "/echo", body: Array("hello".utf8)).text == "hello")
      #expect(try await client.request("GET", "/bytes").body.count == 100_000)
      client.stream.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
    #expect(host.record.outcomes.withLock { $0.count { $0.isComplete } } == 5)
  }

  @Test(arguments: seeds) func pipelinedRequestsAreAnsweredInOrder(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed)
    try host.simulated.run {
      let client = try host.connect()
      let get = { (path: String) in "GET \(path) HTTP/1.1\r\nHost: r\r\n\r\n" }
      let post = "POST /echo HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
      try await client.send(get("/1") + post + get("/2"))
      for text in ["/1", "hello", "/2"] { #expect(try await client.reply().text == text) }
      client.stream.finishWriting()
      #expect(try await client.isAtEnd())
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test(arguments: seeds) func aBodyCutShortIsToldToItsReader(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed)
    try host.simulated.run {
      let client = try host.connect()
      try await client.send("POST /echo HTTP/1.1\r\nHost: r\r\nContent-Length: 10\r\n\r\nhello")
      await host.simulated.pause(for: .milliseconds(1))
      client.stream.connection.reset()
    }
    host.simulated.scheduler.settle()
    host.drain()
    #expect(host.record.bodyErrors.withLock { $0 } == [.disconnected])
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  @Test func aStalledBodyMeetsItsDeadline() throws {
    let host = try SimulatedServer(seed: 1, limits: ServerLimits(bodyTimeout: .seconds(7)))
    let start = host.simulated.scheduler.now
    try host.simulated.run {
      let client = try host.connect()
      try await client.send("POST /echo HTTP/1.1\r\nHost: r\r\nContent-Length: 10\r\n\r\nhello")
      #expect(try await client.isAtEnd(), "there is nobody left to answer")
    }
    host.simulated.scheduler.settle()
    #expect(host.record.bodyErrors.withLock { $0 } == [.stalled])
    let took = host.simulated.scheduler.now.duration(since: start)
    #expect(took >= .seconds(7) && took < .seconds(20), "\(took)")
    host.drain()
  }

  @Test(arguments: seeds) func nonsenseIsRefusedAndTheConnectionEnds(seed: UInt64) throws {
    let host = try SimulatedServer(seed: seed)
    try host.simulated.run {
      let client = try host.connect()
      try await client.send("GET / HTTP/1.1\r\nHost: r\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
      #expect(try await client.reply().status == 400)
      #expect(try await client.isAtEnd())
    }
    host.drain()
    #expect(host.record.malformed.withLock { $0.count } == 1)
    #expect(host.simulated.network.openConnectionCount == 0)
  }
}
