// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTPService
internal import GantryHTTPWire
internal import GantryLimiting
internal import GantryWorld
internal import Synchronization

/// The connections of one loop. Lives on that loop.
actor ConnectionTable {
  /// What every connection of the loop is given.
  struct Shared: Sendable {
    let responder: any RequestResponder
    let limits: ServerLimits
    let protocols: ServerProtocols
    let wallClock: any WallClock
    let identities: Identities
    let limiter: ConnectionLimiter?
    let report: @Sendable (ServerTrouble) -> Void
  }

  /// Hands out numbers that no other connection has: random where the process starts, then counted.
  final class Identities: Sendable {
    private let high: UInt64
    private let low: Atomic<UInt64>

    /// Requests that one connection may number before it could meet the next one's.
    private static let stride: UInt64 = 1 << 32

    init(entropy: any Entropy) {
      let start = RequestID(randomBytes: entropy.bytes(16))
      high = start.high
      low = Atomic(start.low)
    }

    func next() -> (UInt64, UInt64) {
      (high, low.wrappingAdd(Self.stride, ordering: .relaxed).newValue)
    }
  }

  /// How often deadlines are looked at. They are counted in many seconds, so a coarse look costs nothing and misses
  /// nothing.
  private static let sweepInterval = Duration.seconds(1)

  private let loop: any LoopExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let shared: Shared
  private let connectionsMax: Int
  private var connections: [ObjectIdentifier: Connection] = [:]
  private var http2Connections: [ObjectIdentifier: HTTP2Connection] = [:]
  private var sweepTimer: (any LoopTimer)?
  /// What the last connection that wrote frames wrote them to.
  private var writeBuffer: [UInt8] = []
  private static let writeBufferBytesMax = 256 << 10
  private var isDraining = false
  /// Whether the time to drain is over.
  private var isCut = false
  /// Connections that were accepted for this loop and have not arrived on it. A drain waits for them, too.
  private nonisolated let expected = Atomic(0)
  private var accepted: UInt64 = 0
  private var refused: UInt64 = 0
  private var isWindingDown = false
  private var idleServers: [CheckedContinuation<Work?, Never>] = []
  private var drains: [CheckedContinuation<Void, Never>] = []

  init(on loop: any LoopExecutor, connectionsMax: Int, shared: Shared) {
    self.loop = loop
    self.connectionsMax = connectionsMax
    self.shared = shared
  }

  /// Says that ``admit(_:counted:)`` will be called. Called by whoever accepts, before the connection is on its way
  /// here.
  nonisolated func expectOne() { expected.add(1, ordering: .relaxed) }

  /// Takes an accepted connection in and serves what has come on it. Also while the table drains: the other end saw us
  /// listen, and its first request may be there. `place` is what it is counted as.
  func admit(_ accepted: any AcceptedStream, counted place: ConnectionLimiter.Place?) async {
    guard let connection = await connection(of: accepted, counted: place) else {
      uncount(place)
      expected.subtract(1, ordering: .relaxed)
      if count == 0 { settle() }
      return
    }
    take(in: connection)
    await serve(.arrived(connection))
  }

  private func take(in connection: Connection) {
    connections[ObjectIdentifier(connection)] = connection
    expected.subtract(1, ordering: .relaxed)
    if isWindingDown { connection.assumeIsolated { $0.windDown() } }
    if isDraining { connection.assumeIsolated { $0.drain() } }
    if sweepTimer == nil { armSweep() }
  }

  /// Nil for one that is turned away.
  private func connection(
    of accepted: any AcceptedStream, counted place: ConnectionLimiter.Place?
  ) async -> Connection? {
    guard !isCut else {
      accepted.refuse()
      return nil
    }
    guard count < connectionsMax else {
      refused &+= 1
      await refuse(accepted)
      return nil
    }
    self.accepted &+= 1
    // What cannot be opened has gone already.
    return try? Connection(accepted, on: loop, of: self, counted: place, serving: shared)
  }

  // MARK: Serving tasks

  // A task's stack, once deep, stays large. So tasks do not belong to connections: a few of them serve whichever
  // connection has something to read, and there are as many as requests are under way at once.

  /// Serving tasks that wait for work; more of them end.
  private static let idleServersMax = 64

  /// What a serving task does next.
  private enum Work {
    /// Serve what has come.
    case arrived(Connection)
    /// The same, over HTTP/2.
    case arrivedHTTP2(HTTP2Connection)
    /// Answer a request of an HTTP/2 connection, or write to it.
    case job(HTTP2Connection)
  }

  /// Serves connections, one after the other, for as long as there is one that has something.
  private func serve(_ first: Work) async {
    var current: Work? = first
    while let work = current {
      switch work {
      case .arrived(let connection):
        switch await connection.serveArrived() {
        case .waits: wait(for: connection)
        case .ended: forget(connection)
        case .speaksHTTP2:
          current = .arrivedHTTP2(replace(connection))
          continue
        }
      case .arrivedHTTP2(let connection):
        switch await connection.serveArrived() {
        case .waits: wait(for: connection)
        case .parked: break
        case .ended: forget(connection)
        }
      case .job(let connection):
        await connection.performJob()
      }
      current = await nextWork()
    }
  }

  private func nextWork() async -> Work? {
    guard idleServers.count < Self.idleServersMax, count > 0 else { return nil }
    return await withCheckedContinuation { idleServers.append($0) }
  }

  private func wait(for connection: Connection) {
    connection.assumeIsolated { $0.serveNextArrival() }
  }

  /// What came on a connection was served as far as that needs no waiting: nil leaves the rest to a task.
  func served(_ connection: Connection, _ outcome: Connection.Outcome?) {
    if outcome == .ended { forget(connection) } else { serveSoon(.arrived(connection)) }
  }

  private func wait(for connection: HTTP2Connection) {
    connection.assumeIsolated { connection in
      connection.notifyWhenReadable { [weak self, unowned connection] in
        self?.assumeIsolated { $0.serveSoon(.arrivedHTTP2(connection)) }
      }
    }
  }

  private func serveSoon(_ work: Work) {
    if let server = idleServers.popLast() {
      server.resume(returning: work)
    } else {
      spawn(on: loop) { await self.serve(work) }
    }
  }

  /// Has a serving task do a piece of work of an HTTP/2 connection.
  func perform(jobOf connection: HTTP2Connection) {
    serveSoon(.job(connection))
  }

  /// Memory to write frames to: what the last writer left, warm and without page faults, or none.
  func takeWriteBuffer() -> [UInt8] {
    defer { writeBuffer = [] }
    return writeBuffer
  }

  /// Takes memory back that frames were written to. One buffer is kept for all connections of the loop.
  func giveBack(writeBuffer buffer: consuming [UInt8]) {
    guard buffer.capacity > writeBuffer.capacity, buffer.capacity <= Self.writeBufferBytesMax else { return }
    writeBuffer = buffer
  }

  /// Goes on with a connection in HTTP/2.
  private func replace(_ connection: Connection) -> HTTP2Connection {
    connections[ObjectIdentifier(connection)] = nil
    let handOver = connection.assumeIsolated { $0.handOver() }
    let successor = HTTP2Connection(handOver, on: loop, of: self, serving: shared)
    http2Connections[ObjectIdentifier(successor)] = successor
    // What ended this one connection ends its successor: a certificate that was revoked during the handshake, for one.
    if isDraining || handOver.isDraining {
      successor.assumeIsolated { $0.drain() }
    } else if isWindingDown {
      successor.assumeIsolated { $0.windDown() }
    }
    return successor
  }

  private func forget(_ connection: Connection) {
    guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
    uncount(connection.place)
    if count == 0 { settle() }
  }

  /// An HTTP/2 connection is closed and nothing of it is under way.
  func forget(_ connection: HTTP2Connection) {
    guard http2Connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
    uncount(connection.place)
    if count == 0 { settle() }
  }

  private func uncount(_ place: ConnectionLimiter.Place?) {
    if let place { shared.limiter?.leave(place) }
  }

  /// Tells a client that there is no room, in one packet that no slow client can hold us up with.
  private func refuse(_ accepted: any AcceptedStream) async {
    var output: [UInt8] = []
    var fields = Fields()
    fields.append("Retry-After", "1")
    ResponseWriter.writeHead(
      status: .serviceUnavailable, fields: fields, framing: .length(0), keepAlive: false, date: [], into: &output)
    do {
      let stream = try accepted.open(on: loop)
      defer { stream.close() }
      // Who would have to be waited for first goes without a word.
      guard try await stream.establish() else { return }
      try await stream.write(output, more: false)
      await stream.finishWriting()
    } catch {
      accepted.refuse()
    }
  }

  private func settle() {
    sweepTimer?.cancel()
    sweepTimer = nil
    for server in idleServers { server.resume(returning: nil) }
    idleServers = []
    guard nothingIsLeft else { return }
    for drain in drains { drain.resume() }
    drains = []
  }

  private func armSweep() {
    sweepTimer = loop.clock.after(Self.sweepInterval) { [weak self] in
      self?.assumeIsolated { $0.sweep() }
    }
  }

  private func sweep() {
    let now = loop.clock.now
    let overdue = connections.values.filter { connection in connection.assumeIsolated { $0.isOverdue(now: now) } }
    for connection in Self.byAge(overdue) { connection.assumeIsolated { $0.expire() } }
    for connection in http2ByAge() {
      connection.assumeIsolated { if $0.isOverdue(now: now) { $0.expire() } }
    }
    // The last may have ended with that.
    sweepTimer = nil
    if count > 0 { armSweep() }
  }

  /// Has each connection, those to come too, close with its next answer.
  func windDown() {
    isWindingDown = true
    for connection in Self.byAge(connections.values) { connection.assumeIsolated { $0.windDown() } }
    for connection in http2ByAge() { connection.assumeIsolated { $0.windDown() } }
  }

  /// Ends the connections that show a client's certificate, when what is under way is answered.
  func endCertified() {
    for connection in Self.byAge(connections.values) {
      connection.assumeIsolated { if $0.showsCertificate { $0.drain() } }
    }
    for connection in http2ByAge() { connection.assumeIsolated { if $0.showsCertificate { $0.drain() } } }
  }

  /// Lets connections end, those that are still on their way here too, and returns when the last has. After `limit` the
  /// rest is cut.
  func drain(within limit: Duration) async {
    beginDrain()
    guard !nothingIsLeft else { return }
    let cut = loop.clock.after(limit) { [weak self] in
      self?.assumeIsolated { $0.abort() }
    }
    await withCheckedContinuation { continuation in
      // Looked at again: a task that prefers another loop is enqueued anew before this body, and the last connection
      // may have ended meanwhile.
      if nothingIsLeft { continuation.resume() } else { drains.append(continuation) }
    }
    cut.cancel()
  }

  private func beginDrain() {
    isDraining = true
    for connection in Self.byAge(connections.values) { connection.assumeIsolated { $0.drain() } }
    for connection in http2ByAge() { connection.assumeIsolated { $0.drain() } }
  }

  private var nothingIsLeft: Bool { count == 0 && expected.load(ordering: .relaxed) == 0 }

  private func abort() {
    isCut = true
    for connection in Self.byAge(connections.values) { connection.assumeIsolated { $0.abort() } }
    for connection in http2ByAge() { connection.assumeIsolated { $0.abort() } }
  }

  // The order in which connections end must be the same in each run of a simulated history.
  private static func byAge(_ connections: some Sequence<Connection>) -> [Connection] {
    connections.sorted { $0.number < $1.number }
  }

  /// What it holds, and what has come since the start.
  var measures: ConnectionMeasures {
    ConnectionMeasures(open: count, accepted: accepted, refused: refused)
  }

  private func http2ByAge() -> [HTTP2Connection] {
    http2Connections.values.sorted { $0.number < $1.number }
  }

  /// How many connections are open.
  var count: Int { connections.count + http2Connections.count }
}
