// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTP2
import GantryHTTP2Peer
import GantryHTTPService
import GantryServer
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

extension SimulatedServer {
  /// Runs one client against a fresh server, and expects nothing to be left afterwards.
  static func exchange(
    seed: UInt64 = 1, limits: ServerLimits = ServerLimits(), isSecure: Bool = false, settings: [(UInt16, UInt32)] = [],
    _ body: @escaping @Sendable (SimulatedServer, HTTP2Client) async throws -> Void
  ) throws {
    let host = try SimulatedServer(seed: seed, limits: limits, security: isSecure ? TLSFixture.http2() : nil)
    try host.simulated.run {
      let client = try await host.connectHTTP2(HTTP2Peer(settings: settings))
      try await body(host, client)
      #expect(client.peer.complaints == [])
      client.stream.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }
}

/// What ends when nothing moves over HTTP/2, and what does not.
@Suite struct HTTP2TimeTests {
  @Test func aStalledBodyEndsItsStreamAlone() throws {
    try SimulatedServer.exchange(limits: ServerLimits(bodyTimeout: .seconds(7))) { host, client in
      let start = host.simulated.scheduler.now
      try await client.send(.request(1, "POST", "/echo", ends: false), .data(1, [1]))
      let reply = try await client.reply(1)
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(reply.status == 400 && took >= .seconds(7) && took < .seconds(10), "\(took)")
      #expect(try await client.request(3, "GET", "/a").text == "/a")
      #expect(host.record.bodyErrors.withLock { $0 } == [.stalled])
    }
  }

  /// Each file that is answered from is open until its client has taken it.
  @Test(arguments: 0..<20 as Range<UInt64>) func filesBeyondSomeWaitForThoseBefore(seed: UInt64) throws {
    let limits = ServerLimits(filesPerConnectionMax: 3)
    try SimulatedServer.exchange(
      seed: seed, limits: limits, isSecure: seed % 2 == 0, settings: [(4, 0)]
    ) { host, client in
      for number in 0..<20 {
        client.peer.send(.request(Int32(number * 2 + 1), "GET", number % 2 == 0 ? "/file" : "/cold"))
      }
      try await client.flush()
      await host.simulated.pause(for: .seconds(1))
      #expect(host.record.files.withLock { $0 } == 3)
      // Others do not wait for them.
      #expect(try await client.request(101, "HEAD", "/bytes").status == 200)
      // One that is answered gives its turn away, and so does one that waits and is not wanted any more.
      try await client.send(.reset(3), .reset(11))
      await host.simulated.pause(for: .seconds(1))
      #expect(host.record.files.withLock { $0 } == 4)
      try await client.send(.settings([(4, 1 << 20)]), .windowUpdate(0, 1 << 26))
      for number in 0..<20 where number != 1 && number != 5 {
        let reply = try await client.reply(Int32(number * 2 + 1))
        #expect(reply.body.count == 999_000 && reply.isEnded)
      }
      #expect(host.record.files.withLock { $0 } == 19)
    }
  }

  /// A client that reads nothing has its turns for as long as a response may stand still, and no longer.
  @Test func whoReadsNothingKeepsNoFileFromOthersForEver() throws {
    let limits = ServerLimits(writeTimeout: .seconds(7), filesPerConnectionMax: 2)
    try SimulatedServer.exchange(limits: limits, settings: [(4, 0)]) { host, client in
      for number in 0..<6 { client.peer.send(.request(Int32(number * 2 + 1), "GET", "/file")) }
      try await client.flush()
      await host.simulated.pause(for: .seconds(12))
      #expect(host.record.files.withLock { $0 } == 4)
      await host.simulated.pause(for: .seconds(30))
      #expect(host.record.files.withLock { $0 } == 6)
      #expect(try await client.request(101, "HEAD", "/bytes").status == 200)
    }
  }

  @Test func aConnectionWithoutRequestsIsToldAndClosedInTime() throws {
    try SimulatedServer.exchange(limits: ServerLimits(idleTimeout: .seconds(9))) { host, client in
      let start = host.simulated.scheduler.now
      #expect(try await client.request(1, "GET", "/a").text == "/a")
      try await client.readToEnd()
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(took >= .seconds(9) && took < .seconds(12), "\(took)")
      #expect(client.peer.goAways.last == HTTP2Peer.GoAway(last: 1, code: 0, text: ""))
    }
  }

  @Test func aHeadThatTricklesIsCutOff() throws {
    try SimulatedServer.exchange(limits: ServerLimits(headTimeout: .seconds(5))) { host, client in
      let first = try await client.request(1, "GET", "/a")
      #expect(first.text == "/a")
      let start = host.simulated.scheduler.now
      let bytes = HTTP2Frame.request(3, "GET", "/slow").bytes
      var sent = 0
      do {
        for byte in bytes {
          try await client.write([byte])
          sent += 1
          await host.simulated.pause(for: .seconds(1))
        }
      } catch {}
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(sent < bytes.count && took < .seconds(20), "\(sent) bytes in \(took)")
    }
  }

  @Test func aConnectionThatNeverAsksHasNoLongerThanAHead() throws {
    try SimulatedServer.exchange(limits: ServerLimits(headTimeout: .seconds(5))) { host, client in
      let start = host.simulated.scheduler.now
      try await client.flush()
      try await client.readToEnd()
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(took >= .seconds(5) && took < .seconds(9), "\(took)")
    }
  }

  /// Nothing of a body can leave, so nothing of it ever begins.
  @Test(arguments: ["/bytes", "/file", "/cold", "/stream"]) func aWindowThatNeverOpensEndsItsStreamAlone(
    path: String
  ) throws {
    try SimulatedServer.exchange(limits: ServerLimits(writeTimeout: .seconds(6)), settings: [(4, 0)]) { host, client in
      let start = host.simulated.scheduler.now
      let reply = try await client.request(1, "GET", path)
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(reply.resetCode == 8 && reply.status == 200 && reply.body == [], "\(reply)")
      #expect(took >= .seconds(6) && took < .seconds(10), "\(took)")
      try await client.send(.settings([(4, 65_535)]))
      #expect(try await client.request(3, "GET", "/a").text == "/a")
    }
  }

  @Test func aConnectionWindowThatStaysShutEndsEveryStreamBehindIt() throws {
    let settings: [(UInt16, UInt32)] = [(4, 1 << 20)]
    try SimulatedServer.exchange(limits: ServerLimits(writeTimeout: .seconds(6)), settings: settings) { host, client in
      client.peer.opensWindows = false
      client.peer.send(.request(1, "GET", "/file"))
      try await client.flush()
      try await client.read { $0.replies[1]?.body.count == 65_535 }
      let start = host.simulated.scheduler.now
      for stream: Int32 in [3, 5] { client.peer.send(.request(stream, "GET", "/file")) }
      try await client.flush()
      for stream: Int32 in [1, 3, 5] { #expect(try await client.reply(stream).resetCode == 8) }
      #expect(host.simulated.scheduler.now.duration(since: start) < .seconds(10))
    }
  }

  @Test func aWindowThatStaysShutEndsItsStreamAlone() throws {
    try SimulatedServer.exchange(limits: ServerLimits(writeTimeout: .seconds(6))) { host, client in
      client.peer.opensWindows = false
      let start = host.simulated.scheduler.now
      let reply = try await client.request(1, "GET", "/bytes")
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(reply.resetCode == 8 && reply.body.count == 65_535 && took >= .seconds(6) && took < .seconds(10))
      try await client.send(.windowUpdate(0, 65_535))
      #expect(try await client.request(3, "GET", "/a").text == "/a")
    }
  }

  /// However busy it is sending: what counts is whether it takes anything.
  @Test(arguments: [false, true], [false, true]) func aClientThatTakesNothingIsCutOff(
    sends: Bool, isSecure: Bool
  ) throws {
    let host = try SimulatedServer(
      seed: 1, limits: ServerLimits(writeTimeout: .seconds(6)), security: isSecure ? TLSFixture.http2() : nil)
    try host.simulated.run {
      let client = try await host.connectHTTP2(HTTP2Peer(settings: [(4, 1 << 30)]))
      client.peer.send(.windowUpdate(0, 1 << 30))
      for number in 0..<90 { client.peer.send(.request(Int32(number * 2 + 1), "GET", "/file")) }
      try await client.flush()
      do {
        for _ in 0..<20 {
          await host.simulated.pause(for: .seconds(1))
          if sends { try await client.write(HTTP2Frame.windowUpdate(0, 1).bytes) }
        }
      } catch is StreamError {
        // Cut off.
      }
      #expect(await host.server.connectionCount == 0)
      client.stream.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }

  /// Its farewell waits behind answers that it does not read, and it floods on.
  @Test func aFlooderThatTakesNothingIsCutOffInSeconds() throws {
    let host = try SimulatedServer(seed: 1)
    try host.simulated.run {
      let client = try await host.connectHTTP2(HTTP2Peer(settings: [(4, 1 << 30)]))
      client.peer.send(.windowUpdate(0, 1 << 30), .request(1, "GET", "/file"))
      try await client.flush()
      await host.simulated.pause(for: .seconds(1))
      let start = host.simulated.scheduler.now
      do {
        while host.simulated.scheduler.now.duration(since: start) < .seconds(60) {
          try await client.write((0..<200).flatMap { _ in HTTP2Frame.ping().bytes })
          await host.simulated.pause(for: .milliseconds(100))
        }
      } catch is StreamError {
        // Cut off.
      }
      let took = host.simulated.scheduler.now.duration(since: start)
      #expect(took < .seconds(8), "\(took)")
      #expect(await host.server.connectionCount == 0)
      client.stream.close()
    }
    host.drain()
    #expect(host.simulated.network.openConnectionCount == 0)
  }
}
