// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire
import GantryLimiting
import GantryPatterns
import GantryServer
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

/// How many connections one address has open.
@Suite struct ConnectionPlaceTests {
  private func host(seed: UInt64, exempt: [String] = []) throws -> (SimulatedServer, ConnectionLimiter) {
    let limiter = ConnectionLimiter(connectionsMax: 3, exempt: try AddressSet(exempt))
    return (try SimulatedServer(seed: seed, limiter: limiter), limiter)
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func oneTooManyIsClosedAtOnceAndTheRestGoOn(seed: UInt64) throws {
    let (host, limiter) = try host(seed: seed)
    try host.simulated.run {
      var clients: [HTTPClient] = []
      for _ in 0..<3 {
        let client = try host.connect()
        #expect(try await client.request("GET", "/a").text == "/a")
        clients.append(client)
      }
      for _ in 0..<2 {
        let refused = try host.connect()
        // The end may come as a reset.
        do { #expect(try await refused.isAtEnd()) } catch {}
        refused.stream.close()
      }
      for client in clients { #expect(try await client.request("GET", "/b").text == "/b") }
      let measures = await host.server.connectionMeasures()
      #expect(measures.reduce(0) { $0 + $1.refusedOfAddress } == 2)
      #expect(measures.reduce(0) { $0 + $1.accepted } == 3 && measures.reduce(0) { $0 + $1.refused } == 0)
      // One ends, so another one has room: over HTTP/2, which is counted once as well.
      clients[0].stream.close()
      await host.simulated.pause(for: .seconds(1))
      let next = try await host.connectHTTP2()
      await host.simulated.pause(for: .seconds(1))
      #expect(limiter.count == 1)
      for client in clients { client.stream.close() }
      next.stream.close()
    }
    host.drain()
    #expect(limiter.count == 0, "a place was not given back")
  }

  @Test func thatAnAddressIsRefusedIsToldNowAndThen() throws {
    let (host, _) = try host(seed: 1)
    try host.simulated.run {
      var clients: [HTTPClient] = []
      for _ in 0..<3 { clients.append(try host.connect()) }
      for pause in [Duration.zero, .seconds(1), .seconds(1), .seconds(11)] {
        await host.simulated.pause(for: pause)
        clients.append(try host.connect())
        await host.simulated.pause(for: .milliseconds(500))
      }
      for client in clients { client.stream.close() }
    }
    host.drain()
    let told = host.record.addressRefusals.withLock { $0 }
    #expect(told.count == 2 && told[0].hasSuffix(": 1") && told[1].hasSuffix(": 3"), "\(told)")
  }

  @Test func placesAreGivenBackByConnectionsThatWereSentAway() throws {
    let limiter = ConnectionLimiter(connectionsMax: 10, exempt: AddressSet())
    let host = try SimulatedServer(seed: 3, limits: ServerLimits(connectionsMax: 2), limiter: limiter)
    try host.simulated.run {
      for _ in 0..<30 {
        let client = try host.connect()
        await host.simulated.pause(for: .milliseconds(1))
        // Refused or answered, it goes.
        _ = try? await client.request("GET", "/a")
        client.stream.close()
      }
      await host.simulated.pause(for: .seconds(1))
      #expect(limiter.count == 0)
    }
    host.drain()
  }

  @Test func proxiesThatAreTrustedAreNotCounted() throws {
    let (host, limiter) = try host(seed: 1, exempt: ["0.0.0.0/0", "::/0"])
    try host.simulated.run {
      var clients: [HTTPClient] = []
      for _ in 0..<8 {
        let client = try host.connect()
        #expect(try await client.request("GET", "/a").text == "/a")
        clients.append(client)
      }
      #expect(limiter.count == 0)
      for client in clients { client.stream.close() }
    }
    host.drain()
  }
}
