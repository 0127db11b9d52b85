// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTPService
internal import GantryHTTPWire
internal import GantryWorld

/// The receiving side of a connection: its stream, the bytes that came and were not used yet, and the machine that
/// watches the time. Shared by the connection and the body of its current request, in one isolation.
final class ConnectionInput {
  let stream: any ByteStream
  let limits: ServerLimits
  var machine: ConnectionMachine
  private let clock: any LoopClock
  private var parser: RequestParser
  private var buffer: [UInt8] = []
  private var start = 0

  /// What a head is read in at a time: more than nearly every head.
  private static let headReadBytes = 16 << 10

  init(_ stream: any ByteStream, limits: ServerLimits, clock: any LoopClock) {
    self.stream = stream
    self.limits = limits
    self.clock = clock
    parser = RequestParser(limits: limits.wire)
    machine = ConnectionMachine(limits: limits, now: clock.now)
  }

  /// What has come of the next request.
  enum Arrival {
    case head(RequestHead)
    case malformed(WireError)
    /// Not a whole head, and nothing more at the moment.
    case nothing
    /// The client closed, or went away, or ran out of time.
    case end
  }

  func enter(_ phase: ConnectionMachine.Phase) {
    machine.enter(phase, now: clock.now, progress: stream.progress)
  }

  /// Begins to look for the next head.
  func expectHead() {
    parser.reset()
    enter(start < buffer.count ? .head : .idle)
  }

  /// Takes the next head out of what has come, without waiting. Holds no buffer while nothing has come.
  func nextHead() -> Arrival {
    while true {
      if start < buffer.count {
        switch parser.parse(buffer, from: start) {
        case .head(let head, let consumed):
          consume(consumed)
          return .head(head)
        case .failed(let error):
          return .malformed(error)
        case .needMore:
          if machine.phase == .idle { enter(.head) }
        }
      }
      compact()
      do {
        guard let count = try stream.readAvailable(into: &buffer, atMost: Self.headReadBytes) else { return .nothing }
        if count == 0 { return .end }
      } catch {
        return .end
      }
    }
  }

  /// Drops what the client still sends, without waiting; a client that sends fast has the loop for no longer than some
  /// reads take. False when there is nothing more to wait for. How much it sends is bounded by the time that the
  /// connection may linger: cut off earlier, it would be reset before it has read the answer.
  func dropArrived() -> Bool {
    var dropped: [UInt8] = []
    for _ in 0..<4 {
      dropped.removeAll(keepingCapacity: true)
      do {
        guard let count = try stream.readAvailable(into: &dropped, atMost: 64 << 10) else { return true }
        if count == 0 { return false }
      } catch {
        return false
      }
    }
    return true
  }

  /// Whether a head is awaited of which nothing has come, on a new connection too.
  var hasNoRequest: Bool { (machine.phase == .head || machine.phase == .idle) && start == buffer.count }

  /// Bytes that came and were not used yet.
  var available: ArraySlice<UInt8> { buffer[start...] }

  /// Runs a decoder over what came and was not used yet.
  func decode(_ decoder: inout ChunkedDecoder) -> (ChunkedDecoder.Step, data: ArraySlice<UInt8>) {
    let step = decoder.decode(buffer, from: start)
    guard case .data(let range, _) = step else { return (step, []) }
    return (step, buffer[range])
  }

  /// Marks bytes as used; the buffer is given back with the last.
  func consume(_ count: Int) {
    start += count
    if start == buffer.count {
      buffer = []
      start = 0
    }
  }

  /// Waits for more bytes behind those that are there. False at the end of the stream or after a failure.
  func receive(atMost limit: Int) async -> Bool {
    compact()
    do {
      return try await stream.read(into: &buffer, atMost: limit) > 0
    } catch {
      return false
    }
  }

  /// Moves unused bytes to the front. The parser counts from its offset, which moves with them.
  private func compact() {
    guard start > 0 else { return }
    buffer.removeFirst(start)
    start = 0
  }
}
