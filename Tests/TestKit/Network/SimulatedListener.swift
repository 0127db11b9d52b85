// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
import Synchronization

/// A listening socket of a simulated network.
public final class SimulatedListener: StreamListener {
  private struct State {
    var backlog: [SimulatedAcceptedStream] = []
    var waiter: SimulatedConnection.Waiter?
    var isClosed = false
  }

  private static let backlogMax = 128

  /// The address it is bound to.
  public let address: ListenAddress
  let loop: SimulatedLoop
  private let network: SimulatedNetwork
  private let state = Mutex(State())

  init(address: ListenAddress, loop: SimulatedLoop, network: SimulatedNetwork) {
    self.address = address
    self.loop = loop
    self.network = network
  }

  /// Waits for the next connection; nil once closed.
  public func accept() async throws(StreamError) -> (any AcceptedStream)? {
    while true {
      let (next, isClosed) = state.withLock { state in
        (state.backlog.isEmpty ? nil : state.backlog.removeFirst(), state.isClosed)
      }
      if let next { return next }
      if isClosed { return nil }
      let wait = network.scheduler.beginWait(process: loop.process, "accept at \(address.text)")
      // Unsafe: the checked form complains when a killed process drops it.
      await withUnsafeContinuation { continuation in
        let waits = state.withLock { state -> Bool in
          precondition(state.waiter == nil, "one accept at a time at \(address)")
          guard state.backlog.isEmpty, !state.isClosed else { return false }
          state.waiter = SimulatedConnection.Waiter(continuation: continuation, loop: loop, wait: wait)
          return true
        }
        if !waits {
          network.scheduler.endWait(wait)
          continuation.resume()
        }
      }
    }
  }

  /// Stops accepting; what nobody accepted is reset.
  public func close() {
    for stream in finish() { stream.refuse() }
  }

  /// Stops accepting, and returns what nobody accepted.
  public func finish() -> [any AcceptedStream] {
    let waiting = state.withLock { state in
      defer { state.backlog = [] }
      state.isClosed = true
      wake(&state)
      return state.backlog
    }
    network.forget(self)
    return waiting
  }

  /// False when the backlog is full or the listener closed.
  func offer(_ stream: SimulatedAcceptedStream) -> Bool {
    state.withLock { state in
      guard !state.isClosed, state.backlog.count < Self.backlogMax else { return false }
      state.backlog.append(stream)
      wake(&state)
      return true
    }
  }

  private func wake(_ state: inout State) {
    guard let woken = state.waiter.take() else { return }
    network.scheduler.endWait(woken.wait)
    network.scheduler.submit(process: loop.process, on: loop) { woken.continuation.resume() }
  }
}

/// A connection that was accepted and belongs to no loop yet.
final class SimulatedAcceptedStream: AcceptedStream {
  private let connection: SimulatedConnection
  let peer: PeerAddress
  private let isTaken = Mutex(false)

  init(_ connection: SimulatedConnection, peer: PeerAddress) {
    self.connection = connection
    self.peer = peer
  }

  deinit {
    refuse()
  }

  func open(on loop: any LoopExecutor) throws(StreamError) -> any ByteStream {
    guard let loop = loop as? SimulatedLoop else {
      preconditionFailure("a simulated connection opens on a simulated loop")
    }
    let wasTaken = isTaken.withLock { taken in
      defer { taken = true }
      return taken
    }
    precondition(!wasTaken, "an accepted stream is opened once")
    if connection.isClosed(.server) { throw .reset }
    connection.adopt(.server, by: loop.process)
    return SimulatedStream(connection, .server, peer: peer, loop: loop)
  }

  func refuse() {
    let wasTaken = isTaken.withLock { taken in
      defer { taken = true }
      return taken
    }
    if wasTaken { return }
    connection.reset()
    connection.close(.server)
  }
}
