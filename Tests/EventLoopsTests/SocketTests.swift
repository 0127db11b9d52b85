// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryEventLoops
import GantryWorld
import Glibc
import Synchronization
import Testing

/// A blocking client socket for tests.
private final class Client: Sendable {
  let descriptor: Int32

  init(port: UInt16) {
    descriptor = connected(to: port)
    precondition(descriptor >= 0, "connect: \(-descriptor)")
  }

  func write(_ bytes: [UInt8]) { precondition(Glibc.send(descriptor, bytes, bytes.count, 0) == bytes.count) }

  func readToEnd() -> [UInt8] {
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(descriptor, &piece, piece.count, 0)
      if count <= 0 { return all }
      all += piece[..<count]
    }
  }

  deinit { close(descriptor) }
}

/// Serves one connection with `body` on a fresh loop while `client` runs on this thread.
private func exchange<R: Sendable>(
  at host: String = "127.0.0.1", client: (UInt16) -> R,
  server: @escaping @Sendable (any ByteStream, LoopGroup) async -> Void
) async throws -> R {
  let group = LoopGroup(loops: 1, workers: 2)
  let socket = try BoundSocket(.tcp(host: host, port: 0))
  guard case .tcp(_, let port) = socket.address else { preconditionFailure() }
  let isOpen = ThreadGate()
  let task = spawn(on: group.loops[0]) {
    guard let listener = try? socket.listener(on: group.loops[0]) else { preconditionFailure("it listens") }
    isOpen.open()
    if let accepted = try? await listener.accept(), let stream = try? accepted.open(on: group.loops[0]) {
      await server(stream, group)
      stream.close()
    }
    listener.close()
  }
  isOpen.wait()
  let result = client(port)
  await task.value
  group.stop()
  return result
}

@Suite struct SocketTests {
  @Test func bytesEchoAndTheEndIsSeen() async throws {
    let sent = [UInt8]((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    let echoed = try await exchange { port in
      let client = Client(port: port)
      client.write(sent)
      shutdown(client.descriptor, Int32(SHUT_WR))
      return client.readToEnd()
    } server: { stream, _ in
      var all: [UInt8] = []
      do {
        while try await stream.read(into: &all, atMost: 40_000) > 0 {}
        try await stream.write(all, more: false)
      } catch { all = [] }
    }
    #expect(echoed == sent)
  }

  @Test func reservedRoomIsReadIntoWithoutMovingTheBuffer() async throws {
    let seen = Mutex<(Int, Bool)>((0, false))
    _ = try await exchange { port in
      let client = Client(port: port)
      client.write([1, 2, 3])
      return client.readToEnd()
    } server: { stream, _ in
      var buffer: [UInt8] = []
      buffer.reserveCapacity(1024)
      let before = buffer.capacity
      let count = (try? await stream.read(into: &buffer, atMost: 1000)) ?? -1
      let same = before == buffer.capacity && buffer == [1, 2, 3]
      seen.withLock { $0 = (count, same) }
    }
    #expect(seen.withLock { $0 } == (3, true))
  }

  @Test func aFileRegionIsSentWhole() async throws {
    let path = "/tmp/gantry-socket-test-\(getpid())"
    let content = [UInt8]((0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
    let file = try LoopGroup.files.open(path, .create(mode: 0o600))
    try file.write(content, at: 0)
    defer { unlink(path) }
    for evict in [false, true] {
      if evict {
        try file.sync()
        posix_fadvise(open(path, O_RDONLY), 0, 0, POSIX_FADV_DONTNEED)
      }
      let received = try await exchange { port in
        Client(port: port).readToEnd()
      } server: { stream, _ in
        do {
          try await stream.write([9], more: true)
          try await stream.send(file, from: 100, count: 4_000_000)
        } catch { stream.close() }
      }
      #expect(received == [9] + content[100..<4_000_100])
    }
  }

  /// Not every file system tells a probe what is in memory; where it does not, no worker may be asked all the same.
  @Test(.enabled(if: access("/dev/shm", W_OK) == 0)) func aFileInMemoryIsSentWithoutAWorker() async throws {
    let path = "/dev/shm/gantry-socket-test-\(getpid())"
    let content = [UInt8]((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
    let file = try LoopGroup.files.open(path, .create(mode: 0o600))
    try file.write(content, at: 0)
    defer { unlink(path) }
    let gate = ThreadGate()
    let received = try await exchange { port in
      let received = Client(port: port).readToEnd()
      gate.open()
      return received
    } server: { stream, group in
      let world = group.world
      for _ in 0..<2 { spawn(on: world.loops[0]) { await world.workers.run { gate.wait() } } }
      do {
        try await stream.send(file, from: 5000, count: 2_500_001)
      } catch { stream.close() }
    }
    #expect(received == Array(content[5000..<2_505_001]))
  }

  @Test func whatIsInMemoryIsSentAtOnceAsFarAsItFits() async throws {
    let path = "/tmp/gantry-at-once-test-\(getpid())"
    let content = [UInt8]((0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
    let file = try LoopGroup.files.open(path, .create(mode: 0o600))
    try file.write(content, at: 0)
    defer { unlink(path) }
    let counts = Mutex<[Int]>([])
    let received = try await exchange { port in
      Client(port: port).readToEnd()
    } server: { stream, _ in
      do {
        let head = try stream.writeAvailable([1, 2], [3], more: false)
        let more = try stream.writeAvailable([4], [], more: true)
        let sent = try stream.sendAvailable(file, from: 10, count: 900_000)
        counts.withLock { $0 = [head, more, Int(sent)] }
        try await stream.send(file, from: 10 + sent, count: 900_000 - sent)
      } catch { stream.close() }
    }
    #expect(received == [1, 2, 3, 4] + content[10..<900_010])
    let sent = counts.withLock { $0 }
    #expect(sent[..<2] == [3, 1] && sent[2] > 0)
  }

  /// Where `/tmp` is memory, nothing in it is ever cold.
  private static let canBeCold: Bool = {
    let mounts = (try? LoopGroup.files.open("/proc/mounts", .read).read(1 << 20, at: 0)) ?? []
    return !String(decoding: mounts, as: UTF8.self).contains(" /tmp tmpfs ")
  }()

  @Test(.enabled(if: canBeCold)) func whatIsNotInMemoryIsLeftToWhoWaits() async throws {
    let path = "/tmp/gantry-cold-test-\(getpid())"
    let file = try LoopGroup.files.open(path, .create(mode: 0o600))
    try file.write([UInt8](repeating: 8, count: 500_000), at: 0)
    try file.sync()
    defer { unlink(path) }
    let descriptor = open(path, O_RDONLY)
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    close(descriptor)
    let count = Mutex<UInt64?>(nil)
    let received = try await exchange { port in
      Client(port: port).readToEnd()
    } server: { stream, _ in
      let sent = try? stream.sendAvailable(file, from: 0, count: 500_000)
      count.withLock { $0 = sent }
    }
    #expect(count.withLock { $0 } == 0 && received.isEmpty)
  }

  @Test func aFileThatIsTooShortIsReported() async throws {
    let path = "/tmp/gantry-short-test-\(getpid())"
    let file = try LoopGroup.files.open(path, .create(mode: 0o600))
    try file.write([1, 2, 3], at: 0)
    defer { unlink(path) }
    let failure = Mutex<StreamError?>(nil)
    _ = try await exchange { port in
      Client(port: port).readToEnd()
    } server: { stream, _ in
      do throws(StreamError) {
        try await stream.send(file, from: 0, count: 10)
      } catch {
        failure.withLock { $0 = error }
      }
    }
    #expect(failure.withLock { $0 } == .truncatedFile)
  }

  /// Bytes and a reset that have come together: who takes the bytes and waits for more there and then has to hear of
  /// the reset.
  @Test func aResetBehindBytesIsSeen() async throws {
    let (isServed, hasReset) = (ThreadGate(), ThreadGate())
    let seen = Mutex<(bytes: [UInt8], failure: StreamError?)>(([], nil))
    try await exchange { port in
      let descriptor = connected(to: port)
      isServed.wait()
      let bytes: [UInt8] = [1, 2, 3]
      precondition(send(descriptor, bytes, bytes.count, 0) == 3)
      var reset = linger(l_onoff: 1, l_linger: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
      close(descriptor)
      hasReset.open()
    } server: { stream, _ in
      // Nothing is polled until both have come.
      isServed.open()
      hasReset.wait()
      // Safe because: the stream calls back on the loop that it belongs to, which is this one.
      nonisolated(unsafe) let stream = stream
      await withCheckedContinuation { continuation in
        stream.notifyWhenReadable {
          var bytes: [UInt8] = []
          let count = try? stream.readAvailable(into: &bytes, atMost: 100)
          let first = bytes
          stream.notifyWhenReadable {
            seen.withLock { $0.bytes = first }
            do throws(StreamError) {
              var more: [UInt8] = []
              _ = try stream.readAvailable(into: &more, atMost: 100)
            } catch {
              seen.withLock { $0.failure = error }
            }
            continuation.resume()
          }
          precondition(count == 3)
        }
      }
    }
    let (bytes, failure) = seen.withLock { $0 }
    #expect(bytes == [1, 2, 3])
    #expect(failure == .reset)
  }

  @Test func closingWakesAReader() async throws {
    let failure = Mutex<StreamError?>(nil)
    _ = try await exchange { port in
      Client(port: port).readToEnd()
    } server: { stream, group in
      let box = StreamBox(stream)
      _ = group.loops[0].clock.after(.milliseconds(1)) { box.close() }
      var buffer: [UInt8] = []
      do throws(StreamError) {
        _ = try await stream.read(into: &buffer, atMost: 10)
      } catch {
        failure.withLock { $0 = error }
      }
    }
    #expect(failure.withLock { $0 } == .closed)
  }

  @Test func anIPv4ClientOfTheWildcardIsNamedAsSuch() async throws {
    let peer = Mutex("")
    _ = try await exchange(at: "") { port in
      Client(port: port).readToEnd()
    } server: { stream, _ in
      peer.withLock { $0 = stream.peer.host }
    }
    #expect(peer.withLock { $0 } == "127.0.0.1")
  }

  @Test func aTakenPortIsSaidClearly() async throws {
    let group = LoopGroup(loops: 1, workers: 1)
    let first = try BoundSocket(.tcp(host: "127.0.0.1", port: 0))
    let found = Mutex<ListenError?>(nil)
    await spawn(on: group.loops[0]) {
      do throws(ListenError) {
        let listener = try first.listener(on: group.loops[0])
        defer { listener.close() }
        _ = try BoundSocket(first.address)
      } catch {
        found.withLock { $0 = error }
      }
    }.value
    let error = found.withLock { $0 }
    #expect(error?.isAddressInUse == true)
    #expect(error?.description.contains("another process listens there") == true)
    group.stop()
  }

  @Test func aStaleUnixSocketIsReplacedAndALiveOneIsNot() throws {
    let path = "/tmp/gantry-unix-test-\(getpid())"
    defer { unlink(path) }
    do { _ = try BoundSocket(.unix(path: path)) }
    let second = try BoundSocket(.unix(path: path))
    #expect(throws: ListenError.self) { try BoundSocket(second.address) }
  }
}

/// Carries a stream into a timer's closure of the same loop.
private final class StreamBox: @unchecked Sendable {
  // Safe because: the timer fires on the loop that owns the stream.
  private let stream: any ByteStream
  init(_ stream: any ByteStream) { self.stream = stream }
  func close() { stream.close() }
}
