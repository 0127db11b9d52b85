// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld

/// Readiness of one descriptor: at most one waiter to read and one to write. Lives on its loop and owns the descriptor.
///
/// Polling for input stays armed between requests, so a waiting connection costs no system call beyond the poll itself;
/// it is disarmed only when input arrives that nobody waits for (back-pressure), because the poll is level-triggered.
@safe
final class SocketPoll: @unchecked Sendable {
  // Safe because: every method runs on the loop's thread and asserts it.

  let loop: EventLoop
  let descriptor: Int32
  private var handle: UVHandle?
  private var armed: Int32 = 0
  private var readWaiter: UnsafeContinuation<Void, Never>?
  private var readNotice: (@Sendable () -> Void)?
  private var writeWaiter: UnsafeContinuation<Void, Never>?

  /// Takes the descriptor over; on a failure the caller keeps it.
  init(_ descriptor: Int32, on loop: EventLoop) throws(LoopError) {
    loop.preconditionOnLoop()
    self.loop = loop
    self.descriptor = descriptor
    let handle = UVHandle(.poll, context: self)
    let result = unsafe uv_poll_init(loop.loop, handle.poll, descriptor)
    guard result == 0 else {
      handle.abandon()
      throw LoopError("uv_poll_init", result)
    }
    self.handle = consume handle
  }

  var isClosed: Bool { handle == nil }

  /// Waits until the descriptor can be read, or is closed.
  func readable() async {
    guard arm(armed | Int32(UV_READABLE.rawValue)) else { return }
    unsafe await withUnsafeContinuation { continuation in
      unsafe precondition(readWaiter == nil, "two readers on one stream")
      unsafe readWaiter = continuation
    }
  }

  /// Calls `notify` once when the descriptor can be read, or is closed.
  func whenReadable(_ notify: @escaping @Sendable () -> Void) {
    precondition(unsafe readWaiter == nil && readNotice == nil, "two readers on one stream")
    guard arm(armed | Int32(UV_READABLE.rawValue)) else { return notify() }
    readNotice = notify
  }

  /// Waits until the descriptor can be written, or is closed.
  func writable() async {
    guard arm(armed | Int32(UV_WRITABLE.rawValue)) else { return }
    unsafe await withUnsafeContinuation { continuation in
      unsafe precondition(writeWaiter == nil, "two writers on one stream")
      unsafe writeWaiter = continuation
    }
  }

  /// Called by libuv when something is ready or the poll failed: the next read or write will tell which.
  func ready(status: Int32, events: Int32) {
    // libuv has stopped to watch a descriptor with an error: whoever waits on has to begin anew.
    if status < 0 { armed = 0 }
    var wanted = armed
    if status < 0 || events & Int32(UV_READABLE.rawValue) != 0 {
      if let waiter = unsafe readWaiter.take() {
        unsafe waiter.resume()
      } else if let notice = readNotice.take() {
        notice()
        // Whoever was told may have waited, or closed, already.
        wanted = armed
      } else {
        wanted &= ~Int32(UV_READABLE.rawValue)
      }
    }
    if status < 0 || events & Int32(UV_WRITABLE.rawValue) != 0 {
      unsafe writeWaiter.take()?.resume()
      wanted &= ~Int32(UV_WRITABLE.rawValue)
    }
    _ = arm(wanted)
  }

  /// Polls for `events`. False when the descriptor is closed.
  private func arm(_ events: Int32) -> Bool {
    guard let poll = unsafe handle?.poll else { return false }
    guard events != armed else { return true }
    armed = events
    if events == 0 {
      unsafe expectSuccess("uv_poll_stop", uv_poll_stop(poll))
    } else {
      unsafe expectSuccess("uv_poll_start", uv_poll_start(poll, events, onPoll))
    }
    return true
  }

  /// Closes the descriptor and wakes both waiters. Idempotent.
  func close() {
    loop.preconditionOnLoop()
    guard let handle = handle.take() else { return }
    unsafe expectSuccess("uv_poll_stop", uv_poll_stop(handle.poll))
    handle.close()
    Socket.close(descriptor)
    unsafe readWaiter.take()?.resume()
    readNotice.take()?()
    unsafe writeWaiter.take()?.resume()
  }

  deinit {
    precondition(handle == nil, "a socket was dropped without close()")
  }
}
