// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
import Synchronization

/// A network in memory: listeners by address, connections between them, and faults.
public final class SimulatedNetwork: Sendable {
  /// What may happen to a delivery by itself; nothing at first.
  public struct Faults: Sendable, Hashable {
    /// One delivery in so many resets its connection instead.
    public var resetOneIn: Int?
    /// How long a delivery takes: by the seed, within this range.
    public var delay: ClosedRange<Duration>?

    /// Makes a set of faults.
    public init(resetOneIn: Int? = nil, delay: ClosedRange<Duration>? = nil) {
      self.resetOneIn = resetOneIn
      self.delay = delay
    }
  }

  enum Disturbance {
    case none
    case reset
  }

  private struct State {
    var listeners: [ListenAddress: SimulatedListener] = [:]
    var connections: [Int: SimulatedConnection] = [:]
    var connectionCount = 0
    var faults = Faults()
    var nextPort: UInt16 = 49_152
  }

  /// What orders the deliveries.
  public let scheduler: SimulatedScheduler
  /// How many bytes one direction holds before its writer waits.
  public let bufferBytesMax: Int
  private let state = Mutex(State())

  /// A network without listeners.
  public init(scheduler: SimulatedScheduler, bufferBytesMax: Int = 65_536) {
    precondition(bufferBytesMax > 0, "a buffer holds at least one byte")
    self.scheduler = scheduler
    self.bufferBytesMax = bufferBytesMax
  }

  /// What happens to deliveries from now on.
  public var faults: Faults {
    get { state.withLock { $0.faults } }
    set { state.withLock { $0.faults = newValue } }
  }

  /// How many connections are not closed at both ends: zero when nothing leaks.
  public var openConnectionCount: Int {
    state.withLock { $0.connections.count }
  }

  /// Every connection that is not closed at both ends, oldest first.
  public var connections: [SimulatedConnection] {
    state.withLock { $0.connections.sorted { $0.key < $1.key }.map(\.value) }
  }

  /// Listens at `address` on `loop`; TCP port 0 gets a free one. Throws error 98 when the address is taken.
  public func listen(at address: ListenAddress, on loop: SimulatedLoop) throws(StreamError) -> SimulatedListener {
    try state.withLock { (state) throws(StreamError) -> SimulatedListener in
      var bound = address
      if case .tcp(let host, 0) = address {
        bound = .tcp(host: host, port: state.nextPort)
        state.nextPort += 1
      }
      guard state.listeners[bound] == nil else { throw .failed(code: 98) }
      let listener = SimulatedListener(address: bound, loop: loop, network: self)
      state.listeners[bound] = listener
      return listener
    }
  }

  /// Connects from `loop` to whoever listens at `address`. Throws error 111 when nobody does.
  public func connect(to address: ListenAddress, on loop: SimulatedLoop) throws(StreamError) -> SimulatedStream {
    guard let listener = state.withLock({ $0.listeners[address] }) else { throw .failed(code: 111) }
    let connection = makeConnection(client: loop.process, server: listener.loop.process)
    scheduler.note("connection \(connection.id) to \(address.text)")
    let (here, there) = addresses(of: connection, to: address)
    let client = SimulatedStream(connection, .client, peer: there, loop: loop)
    guard listener.offer(SimulatedAcceptedStream(connection, peer: here)) else { throw .failed(code: 111) }
    return client
  }

  /// Two connected ends without a listener.
  public func pair(
    client: SimulatedLoop, server: SimulatedLoop
  ) -> (client: SimulatedStream, server: SimulatedStream) {
    let connection = makeConnection(client: client.process, server: server.process)
    let (here, there) = addresses(of: connection, to: .tcp(host: "192.0.2.1", port: 5000))
    return (
      SimulatedStream(connection, .client, peer: there, loop: client),
      SimulatedStream(connection, .server, peer: here, loop: server)
    )
  }

  /// Closes all that a process has, as the system does when it dies.
  func kill(_ process: SimulatedScheduler.ProcessID) {
    let (listeners, connections) = state.withLock { state in
      (state.listeners.values.filter { $0.loop.process == process }, state.connections)
    }
    for listener in listeners.sorted(by: { "\($0.address)" < "\($1.address)" }) { listener.close() }
    for (_, connection) in connections.sorted(by: { $0.key < $1.key }) { connection.close(endsOf: process) }
  }

  func forget(_ connection: SimulatedConnection) {
    state.withLock { _ = $0.connections.removeValue(forKey: connection.id) }
  }

  func forget(_ listener: SimulatedListener) {
    state.withLock { state in
      if state.listeners[listener.address] === listener { state.listeners[listener.address] = nil }
    }
  }

  /// Runs `delivery` at a moment of the seed's choosing, after the delay that is in force.
  func later(_ delivery: @escaping @Sendable () -> Void) {
    guard let delay = faults.delay else { return scheduler.submit(process: SimulatedScheduler.nobody, delivery) }
    let work = ReadyWork(process: SimulatedScheduler.nobody, loop: nil, action: .call(delivery))
    _ = scheduler.setTimer(after: scheduler.draw { $0.duration(in: delay) }, work)
  }

  func disturbance() -> Disturbance {
    guard let oneIn = faults.resetOneIn else { return .none }
    return scheduler.draw { $0.oneIn(oneIn) } ? .reset : .none
  }

  private func makeConnection(
    client: SimulatedScheduler.ProcessID, server: SimulatedScheduler.ProcessID
  ) -> SimulatedConnection {
    state.withLock { state in
      state.connectionCount += 1
      let connection = SimulatedConnection(
        id: state.connectionCount, network: self, client: client, server: server)
      state.connections[connection.id] = connection
      return connection
    }
  }

  private func addresses(
    of connection: SimulatedConnection, to address: ListenAddress
  ) -> (client: PeerAddress, server: PeerAddress) {
    switch address {
    case .unix:
      return (PeerAddress(host: "", port: 0), PeerAddress(host: "", port: 0))
    case .tcp(let host, let port):
      let from = PeerAddress(host: "192.0.2.7", port: UInt16(20_000 + connection.id % 20_000))
      return (from, PeerAddress(host: host, port: port))
    }
  }
}

extension ListenAddress {
  /// The address for notes; printing a case looks it up in the binary.
  var text: String {
    switch self {
    case .tcp(let host, let port): "\(host):\(port)"
    case .unix(let path): path
    }
  }
}
