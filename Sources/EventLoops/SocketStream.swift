// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld
internal import Glibc

/// A connected socket as a stream of bytes.
final class SocketStream: ByteStream {
  let peer: PeerAddress
  private(set) var progress: UInt64 = 0
  private(set) var sent: UInt64 = 0
  private let poll: SocketPoll
  /// Whether a read may find something: false after a read that emptied the socket.
  private var mayHaveInput = true
  /// Whether the last read brought as much as the scratch memory holds: then more of it comes, and is worth a buffer.
  private var arrivesInBulk = false

  /// Bytes that leave by one sendfile call before other connections have a turn.
  private static let fileBytesPerTurn: UInt64 = 2 << 20
  /// How far apart the probes stand that ask whether a file is in the page cache. The kernel reads ahead in larger
  /// pieces.
  private static let residencyProbeStride: UInt64 = 128 << 10

  init(_ poll: SocketPoll, peer: PeerAddress) {
    self.poll = poll
    self.peer = peer
  }

  func read(into buffer: inout [UInt8], atMost limit: Int) async throws(StreamError) -> Int {
    while true {
      if let count = try readAvailable(into: &buffer, atMost: limit) { return count }
      await poll.readable()
      mayHaveInput = true
    }
  }

  var hasArrival: Bool { !poll.isClosed && gantry_has_input(poll.descriptor) == 1 }

  func readAvailable(into buffer: inout [UInt8], atMost limit: Int) throws(StreamError) -> Int? {
    precondition(limit > 0, "a read of no bytes cannot tell the end of the stream")
    guard !poll.isClosed else { throw .closed }
    while mayHaveInput {
      let (count, room) = receive(into: &buffer, atMost: limit)
      if count >= 0 {
        // A read that was not filled has emptied the socket; the next may wait for the poll without asking again.
        mayHaveInput = count == room
        arrivesInBulk = count >= EventLoop.scratchBytes
        progress &+= UInt64(count)
        return count
      }
      guard count == -Int(EAGAIN) || count == -Int(EINTR) else { throw Self.error(Int32(-count)) }
      mayHaveInput = count == -Int(EINTR)
    }
    return nil
  }

  func notifyWhenReadable(_ notify: @escaping @Sendable () -> Void) {
    mayHaveInput = true
    poll.whenReadable(notify)
  }

  /// Reads once: straight into the buffer where its owner reserved room or much is coming, else through the loop's
  /// scratch memory, so that a waiting connection holds no buffer. Returns what the system said, and how much fitted.
  private func receive(into buffer: inout [UInt8], atMost limit: Int) -> (result: Int, room: Int) {
    let descriptor = poll.descriptor
    if arrivesInBulk, buffer.isEmpty { buffer.reserveCapacity(limit) }
    if buffer.capacity - buffer.count >= limit {
      var result = 0
      buffer.append(addingCapacity: limit) { span in
        unsafe span.withUnsafeMutableBufferPointer { room, filled in
          result = unsafe gantry_receive(descriptor, room.baseAddress?.advanced(by: filled), limit)
          filled += max(0, result)
        }
      }
      return (result, limit)
    }
    let scratch = unsafe poll.loop.scratch
    let room = min(limit, EventLoop.scratchBytes)
    let result = unsafe gantry_receive(descriptor, scratch, room)
    if result > 0 { unsafe buffer.append(contentsOf: UnsafeRawBufferPointer(start: scratch, count: result)) }
    return (result, room)
  }

  func write(_ bytes: [UInt8], more: Bool) async throws(StreamError) {
    var done = 0
    while done < bytes.count {
      guard !poll.isClosed else { throw .closed }
      let result = unsafe bytes.withUnsafeBytes { buffer in
        unsafe gantry_send(
          poll.descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done, more ? 1 : 0)
      }
      if result >= 0 {
        done += result
        note(sent: result)
      } else if result == -Int(EAGAIN) {
        await poll.writable()
      } else if result != -Int(EINTR) {
        throw Self.error(Int32(-result))
      }
    }
  }

  func writeAvailable(_ head: [UInt8], _ body: [UInt8], more: Bool) throws(StreamError) -> Int {
    guard !poll.isClosed else { throw .closed }
    while true {
      let result = unsafe head.withUnsafeBytes { head in
        unsafe body.withUnsafeBytes { body in
          unsafe gantry_send_both(
            poll.descriptor, head.baseAddress, head.count, body.baseAddress, body.count, more ? 1 : 0)
        }
      }
      if result >= 0 {
        note(sent: result)
        return result
      }
      if result == -Int(EAGAIN) { return 0 }
      if result != -Int(EINTR) { throw Self.error(Int32(-result)) }
    }
  }

  private func note(sent count: Int) {
    progress &+= UInt64(count)
    sent &+= UInt64(count)
  }

  func prepare(_ file: any OpenFile, from offset: UInt64, count: Int) async throws(StreamError) {
    if count > 0 { try await makeResident(Self.system(file), from: offset, count: UInt64(count)) }
  }

  func load(_ file: any OpenFile, from offset: UInt64, count: Int) async throws(StreamError) -> [UInt8] {
    guard count > 0 else { return [] }
    try await makeResident(Self.system(file), from: offset, count: UInt64(count))
    let bytes: [UInt8]
    do { bytes = try file.read(count, at: offset) } catch { throw .unreadableFile(error) }
    guard bytes.count == count else { throw .truncatedFile }
    return bytes
  }

  private static func system(_ file: any OpenFile) -> SystemFile {
    guard let file = file as? SystemFile else {
      preconditionFailure("a file of another world was sent through a socket")
    }
    return file
  }

  func send(_ file: any OpenFile, from offset: UInt64, count: UInt64) async throws(StreamError) {
    let file = Self.system(file)
    var position = offset
    let end = offset + count
    while position < end {
      let piece = min(Self.fileBytesPerTurn, end - position)
      try await makeResident(file, from: position, count: piece)
      let pieceEnd = position + piece
      while position < pieceEnd {
        guard !poll.isClosed else { throw .closed }
        let result = gantry_sendfile(
          poll.descriptor, file.descriptor, Int64(position), Int(pieceEnd - position))
        if result > 0 {
          position += UInt64(result)
          note(sent: result)
        } else if result == 0 {
          throw .truncatedFile
        } else if result == -Int(EAGAIN) {
          await poll.writable()
        } else if result != -Int(EINTR) {
          throw Self.error(Int32(-result))
        }
      }
      if position < end { await poll.loop.nextTurn() }
    }
  }

  func sendAvailable(_ file: any OpenFile, from offset: UInt64, count: UInt64) throws(StreamError) -> UInt64 {
    guard count > 0, !poll.isClosed else { return 0 }
    let file = Self.system(file)
    guard firstAbsent(file, from: offset, to: offset + count - 1) == nil else { return 0 }
    var sent: UInt64 = 0
    while sent < count {
      let result = gantry_sendfile(poll.descriptor, file.descriptor, Int64(offset + sent), Int(count - sent))
      if result > 0 {
        sent += UInt64(result)
        note(sent: result)
      } else if result != -Int(EINTR) {
        // A failure behind bytes that have left comes back to whoever sends the rest.
        if sent > 0 || result == -Int(EAGAIN) { break }
        throw result == 0 ? .truncatedFile : Self.error(Int32(-result))
      }
    }
    return sent
  }

  /// Has a worker read what is not in the page cache, so that sendfile never waits for the disk on the loop.
  private func makeResident(_ file: SystemFile, from offset: UInt64, count: UInt64) async throws(StreamError) {
    let last = offset + count - 1
    guard let start = firstAbsent(file, from: offset, to: last) else { return }
    do {
      try await poll.loop.workers.run { () throws(FileError) in
        var position = start
        while position <= last {
          let bytes = try file.read(Int(min(Self.residencyProbeStride, last + 1 - position)), at: position)
          if bytes.isEmpty { return }
          position += UInt64(bytes.count)
        }
      }
    } catch {
      throw .unreadableFile(error)
    }
  }

  /// From where on a piece of a file, of at most ``fileBytesPerTurn``, may have to be read from the disk; nil when all
  /// of it is in memory.
  private func firstAbsent(_ file: SystemFile, from offset: UInt64, to last: UInt64) -> UInt64? {
    // The head of a file that is asked for again and again is not looked at each time: nothing that is read all the
    // time leaves the memory within a second.
    let isHead = last < Self.residencyProbeStride && offset == 0
    let now = isHead ? poll.loop.now.nanoseconds : 0
    if isHead, file.residency.covers(last, at: now) { return nil }
    let absent = Self.probe(file, from: offset, to: last)
    if isHead, absent == nil { file.residency.note(last, until: now + 1_000_000_000) }
    return absent
  }

  private static func probe(_ file: SystemFile, from offset: UInt64, to last: UInt64) -> UInt64? {
    var place = offset
    while true {
      switch gantry_is_resident(file.descriptor, Int64(place)) {
      case 0: return place
      case -1:
        let absent = UInt64(gantry_first_absent(file.descriptor, Int64(place), Int64(last + 1)))
        return absent > last ? nil : absent
      default: break
      }
      if place == last { return nil }
      place = min(last, place + residencyProbeStride)
    }
  }

  func finishWriting() {
    guard !poll.isClosed else { return }
    // The other end may be gone already; the next read will say so.
    _ = shutdown(poll.descriptor, Int32(SHUT_WR))
  }

  func close() {
    poll.close()
  }

  private static func error(_ code: Int32) -> StreamError {
    switch code {
    case ECONNRESET, EPIPE, ETIMEDOUT, ENOTCONN, ECONNABORTED: .reset
    default: .failed(code: code)
    }
  }
}
