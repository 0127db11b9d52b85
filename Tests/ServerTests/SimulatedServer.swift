// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTP2Peer
import GantryHTTPService
import GantryHTTPWire
import GantryLimiting
import GantryServer
import GantryTLS
import GantryTestKit
import GantryWorld
import Synchronization

/// Answers requests by what their path says, and keeps what it was told.
struct ScriptedResponder: RequestResponder {
  final class Record: Sendable {
    let malformed = Mutex<[WireError]>([])
    let outcomes = Mutex<[ResponseOutcome]>([])
    let bodyErrors = Mutex<[BodyError]>([])
    let refusals = Mutex<[String]>([])
    let cutOffs = Mutex<[String]>([])
    let broken = Mutex<[String]>([])
    let addressRefusals = Mutex<[String]>([])
    /// How many answers of files were made.
    let files = Mutex(0)
    private let held = Mutex<[CheckedContinuation<Void, Never>]>([])

    /// Waits for ``release()``.
    func hold() async { await withCheckedContinuation { waiter in held.withLock { $0.append(waiter) } } }

    /// Lets everybody go who waits.
    func release() {
      for waiter in held.withLock({ waiters in
        defer { waiters = [] }
        return waiters
      }) { waiter.resume() }
    }
  }

  let record: Record

  /// Paths below `/now/` are answered at once: `/now/file` with 200 000 bytes of a file, `/now/short` with such of a
  /// file that ends too early, `/now/medium` with 50 000 bytes, `/now/unchanged` with 304, all others with their path.
  func respondAtOnce(to request: Request) -> Response? {
    let path = String(decoding: request.head.path, as: UTF8.self)
    guard path.hasPrefix("/now/") else { return nil }
    switch path {
    case "/now/file": return Response(status: .ok, body: .file(PatternFile(), 1000..<201_000))
    case "/now/short": return Response(status: .ok, body: .file(PatternFile(end: 100_000), 1000..<201_000))
    case "/now/unchanged": return Response(status: .notModified)
    case "/now/medium": return Response(status: .ok, body: .bytes([UInt8](repeating: 5, count: 50_000)))
    default: return Response(status: .ok, body: .bytes(Array(path.utf8)))
    }
  }

  /// `/echo` answers with the request's body, `/ignore` without reading it, `/bytes` with 100 000 bytes, `/medium` with
  /// 5000, `/stream` with five pieces, `/file` with a long file, `/cold` with one of which every other part is not in
  /// memory, `/short` with one that ends too early, `/broken` breaks off after two, `/pieces` joins three, `/held`
  /// answers when it is released, all others answer with their path.
  func respond(to request: Request) async -> Response {
    let path = String(decoding: request.head.path, as: UTF8.self)
    switch path {
    case "/echo": return await echo(request)
    case "/ignore": return Response(status: .ok, body: .bytes(Array("ignored".utf8)))
    case "/stream": return Response(status: .ok, body: .stream(CountedStream(pieces: 5)))
    case "/broken": return Response(status: .ok, body: .stream(CountedStream(pieces: 2, breaks: true)))
    case "/pieces":
      return Response(
        status: .partialContent,
        body: .pieces([.bytes(Array("ab".utf8)), .slice(Array("xxcdxx".utf8), 2..<4), .bytes(Array("ef".utf8))]))
    case "/file": return file(PatternFile())
    case "/cold": return file(PatternFile(isCold: true))
    case "/short": return file(PatternFile(end: 300_000))
    case "/medium": return Response(status: .ok, body: .bytes([UInt8](repeating: UInt8(ascii: "m"), count: 5000)))
    case "/held":
      await record.hold()
      return Response(status: .ok, body: .bytes(Array(path.utf8)))
    case "/names":
      return Response(status: .ok, body: .bytes(Array("\(request.isSecure) \(request.clientNames)".utf8)))
    case "/bytes": return Response(status: .ok, body: .bytes([UInt8](repeating: 7, count: 100_000)))
    default: return Response(status: .ok, body: .bytes(Array(path.utf8)))
    }
  }

  func mayUseFile(_ head: RequestHead) -> Bool {
    ["/file", "/cold", "/short"].contains(String(decoding: head.path, as: UTF8.self))
  }

  func respond(toMalformed error: WireError, from peer: PeerAddress, id: RequestID) -> Response {
    record.malformed.withLock { $0.append(error) }
    return Response(status: .badRequest, closesConnection: true)
  }

  func finished(_ outcome: ResponseOutcome) {
    record.outcomes.withLock { $0.append(outcome) }
  }

  /// A file of a million bytes, from its 1000th on.
  private func file(_ file: PatternFile) -> Response {
    record.files.withLock { $0 += 1 }
    return Response(status: .ok, body: .file(file, 1000..<1_000_000))
  }

  private func echo(_ request: Request) async -> Response {
    var bytes: [UInt8] = []
    do throws(BodyError) {
      while let body = request.body, try await body.read(into: &bytes, atMost: 1024) {}
    } catch {
      record.bodyErrors.withLock { $0.append(error) }
      return Response(status: .badRequest, closesConnection: true)
    }
    return Response(status: .ok, body: .bytes(bytes))
  }
}

/// A file whose bytes tell their place.
final class PatternFile: OpenFile {
  static func byte(at place: Int) -> UInt8 { UInt8(truncatingIfNeeded: place &* 31 &+ place >> 8) }

  private let isCold: Bool
  private let end: Int
  private static let partBytes = 50_000

  init(isCold: Bool = false, end: Int = 1_000_000) {
    self.isCold = isCold
    self.end = end
  }

  func read(
    _ count: Int, at offset: UInt64, into buffer: inout [UInt8], residentOnly: Bool
  ) -> Int {
    var count = count
    if isCold, residentOnly {
      if Int(offset) / Self.partBytes % 2 == 1 { return 0 }
      count = min(count, Self.partBytes - Int(offset) % Self.partBytes)
    }
    let bytes = read(count, at: offset)
    buffer += bytes
    return bytes.count
  }

  func status() -> FileStatus {
    FileStatus(
      isDirectory: false, size: 1_000_000, inode: 1, linkCount: 1, changed: WallTime(seconds: 0),
      modified: WallTime(seconds: 0))
  }
  func read(_ count: Int, at offset: UInt64) -> [UInt8] {
    (0..<max(0, min(count, end - Int(offset)))).map { Self.byte(at: Int(offset) + $0) }
  }
  func write(_ bytes: [UInt8], at offset: UInt64) throws(FileError) { throw refusal }
  func truncate(to size: UInt64) throws(FileError) { throw refusal }
  func sync() throws(FileError) { throw refusal }
  func tryLock() throws(FileError) -> Bool { throw refusal }
  func isLockedElsewhere() throws(FileError) -> Bool { throw refusal }
  func lock() throws(FileError) { throw refusal }
  func unlock() {}

  private var refusal: FileError { FileError(.unsupported, operation: "write", path: "pattern") }
}

/// A body of `piece 0`, `piece 1`, and so on.
private final class CountedStream: ResponseStream {
  private let pieces: Int
  private let breaks: Bool
  private let sent = Mutex(0)

  init(pieces: Int, breaks: Bool = false) {
    self.pieces = pieces
    self.breaks = breaks
  }

  func next() async throws(ResponseStreamFailure) -> [UInt8]? {
    let number = sent.withLock { sent in
      sent += 1
      return sent - 1
    }
    if number < pieces { return Array("piece \(number)\n".utf8) }
    if breaks { throw ResponseStreamFailure(reason: "broken on purpose") }
    return nil
  }
}

/// A server of scripted answers in a simulated world, and clients for it.
final class SimulatedServer: Sendable {
  let simulated: SimulatedWorld
  let server: HTTPServer
  let record = ScriptedResponder.Record()
  private let process: SimulatedProcess
  private let listener: SimulatedListener
  private let isSecure: Bool

  init(
    seed: UInt64, loops: Int = 2, limits: ServerLimits = ServerLimits(), http2InClear: Bool = true,
    security: CurrentTLSContext? = nil, limiter: ConnectionLimiter? = nil, networkBufferBytes: Int = 65_536
  ) throws {
    simulated = SimulatedWorld(seed: seed, networkBufferBytes: networkBufferBytes)
    isSecure = security != nil
    process = simulated.startProcess(loops: loops)
    listener = try simulated.network.listen(at: .tcp(host: "192.0.2.1", port: 5000), on: process.loops[0])
    let (record, listener) = (record, listener)
    server = HTTPServer(
      world: process.world, listeners: [security.map { TLSListener(listener, $0) } ?? listener], limits: limits,
      protocols: ServerProtocols(http2InClear: http2InClear), limiter: limiter,
      responder: { _ in ScriptedResponder(record: record) },
      report: { trouble in
        switch trouble {
        case .handshakeFailed(_, let reason): record.refusals.withLock { $0.append(reason) }
        case .clientCutOff(_, let reason): record.cutOffs.withLock { $0.append(reason) }
        case .responseBroken(let failure, let target): record.broken.withLock { $0.append("\(target): \(failure)") }
        case .addressRefused(let peer, let count):
          record.addressRefusals.withLock { $0.append("\(peer.host): \(count)") }
        case .acceptFailed: break
        }
      })
    spawn(on: process.loops[0]) { [server] in await server.serve() }
  }

  /// A new connection.
  func connect() throws(StreamError) -> HTTPClient {
    HTTPClient(try simulated.network.connect(to: listener.address, on: simulated.process.loops[0]))
  }

  /// A new connection that speaks HTTP/2, in the clear or as ALPN agrees on it.
  func connectHTTP2(_ peer: HTTP2Peer = HTTP2Peer()) async throws -> HTTP2Client {
    let client = HTTP2Client(try stream(), peer, isSecure: isSecure)
    let isAgreed = try await client.shakeHands()
    precondition(isAgreed, "the handshake failed")
    return client
  }

  /// A new connection, before anything is said on it.
  func stream() throws(StreamError) -> SimulatedStream {
    try simulated.network.connect(to: listener.address, on: simulated.process.loops[0])
  }

  /// Drains the server and runs what is left.
  func drain() {
    let server = server
    simulated.run { await server.drain(within: .seconds(5)) }
    simulated.scheduler.settle()
  }
}
