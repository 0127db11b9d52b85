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

/// Floods end their connection and no other.
@Suite struct HTTP2FloodTests {
  @Test(arguments: ["resets", "pings", "head bomb"]) func aFloodEndsItsConnectionAndNoOther(kind: String) throws {
    let host = try SimulatedServer(seed: 5)
    try host.simulated.run {
      let victim = try await host.connectHTTP2()
      let first = try await victim.request(1, "GET", "/a")
      #expect(first.text == "/a")
      let flooder = try await host.connectHTTP2()
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
