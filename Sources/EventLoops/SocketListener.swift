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
  private let removesPath: Bool
  private var acceptedThisTurn = 0

  /// Connections that are accepted before those that are there have a turn.
  private static let acceptsPerTurn = 64

  init(_ poll: SocketPoll, address: ListenAddress, removesPath: Bool) {
    self.poll = poll
    self.removesPath = removesPath
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

  func close() {
    guard !poll.isClosed else { return }
    poll.close()
    if removesPath, case .unix(let path) = address {
      // Another process may have replaced or removed the name; then there is nothing of ours to tidy.
      _ = unsafe unlink(path)
    }
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
