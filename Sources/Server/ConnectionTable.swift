// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTPService
internal import GantryHTTPWire
internal import GantryWorld
internal import Synchronization

/// The connections of one loop. Lives on that loop.
actor ConnectionTable {
  /// What every connection of the loop is given.
  struct Shared: Sendable {
    let responder: any RequestResponder
    let limits: ServerLimits
    let wallClock: any WallClock
    let identities: Identities
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
  private var sweepTimer: (any LoopTimer)?
  private var isDraining = false
  private var accepted: UInt64 = 0
  private var refused: UInt64 = 0
  private var idleServers: [CheckedContinuation<Connection?, Never>] = []
  private var drains: [CheckedContinuation<Void, Never>] = []

  init(on loop: any LoopExecutor, connectionsMax: Int, shared: Shared) {
    self.loop = loop
    self.connectionsMax = connectionsMax
    self.shared = shared
  }

  /// Takes an accepted connection in and serves what has come on it.
  func admit(_ accepted: any AcceptedStream) async {
    guard !isDraining else { return accepted.refuse() }
    guard connections.count < connectionsMax else {
      refused &+= 1
      return await refuse(accepted)
    }
    self.accepted &+= 1
    let connection: Connection
    do {
      connection = try Connection(accepted, on: loop, serving: shared)
    } catch {
      return
    }
    connections[ObjectIdentifier(connection)] = connection
    if sweepTimer == nil { armSweep() }
    await serve(connection)
  }

  // MARK: Serving tasks

  // A task's stack, once deep, stays large. So tasks do not belong to connections: a few of them serve whichever
  // connection has something to read, and there are as many as requests are under way at once.

  /// Serving tasks that wait for work; more of them end.
  private static let idleServersMax = 64

  /// Serves connections, one after the other, for as long as there is one that has something.
  private func serve(_ first: Connection) async {
    var current: Connection? = first
    while let connection = current {
      switch await connection.serveArrived() {
      case .waits: wait(for: connection)
      case .ended: forget(connection)
      }
      current = await nextReady()
    }
  }

  private func nextReady() async -> Connection? {
    guard idleServers.count < Self.idleServersMax, !connections.isEmpty else { return nil }
    return await withCheckedContinuation { idleServers.append($0) }
  }

  private func wait(for connection: Connection) {
    connection.assumeIsolated { connection in
      connection.notifyWhenReadable { [weak self, unowned connection] in
        self?.assumeIsolated { $0.becameReady(connection) }
      }
    }
  }

  private func becameReady(_ connection: Connection) {
    if let server = idleServers.popLast() {
      server.resume(returning: connection)
    } else {
      spawn(on: loop) { await self.serve(connection) }
    }
  }

  private func forget(_ connection: Connection) {
    connections[ObjectIdentifier(connection)] = nil
    if connections.isEmpty { settle() }
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
      stream.finishWriting()
    } catch {
      accepted.refuse()
    }
  }

  private func settle() {
    sweepTimer?.cancel()
    sweepTimer = nil
    for server in idleServers { server.resume(returning: nil) }
    idleServers = []
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
    armSweep()
  }

  /// Takes nothing more and returns when the last connection has ended. After `limit` the rest is cut.
  func drain(within limit: Duration) async {
    beginDrain()
    guard !connections.isEmpty else { return }
    let cut = loop.clock.after(limit) { [weak self] in
      self?.assumeIsolated { $0.abort() }
    }
    await withCheckedContinuation { continuation in
      // Looked at again: a task that prefers another loop is enqueued anew before this body, and the last connection
      // may have ended meanwhile.
      if connections.isEmpty { continuation.resume() } else { drains.append(continuation) }
    }
    cut.cancel()
  }

  private func beginDrain() {
    isDraining = true
    for connection in Self.byAge(connections.values) { connection.assumeIsolated { $0.drain() } }
  }

  private func abort() {
    for connection in Self.byAge(connections.values) { connection.assumeIsolated { $0.abort() } }
  }

  // The order in which connections end must be the same in each run of a simulated history.
  private static func byAge(_ connections: some Sequence<Connection>) -> [Connection] {
    connections.sorted { $0.number < $1.number }
  }

  /// What it holds, and what has come since the start.
  var measures: ConnectionMeasures {
    ConnectionMeasures(open: connections.count, accepted: accepted, refused: refused)
  }

  /// How many connections are open.
  var count: Int { connections.count }
}
