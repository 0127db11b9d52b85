// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
import Synchronization

/// One end of a simulated connection. Closes with the last reference at the latest.
public final class SimulatedStream: ByteStream, Sendable {
  /// Who is at the other end.
  public let peer: PeerAddress
  /// The connection, to disturb it.
  public let connection: SimulatedConnection
  private let side: SimulatedConnection.Side
  private let loop: SimulatedLoop
  private let moved = Atomic<UInt64>(0)
  private let taken = Atomic<UInt64>(0)

  init(_ connection: SimulatedConnection, _ side: SimulatedConnection.Side, peer: PeerAddress, loop: SimulatedLoop) {
    self.connection = connection
    self.side = side
    self.peer = peer
    self.loop = loop
  }

  deinit {
    connection.close(side)
  }

  /// Bytes read here and taken by the buffer towards the other end so far.
  public var progress: UInt64 { moved.load(ordering: .relaxed) }

  /// Bytes that the buffer towards the other end took so far.
  public var sent: UInt64 { taken.load(ordering: .relaxed) }

  private func note(sent count: Int) {
    moved.wrappingAdd(UInt64(count), ordering: .relaxed)
    taken.wrappingAdd(UInt64(count), ordering: .relaxed)
  }

  /// Appends what has arrived.
  public func read(into buffer: inout [UInt8], atMost limit: Int) async throws(StreamError) -> Int {
    while true {
      if let count = try readAvailable(into: &buffer, atMost: limit) { return count }
      await connection.wait(side, toRead: true, on: loop)
    }
  }

  /// Whether something has arrived that was not read.
  public var hasArrival: Bool { connection.hasArrival(side) }

  /// Appends what has arrived already.
  public func readAvailable(into buffer: inout [UInt8], atMost limit: Int) throws(StreamError) -> Int? {
    precondition(limit > 0, "a read asks for at least one byte")
    switch try connection.read(side, atMost: limit) {
    case .bytes(let bytes):
      buffer.append(contentsOf: bytes)
      moved.wrappingAdd(UInt64(bytes.count), ordering: .relaxed)
      return bytes.count
    case .end: return 0
    case .wait: return nil
    }
  }

  /// Calls `notify` when a read would find something.
  public func notifyWhenReadable(_ notify: @escaping @Sendable () -> Void) {
    let (connection, side, loop) = (connection, side, loop)
    spawn(on: loop) {
      await connection.wait(side, toRead: true, on: loop)
      notify()
    }
  }

  /// Hands all of `bytes` over, waiting while the buffer is full.
  public func write(_ bytes: [UInt8], more: Bool) async throws(StreamError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = try connection.write(side, rest)
      rest = rest.dropFirst(count)
      note(sent: count)
      if count == 0 { await connection.wait(side, toRead: false, on: loop) }
    }
  }

  /// Hands over what the buffer takes now.
  public func writeAvailable(_ head: [UInt8], _ body: [UInt8], more: Bool) throws(StreamError) -> Int {
    let count = try connection.write(side, (head + body)[...])
    note(sent: count)
    return count
  }

  /// Sends of a part of a file what the buffer takes now.
  public func sendAvailable(
    _ file: any OpenFile, from offset: UInt64, count: UInt64
  ) throws(StreamError) -> UInt64 {
    let bytes: [UInt8]
    do { bytes = try file.read(Int(count), at: offset) } catch { throw .unreadableFile(error) }
    guard !bytes.isEmpty else { throw .truncatedFile }
    let sent = try connection.write(side, bytes[...])
    note(sent: sent)
    return UInt64(sent)
  }

  /// Waits for a turn, as for a worker.
  public func prepare(_ file: any OpenFile, from offset: UInt64, count: Int) async {
    let clock = loop.clock
    await withCheckedContinuation { continuation in
      _ = clock.after(.zero) { continuation.resume() }
    }
  }

  /// Reads a part of a file.
  public func load(_ file: any OpenFile, from offset: UInt64, count: Int) async throws(StreamError) -> [UInt8] {
    let bytes: [UInt8]
    do { bytes = try file.read(count, at: offset) } catch { throw .unreadableFile(error) }
    guard bytes.count == count else { throw .truncatedFile }
    return bytes
  }

  /// Sends a part of a file.
  public func send(_ file: any OpenFile, from offset: UInt64, count: UInt64) async throws(StreamError) {
    var sent: UInt64 = 0
    while sent < count {
      let bytes: [UInt8]
      do {
        bytes = try file.read(Int(min(count - sent, 65_536)), at: offset + sent)
      } catch {
        throw .truncatedFile
      }
      if bytes.isEmpty { throw .truncatedFile }
      try await write(bytes, more: true)
      sent += UInt64(bytes.count)
    }
  }

  /// Ends our direction.
  public func finishWriting() {
    connection.finishWriting(side)
  }

  /// Closes both directions at once.
  public func close() {
    connection.close(side)
  }

  /// Reads until `enough` holds of all that came, at most `limit` bytes, or until the end of the stream.
  public func read(
    atMost limit: Int = 1 << 20, until enough: ([UInt8]) -> Bool = { _ in false }
  ) async throws(StreamError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < limit, !enough(bytes) {
      if try await read(into: &bytes, atMost: limit - bytes.count) == 0 { break }
    }
    return bytes
  }
}
