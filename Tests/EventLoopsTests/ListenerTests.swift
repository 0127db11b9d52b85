// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryEventLoops
import GantryWorld
import Glibc
import Synchronization
import Testing

/// When a door is open, and how it is closed.
@Suite struct ListenerTests {
  private final class Results: Sendable {
    let list = Mutex<[Int32]>([])
  }

  private static func port(of socket: BoundSocket) -> UInt16 {
    guard case .tcp(_, let port) = socket.address else { preconditionFailure("bound to TCP") }
    return port
  }

  @Test func nobodyIsLetInBeforeALoopListens() async throws {
    let group = LoopGroup(loops: 1, workers: 1)
    let socket = try BoundSocket(.tcp(host: "127.0.0.1", port: 0))
    let port = Self.port(of: socket)
    #expect(connected(to: port) == -ECONNREFUSED)
    let opened = Mutex<Int32>(0)
    await spawn(on: group.loops[0]) {
      guard let listener = try? socket.listener(on: group.loops[0]) else { return }
      let descriptor = connected(to: port)
      opened.withLock { $0 = descriptor }
      listener.close()
    }.value
    let descriptor = opened.withLock { $0 }
    #expect(descriptor > 0)
    close(descriptor)
    group.stop()
  }

  @Test func ofTwoThatAreBoundTheSecondToListenIsToldClearly() async throws {
    let group = LoopGroup(loops: 1, workers: 1)
    let first = try BoundSocket(.tcp(host: "127.0.0.1", port: 0))
    let second = try BoundSocket(first.address)
    let found = Mutex<ListenError?>(nil)
    await spawn(on: group.loops[0]) {
      do throws(ListenError) {
        let listener = try first.listener(on: group.loops[0])
        defer { listener.close() }
        try second.listener(on: group.loops[0]).close()
      } catch {
        found.withLock { $0 = error }
      }
    }.value
    let error = found.withLock { $0 }
    #expect(error?.isAddressInUse == true && error?.description.contains("another process listens there") == true)
    group.stop()
  }

  @Test func whoWaitsToBeAcceptedIsHandedOverAtTheEnd() async throws {
    let group = LoopGroup(loops: 1, workers: 1)
    let socket = try BoundSocket(.tcp(host: "127.0.0.1", port: 0))
    let port = Self.port(of: socket)
    let client = Mutex<Int32>(0)
    let received = Mutex<[[UInt8]]>([])
    await spawn(on: group.loops[0]) {
      guard let listener = try? socket.listener(on: group.loops[0]) else { return }
      let descriptor = connected(to: port)
      client.withLock { $0 = descriptor }
      _ = send(descriptor, [1, 2, 3] as [UInt8], 3, 0)
      for accepted in listener.finish() {
        guard let stream = try? accepted.open(on: group.loops[0]) else { continue }
        var bytes: [UInt8] = []
        _ = try? await stream.read(into: &bytes, atMost: 10)
        try? await stream.write([4], more: false)
        stream.close()
        received.withLock { $0.append(bytes) }
      }
      if listener.finish().isEmpty, connected(to: port) == -ECONNREFUSED {
        received.withLock { $0.append([]) }
      }
      listener.close()
    }.value
    #expect(received.withLock { $0 } == [[1, 2, 3], []])
    let descriptor = client.withLock { $0 }
    var byte: [UInt8] = [0]
    #expect(recv(descriptor, &byte, 1, 0) == 1 && byte == [4])
    close(descriptor)
    group.stop()
  }

  /// Its connection is neither taken nor reset: the client asks once more and meets a closed door.
  @Test func whoComesWhileOthersAreTurnedAwayIsRefused() async throws {
    let group = LoopGroup(loops: 1, workers: 2)
    let world = group.world
    let socket = try BoundSocket(.tcp(host: "127.0.0.1", port: 0))
    let port = Self.port(of: socket)
    let results = Results()
    let isTurnedAway = ThreadGate()
    let late = spawn(on: group.loops[0]) {
      let result = await world.workers.run {
        isTurnedAway.wait()
        return connected(to: port)
      }
      results.list.withLock { $0.append(result) }
    }
    await spawn(on: group.loops[0]) {
      defer { isTurnedAway.open() }
      guard let listener = try? socket.listener(on: group.loops[0]) else { return }
      let early = connected(to: port)
      guard listener.turnAway() else { return listener.close() }
      isTurnedAway.open()
      await withCheckedContinuation { continuation in
        _ = group.loops[0].clock.after(.milliseconds(100)) { continuation.resume() }
      }
      let waiting = listener.finish()
      results.list.withLock { $0.append(Int32(waiting.count)) }
      // What was taken before the filter still works, and inherits it without harm.
      for accepted in waiting {
        guard let stream = try? accepted.open(on: group.loops[0]) else { continue }
        _ = send(early, [1] as [UInt8], 1, 0)
        var bytes: [UInt8] = []
        let count = try? await stream.read(into: &bytes, atMost: 10)
        results.list.withLock { $0.append(Int32(count ?? -1)) }
        stream.close()
      }
      close(early)
    }.value
    await late.value
    #expect(results.list.withLock { $0 } == [1, 1, -ECONNREFUSED])
    group.stop()
  }
}
