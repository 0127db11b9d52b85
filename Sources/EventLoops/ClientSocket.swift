// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld
internal import Glibc

/// A connection that we open, for those who drive bytes themselves: calls that never wait, and waits in between.
///
/// Isolation and ownership: belongs to one loop and one owner there; not `Sendable`. At most one task waits to read and
/// one to write. Every wait ends when the socket is closed, and the owner closes it before dropping it.
public final class ClientSocket {
  /// What one call did.
  @frozen
  public enum Transfer: Sendable, Hashable {
    /// So many bytes were moved; 0 received is the end of the stream.
    case moved(Int)
    /// None could be moved now: wait.
    case mustWait
    /// The connection is over, with the system's error number; 0 when it was closed on our side.
    case failed(code: Int32)
  }

  private let poll: SocketPoll

  /// Begins to connect. Called on the loop; ``finishConnecting()`` tells the outcome.
  public init(connectingTo address: SocketAddress, on loop: EventLoop) throws(LoopError) {
    let descriptor = Int32(gantry_socket(Int32(address.storage.ss_family)))
    guard descriptor >= 0 else { throw LoopError("socket", descriptor) }
    Socket.setNoDelay(descriptor)
    var storage = address.storage
    let result = unsafe withUnsafePointer(to: &storage) { pointer in
      unsafe connect(
        descriptor, UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), address.length)
    }
    let code = errno
    guard result == 0 || code == EINPROGRESS else {
      Socket.close(descriptor)
      throw LoopError("connect", -code)
    }
    do {
      poll = try SocketPoll(descriptor, on: loop)
    } catch {
      Socket.close(descriptor)
      throw error
    }
  }

  /// Waits until the connection is there, or throws why there is none (`ECANCELED` when it was closed meanwhile).
  public func finishConnecting() async throws(LoopError) {
    await poll.writable()
    guard !poll.isClosed else { throw LoopError("connect", -ECANCELED) }
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    let result = unsafe getsockopt(poll.descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
    if result != 0 { code = errno }
    if code != 0 { throw LoopError("connect", -code) }
  }

  /// Whether ``close()`` was called.
  public var isClosed: Bool { poll.isClosed }

  /// Receives into `buffer` from `start` on, without changing its size: at most what stands there is replaced.
  public func receive(into buffer: inout [UInt8], from start: Int = 0) -> Transfer {
    guard !poll.isClosed else { return .failed(code: 0) }
    let descriptor = poll.descriptor
    precondition(start >= 0 && start < buffer.count, "a receive without room cannot tell the end of the stream")
    return Self.transfer(
      unsafe buffer.withUnsafeMutableBytes { bytes in
        unsafe gantry_receive(descriptor, bytes.baseAddress?.advanced(by: start), bytes.count - start)
      })
  }

  /// Takes at most `limit` received bytes off the connection without looking at them.
  public func discard(atMost limit: Int) -> Transfer {
    guard !poll.isClosed else { return .failed(code: 0) }
    return Self.transfer(gantry_discard(poll.descriptor, limit))
  }

  /// Sends of `bytes` what the transport takes now. `more` says that further bytes follow at once.
  public func send(_ bytes: [UInt8], _ range: Range<Int>, more: Bool) -> Transfer {
    guard !poll.isClosed else { return .failed(code: 0) }
    let descriptor = poll.descriptor
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "the range is not within the bytes")
    return Self.transfer(
      unsafe bytes.withUnsafeBytes { buffer in
        unsafe gantry_send(
          descriptor, buffer.baseAddress?.advanced(by: range.lowerBound), range.count, more ? 1 : 0)
      })
  }

  /// Waits until a receive would find bytes, the end or a failure.
  public func readable() async { await poll.readable() }

  /// Calls `notify` once, on the loop, as soon as a receive would find bytes, the end or a failure, or the socket is
  /// closed: without a task that waits. Not called while one does.
  public func notifyWhenReadable(_ notify: @escaping @Sendable () -> Void) { poll.whenReadable(notify) }

  /// Waits until the transport takes bytes.
  public func writable() async { await poll.writable() }

  /// Closes both directions at once and wakes who waits. Idempotent.
  public func close() { poll.close() }

  private static func transfer(_ result: Int) -> Transfer {
    if result >= 0 { return .moved(result) }
    let code = Int32(-result)
    return code == EAGAIN || code == EINTR ? .mustWait : .failed(code: code)
  }
}
