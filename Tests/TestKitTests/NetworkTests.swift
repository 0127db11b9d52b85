// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import GantryWorld
import Synchronization
import Testing

@Suite struct NetworkTests {
  private typealias Pair = (client: SimulatedStream, server: SimulatedStream)

  private func pair(_ simulated: SimulatedWorld) -> Pair {
    simulated.network.pair(client: simulated.process.loops[0], server: simulated.process.loops[0])
  }

  private func failure(_ body: () async throws(StreamError) -> Void) async -> StreamError? {
    do throws(StreamError) {
      try await body()
      return nil
    } catch {
      return error
    }
  }

  @Test func bytesComeInOrderAndInEverySplit() throws {
    var splits: Set<[Int]> = []
    for seed in UInt64(0)..<1000 {
      let simulated = SimulatedWorld(seed: seed)
      let (client, server) = pair(simulated)
      let pieces = try simulated.run {
        try await client.write([1, 2, 3, 4], more: false)
        client.finishWriting()
        var pieces: [[UInt8]] = []
        while true {
          var piece: [UInt8] = []
          if try await server.read(into: &piece, atMost: 100) == 0 { return pieces }
          pieces.append(piece)
        }
      }
      #expect(pieces.flatMap { $0 } == [1, 2, 3, 4])
      splits.insert(pieces.map(\.count))
    }
    #expect(splits.count == 8, "every way to cut four bytes: \(splits)")
  }

  @Test func aWriterWaitsForItsReader() throws {
    let simulated = SimulatedWorld(seed: 1)
    let (client, server) = pair(simulated)
    let written = Mutex(false)
    let size = simulated.network.bufferBytesMax + 1
    spawn(on: simulated.process.loops[0]) {
      try? await client.write([UInt8](repeating: 7, count: size), more: false)  // a reset would show in the flag
      written.withLock { $0 = true }
    }
    simulated.scheduler.settle()
    #expect(!written.withLock { $0 }, "one byte more than the buffer takes")
    #expect(simulated.scheduler.situation.contains("waits to write"))
    let first = try simulated.run {
      var bytes: [UInt8] = []
      return try await server.read(into: &bytes, atMost: 1)
    }
    #expect(first == 1)
    simulated.scheduler.settle()
    #expect(written.withLock { $0 })
  }

  @Test func halfCloseEndsOneDirection() throws {
    let simulated = SimulatedWorld(seed: 2)
    let (client, server) = pair(simulated)
    let answer = try simulated.run {
      try await client.write([1], more: false)
      client.finishWriting()
      let asked = try await server.read()
      try await server.write(asked + [2], more: false)
      server.close()
      return try await client.read()
    }
    #expect(answer == [1, 2])
    client.close()
    #expect(simulated.network.openConnectionCount == 0)
  }

  @Test func closeEndsTheWaitsUnderWay() throws {
    let simulated = SimulatedWorld(seed: 3)
    let (client, server) = pair(simulated)
    let seen = Mutex<StreamError?>(nil)
    spawn(on: simulated.process.loops[0]) {
      let error = await self.failure { () throws(StreamError) in _ = try await client.read() }
      seen.withLock { $0 = error }
    }
    simulated.scheduler.settle()
    client.close()
    client.close()
    simulated.scheduler.settle()
    #expect(seen.withLock { $0 } == .closed)
    let after = simulated.run {
      await self.failure { () throws(StreamError) in try await client.write([1], more: false) }
    }
    #expect(after == .closed)
    #expect(try simulated.run { try await server.read() } == [], "the other end reads to its end")
  }

  @Test func closingOverUnreadBytesResetsTheOtherEnd() {
    let simulated = SimulatedWorld(seed: 4)
    let (client, server) = pair(simulated)
    let seen = simulated.run {
      await self.failure { () throws(StreamError) in
        try await client.write([1, 2], more: false)
        var one: [UInt8] = []
        while client.connection.deliveredCount(to: .server) < 2 { await simulated.pause(for: .nanoseconds(1)) }
        _ = try await server.read(into: &one, atMost: 1)
        server.close()
        _ = try await client.read()
      }
    }
    #expect(seen == .reset)
  }

  @Test func writingToAClosedEndIsReset() {
    let simulated = SimulatedWorld(seed: 5)
    let (client, server) = pair(simulated)
    server.close()
    let seen = simulated.run {
      await self.failure { () throws(StreamError) in
        while true { try await client.write([1], more: false); await simulated.pause(for: .seconds(1)) }
      }
    }
    #expect(seen == .reset)
  }

  @Test func aCutComesAtItsByte() throws {
    for cut in 0...5 {
      let simulated = SimulatedWorld(seed: UInt64(cut))
      let (client, server) = pair(simulated)
      client.connection.reset(afterDelivering: cut, to: .server)
      let (got, error) = simulated.run { () async -> ([UInt8], StreamError?) in
        _ = await self.failure { () throws(StreamError) in try await client.write([1, 2, 3, 4, 5], more: false) }
        var got: [UInt8] = []
        let error = await self.failure { () throws(StreamError) in
          while try await server.read(into: &got, atMost: 9) > 0 {}
        }
        return (got, error)
      }
      #expect(got == Array([1, 2, 3, 4, 5][..<cut]))
      #expect(error == .reset)
    }
  }

  @Test func aStallHoldsBytesBack() throws {
    let simulated = SimulatedWorld(seed: 6)
    let (client, server) = pair(simulated)
    client.connection.stall(to: .server)
    let result = simulated.attempt(on: simulated.process) {
      try await client.write([1], more: false)
      return try await server.read { !$0.isEmpty }
    }
    guard case .failure(let stall) = result else {
      Issue.record("stalled bytes arrived")
      return
    }
    #expect(stall.description.contains("server of connection 1 waits to read"))
    client.connection.resume(to: .server)
    simulated.scheduler.settle()
    #expect(client.connection.deliveredCount(to: .server) == 1)
  }

  @Test func listenersAcceptInOrderAndEnd() throws {
    let simulated = SimulatedWorld(seed: 7, loops: 2)
    let network = simulated.network
    let loops = simulated.process.loops
    let listener = try network.listen(at: .tcp(host: "127.0.0.1", port: 0), on: loops[0])
    guard case .tcp(_, let port) = listener.address else {
      Issue.record("a TCP listener has a TCP address")
      return
    }
    #expect(port != 0)
    #expect(throws: StreamError.failed(code: 98)) { try network.listen(at: listener.address, on: loops[0]) }
    #expect(throws: StreamError.failed(code: 111)) {
      try network.connect(to: .unix(path: "/run/none.sock"), on: loops[0])
    }
    let (answer, peer) = try simulated.run { () async throws -> ([UInt8], PeerAddress) in
      let client = try network.connect(to: listener.address, on: loops[1])
      let accepted = try #require(try await listener.accept())
      let server = try accepted.open(on: loops[0])
      try await server.write([9], more: false)
      server.close()
      accepted.refuse()
      return (try await client.read(), server.peer)
    }
    #expect(answer == [9])
    #expect(peer.description.hasPrefix("192.0.2.7:"))
    let abandoned = try network.connect(to: listener.address, on: loops[1])
    let ended = Mutex(false)
    spawn(on: loops[0]) {
      do {
        // Held until the listener ends, so that the abandoned end sees who refused it.
        let held = try await listener.accept()
        let isEnd = try await listener.accept() == nil
        ended.withLock { $0 = isEnd }
        held?.refuse()
      } catch {
        Issue.record("accept threw \(error)")
      }
    }
    simulated.scheduler.settle()
    listener.close()
    listener.close()
    simulated.scheduler.settle()
    #expect(ended.withLock { $0 })
    let error = simulated.run { await self.failure { () throws(StreamError) in _ = try await abandoned.read() } }
    #expect(error == .reset)
    abandoned.close()
    #expect(network.openConnectionCount == 0)
  }

  @Test func aFileIsSentWholeOrNot() throws {
    let simulated = SimulatedWorld(seed: 8)
    let (client, server) = pair(simulated)
    let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
    simulated.disk.plant(bytes, at: "blob")
    let file = try simulated.disk.open("blob", .read)
    let got = try simulated.run {
      spawn(on: simulated.process.loops[0]) {
        try? await server.send(file, from: 1, count: UInt64(bytes.count - 1))  // what arrives is what counts
        server.finishWriting()
      }
      return try await client.read()
    }
    #expect(got == Array(bytes[1...]))
    let error = simulated.run {
      await self.failure { () throws(StreamError) in try await client.send(file, from: 199_999, count: 2) }
    }
    #expect(error == .truncatedFile)
  }

  @Test func aKilledServerResetsOrEndsItsConnections() throws {
    let simulated = SimulatedWorld(seed: 9)
    let server = simulated.startProcess()
    let listener = try simulated.network.listen(at: .unix(path: "/run/gantry.sock"), on: server.loops[0])
    let client = try simulated.network.connect(to: listener.address, on: simulated.process.loops[0])
    let abandoned = try simulated.network.connect(to: listener.address, on: simulated.process.loops[0])
    spawn(on: server.loops[0]) {
      guard let stream = try? await listener.accept()?.open(on: server.loops[0]) else { return }
      var bytes: [UInt8] = []
      while (try? await stream.read(into: &bytes, atMost: 10)) ?? 0 > 0 {}
    }
    simulated.scheduler.settle()
    server.kill()
    #expect(try simulated.run { try await client.read() } == [])
    let error = simulated.run { await self.failure { () throws(StreamError) in _ = try await abandoned.read() } }
    #expect(error == .reset)
    #expect(throws: StreamError.failed(code: 111)) {
      try simulated.network.connect(to: listener.address, on: simulated.process.loops[0])
    }
  }

  @Test func randomFaultsFollowFromTheSeed() {
    func outcomes() -> [Bool] {
      (UInt64(0)..<100).map { seed in
        let simulated = SimulatedWorld(seed: seed)
        simulated.network.faults = .init(resetOneIn: 4, delay: .milliseconds(1) ... .milliseconds(9))
        let (client, server) = pair(simulated)
        return simulated.run {
          await self.failure { () throws(StreamError) in
            try await client.write([1, 2, 3], more: false)
            client.finishWriting()
            _ = try await server.read()
          } == nil
        }
      }
    }
    let first = outcomes()
    #expect(first == outcomes())
    #expect(Set(first) == [true, false])
  }
}
