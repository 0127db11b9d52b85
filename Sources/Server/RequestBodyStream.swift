// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTPService
internal import GantryHTTPWire
internal import GantryWorld

/// The body of the request under way. Takes from the connection what its reader asks for and nothing more, which is the
/// back-pressure: while nobody reads, the client's window fills.
final class RequestBodyStream: RequestBody {
  private let input: ConnectionInput
  private var remaining: UInt64
  private var decoder: ChunkedDecoder?
  private var failure: BodyError?
  /// Whether the client still waits for `100 Continue`.
  private(set) var isAwaited: Bool
  private(set) var isComplete = false

  let announcedLength: UInt64?

  /// Nil for a request without a body.
  static func of(_ head: RequestHead, input: ConnectionInput) -> RequestBodyStream? {
    if case .none = head.framing { return nil }
    return RequestBodyStream(head, input)
  }

  private init(_ head: RequestHead, _ input: ConnectionInput) {
    self.input = input
    isAwaited = head.expectsContinue
    remaining = 0
    announcedLength =
      if case .length(let length) = head.framing { length } else { nil }
    if let announcedLength {
      remaining = announcedLength
      isComplete = announcedLength == 0
    } else {
      decoder = ChunkedDecoder(limits: input.limits.wire)
    }
  }

  /// Whether the rest could still be read and is, as far as its length is known, no longer than `limit`: else the
  /// answer says that the connection closes, which a client that is still sending has to know.
  func mayBeDropped(atMost limit: Int) -> Bool {
    failure == nil && (decoder != nil || remaining <= UInt64(limit))
  }

  func read(into buffer: inout [UInt8], atMost limit: Int) async throws(BodyError) -> Bool {
    if let failure { throw failure }
    guard !isComplete else { return false }
    do throws(BodyError) {
      if isAwaited { try await sendContinue() }
      input.enter(.body)
      let more = try await decoder == nil ? readPlain(&buffer, limit) : readChunked(&buffer, limit)
      input.enter(.responding)
      return more
    } catch {
      failure = error
      throw error
    }
  }

  private func sendContinue() async throws(BodyError) {
    isAwaited = false
    var interim: [UInt8] = []
    ResponseWriter.writeContinue(into: &interim)
    do {
      try await input.stream.write(interim, more: false)
    } catch {
      throw broken
    }
  }

  private func readPlain(_ buffer: inout [UInt8], _ limit: Int) async throws(BodyError) -> Bool {
    let wanted = Int(min(UInt64(limit), remaining))
    let early = input.available.prefix(wanted)
    var count = early.count
    if count > 0 {
      buffer.append(contentsOf: early)
      input.consume(count)
    } else {
      do {
        if let arrived = try input.stream.readAvailable(into: &buffer, atMost: wanted) {
          count = arrived
        } else {
          // Nobody holds memory while it waits for a client.
          if buffer.isEmpty { buffer = [] }
          count = try await input.stream.read(into: &buffer, atMost: wanted)
        }
      } catch {
        throw broken
      }
      guard count > 0 else { throw broken }
    }
    remaining -= UInt64(count)
    isComplete = remaining == 0
    return true
  }

  private func readChunked(_ buffer: inout [UInt8], _ limit: Int) async throws(BodyError) -> Bool {
    guard var decoder else { return false }
    defer { self.decoder = decoder }
    var added = 0
    while true {
      while !input.available.isEmpty {
        let (step, data) = input.decode(&decoder)
        switch step {
        case .data(_, let consumed):
          buffer.append(contentsOf: data)
          added += data.count
          input.consume(consumed)
        case .needMore(let consumed):
          input.consume(consumed)
        case .end(let consumed):
          input.consume(consumed)
          isComplete = true
          return added > 0
        case .failed(let error):
          throw .malformed(error)
        }
      }
      if added > 0 { return true }
      guard await input.receive(atMost: limit) else { throw broken }
    }
  }

  /// Why the stream ended before the body did.
  private var broken: BodyError {
    if input.machine.hasTimedOut { return .stalled }
    return input.machine.isDraining ? .draining : .disconnected
  }

  /// Reads and drops the rest, at most `limit` bytes. True when the body is complete then.
  func discard(atMost limit: Int) async -> Bool {
    var dropped: [UInt8] = []
    var left = limit
    while !isComplete, left > 0 {
      dropped.removeAll(keepingCapacity: true)
      do throws(BodyError) {
        guard try await read(into: &dropped, atMost: min(left, 64 << 10)) else { break }
      } catch {
        return false
      }
      left -= dropped.count
    }
    return isComplete
  }
}
