// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryTLS
public import GantryWorld

/// A listener whose connections speak TLS.
public final class TLSListener: StreamListener {
  private let listener: any StreamListener
  private let current: CurrentTLSContext

  /// Where the listener within is bound.
  public var address: ListenAddress { listener.address }

  /// Secures what comes from `listener`, each connection with the context of the moment it comes at.
  public init(_ listener: any StreamListener, _ current: CurrentTLSContext) {
    self.listener = listener
    self.current = current
  }

  /// Waits for the next connection. Its handshake takes place on the loop that it is given to.
  public func accept() async throws(StreamError) -> (any AcceptedStream)? {
    try await listener.accept().map { TLSAcceptedStream($0, current) }
  }

  /// Begins to turn new connections away.
  public func turnAway() -> Bool { listener.turnAway() }

  /// Stops accepting; returns who waited.
  public func finish() -> [any AcceptedStream] { listener.finish().map { TLSAcceptedStream($0, current) } }

  /// Stops accepting.
  public func close() { listener.close() }
}

/// An accepted connection that will speak TLS.
private final class TLSAcceptedStream: AcceptedStream {
  private let accepted: any AcceptedStream
  private let current: CurrentTLSContext

  init(_ accepted: any AcceptedStream, _ current: CurrentTLSContext) {
    self.accepted = accepted
    self.current = current
  }

  var peer: PeerAddress { accepted.peer }

  func open(on loop: any LoopExecutor) throws(StreamError) -> any ByteStream {
    let stream = try accepted.open(on: loop)
    do {
      return TLSStream(stream, try TLSSession(current.value), clock: loop.clock)
    } catch {
      stream.close()
      throw .insecure(reason: error.description)
    }
  }

  func refuse() { accepted.refuse() }
}
