// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryHTTPService
public import GantryLimiting
public import GantryWorld
internal import Synchronization

/// Serves HTTP/1.1 and HTTP/2 on listeners: hands each connection to a loop, has requests answered by that loop's
/// responder, and drains at the end.
///
/// Lifecycle: made with its listeners bound, then ``serve()`` once, which returns after ``drain(within:)``.
public actor HTTPServer {
  private enum State {
    case ready
    case serving
    case draining
  }

  private let loop: any LoopExecutor
  /// The loop that it accepts on: the world's first.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let listeners: [any StreamListener]
  private let tables: [ConnectionTable]
  private let loops: [any LoopExecutor]
  private let limiter: ConnectionLimiter?
  private let report: @Sendable (ServerTrouble) -> Void
  private var state = State.ready
  private var nextLoop = 0
  /// Tasks that accept, and who waits for their end.
  private var acceptors = 0
  private var acceptorsEnded: [CheckedContinuation<Void, Never>] = []
  private var lastComplaint: LoopInstant?
  private var refusedOfAddress: UInt64 = 0
  private var lastComplaintOfAddress: LoopInstant?
  /// How many had been refused of their addresses when that was told last.
  private var refusedOfAddressTold: UInt64 = 0

  /// After a failed accept, before the next: descriptors may come free meanwhile.
  private static let acceptPause = Duration.milliseconds(100)
  /// How long connections whose beginning is under way have to arrive before the door is closed: a round trip.
  private static let lastArrivals = Duration.milliseconds(100)
  /// How often failing to accept, and refusing addresses, is reported while it goes on.
  private static let complaintInterval = Duration.seconds(10)

  /// Makes a server of these listeners, which live on the world's first loop.
  ///
  /// - Parameters:
  ///   - limiter: what keeps one address from taking all connections; nil: nothing does.
  ///   - responder: called once per loop; what it returns answers the requests of that loop's connections.
  ///   - report: told of trouble that no request can be told of.
  public init(
    world: World, listeners: [any StreamListener], limits: ServerLimits,
    protocols: ServerProtocols = ServerProtocols(), limiter: ConnectionLimiter? = nil,
    responder: (any LoopExecutor) -> any RequestResponder,
    report: @escaping @Sendable (ServerTrouble) -> Void
  ) {
    loop = world.loops[0]
    loops = world.loops
    self.listeners = listeners
    self.limiter = limiter
    self.report = report
    let identities = ConnectionTable.Identities(entropy: world.entropy)
    let share = max(1, limits.connectionsMax / world.loops.count)
    tables = world.loops.map { loop in
      ConnectionTable(
        on: loop, connectionsMax: share,
        shared: ConnectionTable.Shared(
          responder: responder(loop), limits: limits, protocols: protocols, wallClock: world.clock,
          identities: identities, limiter: limiter, report: report))
    }
  }

  /// Accepts and serves until the server is drained.
  public func serve() async {
    guard state == .ready else { return }
    state = .serving
    acceptors = listeners.count
    await withTaskGroup(of: Void.self) { group in
      for listener in listeners {
        group.addTask { await self.accept(from: listener) }
      }
    }
  }

  private func accept(from listener: any StreamListener) async {
    defer { acceptorEnded() }
    while state == .serving {
      do {
        guard let accepted = try await listener.accept() else { return }
        handOut(accepted)
      } catch {
        complain(error)
        await pause(Self.acceptPause)
      }
    }
  }

  private func handOut(_ accepted: any AcceptedStream) {
    var place: ConnectionLimiter.Place?
    if let limiter {
      place = limiter.enter(host: accepted.peer.host)
      if place == nil {
        // Without a word, and before TLS: whoever has so many is not worth the work.
        accepted.refuse()
        refusedOfAddress &+= 1
        complain(of: accepted.peer)
        return
      }
    }
    let index = nextLoop
    nextLoop = (nextLoop + 1) % loops.count
    let table = tables[index]
    table.expectOne()
    spawn(on: loops[index]) { [place] in await table.admit(accepted, counted: place) }
  }

  private func acceptorEnded() {
    acceptors -= 1
    guard acceptors == 0 else { return }
    for waiter in acceptorsEnded { waiter.resume() }
    acceptorsEnded = []
  }

  private func complain(_ error: StreamError) {
    let now = loop.clock.now
    if let lastComplaint, now.duration(since: lastComplaint) < Self.complaintInterval { return }
    lastComplaint = now
    report(.acceptFailed(error))
  }

  /// Tells that connections of this address, or of others too, were refused: with the default limits a proxy that
  /// nobody named would show in no other place.
  private func complain(of peer: PeerAddress) {
    let now = loop.clock.now
    if let last = lastComplaintOfAddress, now.duration(since: last) < Self.complaintInterval { return }
    lastComplaintOfAddress = now
    report(.addressRefused(peer, count: refusedOfAddress &- refusedOfAddressTold))
    refusedOfAddressTold = refusedOfAddress
  }

  private func pause(_ duration: Duration) async {
    await withCheckedContinuation { continuation in
      _ = loop.clock.after(duration) { continuation.resume() }
    }
  }

  /// Accepts and answers on, and closes each connection with its next answer, so that clients and proxies have none
  /// left to this process when it stops. Before ``drain(within:)``.
  public func windDown() async {
    for table in tables { await table.windDown() }
  }

  /// Ends the connections that show a client's certificate, each when the request under way is answered: what is
  /// trusted of clients has changed, and only another handshake tells whether they still are.
  public func endCertified() async {
    for table in tables { await table.endCertified() }
  }

  /// Stops accepting, lets requests under way finish for at most `limit`, and returns when every connection is closed.
  ///
  /// Who has connected by then is answered: closing a listener resets connections that wait to be accepted, and a proxy
  /// that has sent the beginning of a push on one of them cannot send it again.
  public func drain(within limit: Duration) async {
    if state == .serving, limit > .zero {
      let turnsAway = listeners.count { $0.turnAway() }
      if turnsAway > 0 { await pause(Self.lastArrivals) }
    }
    state = .draining
    for listener in listeners {
      for accepted in listener.finish() { handOut(accepted) }
    }
    // One may have been accepted that no table has heard of yet.
    if acceptors > 0 {
      await withCheckedContinuation { continuation in
        // Looked at again: a task that prefers another loop is enqueued anew before this body.
        if acceptors == 0 { continuation.resume() } else { acceptorsEnded.append(continuation) }
      }
    }
    await withTaskGroup(of: Void.self) { group in
      for table in tables { group.addTask { await table.drain(within: limit) } }
    }
  }

  /// The connections of each loop, in the order of the loops. What is refused of one address never comes to a loop, and
  /// is told of the first.
  public func connectionMeasures() async -> [ConnectionMeasures] {
    var measures: [ConnectionMeasures] = []
    for table in tables { measures.append(await table.measures) }
    measures[0].refusedOfAddress = refusedOfAddress
    return measures
  }

  /// How many connections are open.
  public var connectionCount: Int {
    get async {
      var count = 0
      for table in tables { count += await table.count }
      return count
    }
  }
}
