// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld
internal import Glibc

/// A listening socket on one loop.
///
/// One loop accepts and hands connections out, so that a few long connections spread evenly; with a socket per loop the
/// kernel's hash decides, and two of eight pulls may share a core while another idles.
final class SocketListener: StreamListener, @unchecked Sendable {
  // Safe because: every method runs on the loop's thread, asserted by SocketPoll and EventLoop.

  let address: ListenAddress
  private let poll: SocketPoll
  /// Whether nobody else holds the socket: a service manager would keep it, and who waits there, for the next process.
  private let isOurs: Bool
  private var acceptedThisTurn = 0

  /// Connections that are accepted before those that are there have a turn.
  private static let acceptsPerTurn = 64

  init(_ poll: SocketPoll, address: ListenAddress, isOurs: Bool) {
    self.poll = poll
    self.isOurs = isOurs
    self.address = address
  }

  func accept() async throws(StreamError) -> (any AcceptedStream)? {
    if acceptedThisTurn == Self.acceptsPerTurn {
      acceptedThisTurn = 0
      await poll.loop.nextTurn()
    }
    while !poll.isClosed {
      let result = gantry_accept(poll.descriptor)
      if result >= 0 {
        acceptedThisTurn += 1
        return AcceptedSocket(Int32(result))
      }
      switch Int32(-result) {
      case EAGAIN:
        acceptedThisTurn = 0
        await poll.readable()
      case EINTR, ECONNABORTED, EPROTO: continue
      case let code: throw .failed(code: code)
      }
    }
    return nil
  }

  func turnAway() -> Bool {
    guard !poll.isClosed, isOurs, case .tcp = address else { return false }
    // Their clients ask again after a second, when the door is closed, and are refused. Without filters one may come in
    // the moment between the last accept and the close.
    return gantry_drop_new_connections(poll.descriptor) == 0
  }

  func finish() -> [any AcceptedStream] {
    guard !poll.isClosed else { return [] }
    var waiting: [any AcceptedStream] = []
    if isOurs {
      removeName()
      while true {
        let result = gantry_accept(poll.descriptor)
        if result >= 0 {
          waiting.append(AcceptedSocket(Int32(result)))
        } else if ![EINTR, ECONNABORTED, EPROTO].contains(Int32(-result)) {
          // Nobody waits any more, or nothing can be accepted.
          break
        }
      }
    }
    poll.close()
    return waiting
  }

  func close() {
    guard !poll.isClosed else { return }
    if isOurs { removeName() }
    poll.close()
  }

  /// Before the socket is closed: a successor that finds the name of a dead socket replaces it, and its name is not
  /// ours to remove.
  private func removeName() {
    guard case .unix(let path) = address else { return }
    // Another process may have replaced or removed the name; then there is nothing of ours to tidy.
    _ = unsafe unlink(path)
  }
}

/// An accepted descriptor on its way to a loop.
final class AcceptedSocket: AcceptedStream, @unchecked Sendable {
  // Safe because: the descriptor is taken once, by whoever holds the object alone at that time: the acceptor, then the
  // loop.

  private var descriptor: Int32?

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// Asked of the kernel each time; a descriptor that is gone has none.
  var peer: PeerAddress { descriptor.map(Socket.peer) ?? PeerAddress(host: "", port: 0) }

  func open(on loop: any LoopExecutor) throws(StreamError) -> any ByteStream {
    guard let loop = loop as? EventLoop else {
      preconditionFailure("a socket was opened on a loop of another world")
    }
    guard let descriptor = descriptor.take() else { throw .closed }
    Socket.setNoDelay(descriptor)
    let peer = Socket.peer(descriptor)
    do {
      return SocketStream(try SocketPoll(descriptor, on: loop), peer: peer)
    } catch {
      Socket.close(descriptor)
      throw .failed(code: error.code)
    }
  }

  func refuse() {
    if let descriptor = descriptor.take() { Socket.close(descriptor) }
  }

  deinit {
    refuse()
  }
}
