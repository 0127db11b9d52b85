// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryTLS
internal import GantryWorld

/// TLS over a stream.
///
/// Bytes are encrypted in pieces that are sent before the next is made, and decrypted only when asked for: the back
/// pressure of the transport is that of the content. While nothing is under way no buffer is held, here or in OpenSSL.
final class TLSStream: ByteStream {
  private let transport: any ByteStream
  private let session: TLSSession
  private let clock: any LoopClock
  private(set) var security: StreamSecurity?
  /// The handshake failed: what still comes is of no interest.
  private var isRefused = false
  private var isClosed = false
  private var isWriting = false

  /// What is taken off the transport at once.
  private static let inputBytes = 64 << 10
  /// What is encrypted before it is sent: enough for few calls, little enough to stay in the processor's cache.
  private static let pieceBytes = 128 << 10
  /// Encrypted bytes that may wait for what is announced to follow them.
  private static let heldBytesMax = 16 << 10
  /// File bytes after which other connections have a turn.
  private static let fileBytesPerTurn: UInt64 = 1 << 20
  /// Reads of the transport that may bring no content, such as messages of the protocol, in one turn.
  private static let emptyReadsPerTurn = 8

  /// What a client that speaks HTTP is told in its own language.
  private static let plainAnswer =
    "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    + "Client sent an HTTP request to an HTTPS server.\n"

  init(_ transport: any ByteStream, _ session: TLSSession, clock: any LoopClock) {
    self.transport = transport
    self.session = session
    self.clock = clock
  }

  var peer: PeerAddress { transport.peer }
  var progress: UInt64 { transport.progress }
  var sent: UInt64 { transport.sent }
  var holdsUnsent: Bool { !session.records.output.isEmpty }
  var hasArrival: Bool { !isClosed && (session.holdsContent || transport.hasArrival) }

  // MARK: The handshake

  func establish() async throws(StreamError) -> Bool {
    while security == nil {
      let step: TLSSession.Step
      do { step = try session.handshake() } catch { throw refuse(error) }
      try await flush(more: false)
      if step == .established {
        security = session.security()
        break
      }
      session.records.compact()
      guard let count = try transport.readAvailable(into: &session.records.received, atMost: Self.inputBytes) else {
        return false
      }
      if count == 0 {
        // Whoever only looked whether somebody listens has nothing to be told.
        throw transport.progress == 0 ? .reset : .insecure(reason: "the client closed in the handshake")
      }
    }
    return true
  }

  /// Tells the client why, as far as the transport takes it at once.
  private func refuse(_ failure: TLSFailure) -> StreamError {
    isRefused = true
    if failure == .plainHTTP { session.records.output = Array(Self.plainAnswer.utf8) }
    offer()
    return .insecure(reason: failure.description)
  }

  // MARK: Reading

  func read(into buffer: inout [UInt8], atMost limit: Int) async throws(StreamError) -> Int {
    while true {
      if let count = try readAvailable(into: &buffer, atMost: limit) { return count }
      var arrived: [UInt8] = []
      let count = try await transport.read(into: &arrived, atMost: Self.inputBytes)
      if count == 0 { return 0 }
      session.records.receive(arrived)
    }
  }

  func readAvailable(into buffer: inout [UInt8], atMost limit: Int) throws(StreamError) -> Int? {
    precondition(limit > 0, "a read of no bytes cannot tell the end of the stream")
    if isRefused { return try transport.readAvailable(into: &buffer, atMost: limit) }
    guard !isClosed else { throw .closed }
    for _ in 0..<Self.emptyReadsPerTurn {
      switch try content(into: &buffer, limit) {
      case .content(let count): return count
      case .ended: return 0
      case .needsInput, .established:
        session.records.compact(keeping: limit > Self.heldBytesMax)
        if limit > Self.heldBytesMax { session.records.received.reserveCapacity(Self.inputBytes + Self.heldBytesMax) }
        let count = try transport.readAvailable(into: &session.records.received, atMost: Self.inputBytes)
        guard let count else { return nil }
        // An end that was not announced: whether something is missing is for the protocol within to tell.
        if count == 0 { return 0 }
      }
    }
    return nil
  }

  private func content(into buffer: inout [UInt8], _ limit: Int) throws(StreamError) -> TLSSession.Step {
    do { return try session.read(into: &buffer, atMost: limit) } catch {
      if !isWriting { offer() }
      throw .insecure(reason: error.description)
    }
  }

  func notifyWhenReadable(_ notify: @escaping @Sendable () -> Void) {
    session.records.compact()
    if session.holdsContent, !isRefused, !isClosed { notify() } else { transport.notifyWhenReadable(notify) }
  }

  // MARK: Writing

  func write(_ bytes: [UInt8], more: Bool) async throws(StreamError) {
    var start = 0
    while start < bytes.count {
      // A short rest goes with the last piece: it is worth no record and no call of its own.
      let isLast = bytes.count - start <= Self.pieceBytes + Self.heldBytesMax
      let end = isLast ? bytes.count : start + Self.pieceBytes
      try encrypt(bytes, start..<end)
      start = end
      // The head of a response waits for the start of its body.
      if start == bytes.count, more, session.records.output.count <= Self.heldBytesMax { return }
      try await flush(more: more || start < bytes.count)
    }
    if !more { try await flush(more: false) }
  }

  func writeAvailable(_ head: [UInt8], _ body: [UInt8], more: Bool) throws(StreamError) -> Int {
    offer()
    // What is in one record costs one.
    let bytes = body.isEmpty ? head : head + body.prefix(max(0, Self.heldBytesMax - head.count))
    guard session.records.output.isEmpty, !bytes.isEmpty else { return 0 }
    let count = min(bytes.count, Self.heldBytesMax)
    try encrypt(bytes, 0..<count)
    // What follows at once goes with the start of it, as in a write.
    if !more { offer() }
    return count
  }

  func send(_ file: any OpenFile, from offset: UInt64, count: UInt64) async throws(StreamError) {
    var position = offset
    let end = offset + count
    var turnEnd = position + Self.fileBytesPerTurn
    while position < end {
      let size = Int(min(UInt64(Self.pieceBytes), end - position))
      let bytes = try await transport.load(file, from: position, count: size)
      try encrypt(bytes, 0..<size)
      position += UInt64(size)
      try await flush(more: position < end, keeping: position < end)
      if position < end, position >= turnEnd {
        turnEnd = position + Self.fileBytesPerTurn
        await letOthersGoFirst()
      }
    }
  }

  func load(_ file: any OpenFile, from offset: UInt64, count: Int) async throws(StreamError) -> [UInt8] {
    try await transport.load(file, from: offset, count: count)
  }

  func prepare(_ file: any OpenFile, from offset: UInt64, count: Int) async throws(StreamError) {
    try await transport.prepare(file, from: offset, count: count)
  }

  private func letOthersGoFirst() async {
    let clock = clock
    await withCheckedContinuation { continuation in
      _ = clock.after(.zero) { continuation.resume() }
    }
  }

  private func encrypt(_ bytes: [UInt8], _ range: Range<Int>) throws(StreamError) {
    guard !isClosed, !isRefused, security != nil else { throw .closed }
    do { try session.write(bytes, range) } catch { throw .insecure(reason: error.description) }
  }

  /// Sends what is encrypted, and what comes to it meanwhile; with `keeping`, the memory serves the next piece.
  private func flush(more: Bool, keeping: Bool = false) async throws(StreamError) {
    while !session.records.output.isEmpty {
      var output: [UInt8] = []
      swap(&output, &session.records.output)
      isWriting = true
      defer { isWriting = false }
      try await transport.write(output, more: more)
      guard keeping, session.records.output.isEmpty else { continue }
      output.removeAll(keepingCapacity: true)
      swap(&output, &session.records.output)
    }
  }

  /// Sends what the transport takes without a wait. What it does not take stays for the next write.
  private func offer() {
    guard !isWriting, !session.records.output.isEmpty else { return }
    // A transport that failed says so to whoever reads or writes next.
    let count = (try? transport.writeAvailable(session.records.output, [], more: false)) ?? 0
    // Whoever waits for the next request holds no buffer.
    if count == session.records.output.count {
      session.records.output = []
    } else {
      session.records.output.removeFirst(count)
    }
  }

  // MARK: The end

  func finishWriting() async {
    guard !isClosed else { return }
    if !isRefused { session.finish() }
    offer()
    // What the transport is too full for may be the end of a response. Where this fails nobody is left to be told.
    try? await flush(more: false)
    if !isClosed { await transport.finishWriting() }
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    // In the middle of a write there is no place for a farewell.
    if !isRefused, !isWriting {
      session.finish()
      offer()
    }
    transport.close()
  }
}
