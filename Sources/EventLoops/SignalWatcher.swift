// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import Glibc

/// Watches one signal of the process. Lives on its loop.
@safe
public final class SignalWatcher: @unchecked Sendable {
  // Safe because: every method runs on the loop's thread and asserts it.

  /// A signal that the house acts on.
  public enum Signal: Sendable {
    /// SIGTERM: stop.
    case terminate
    /// SIGINT: stop, from a terminal.
    case interrupt
    /// SIGHUP: read the configuration anew.
    case hangUp

    fileprivate var number: Int32 {
      switch self {
      case .terminate: SIGTERM
      case .interrupt: SIGINT
      case .hangUp: SIGHUP
      }
    }
  }

  private let loop: EventLoop
  private var handle: UVHandle?
  private let received: @Sendable () -> Void

  /// Calls `received` on the loop each time the signal arrives, instead of the signal's default. Made on the loop.
  public init(_ signal: Signal, on loop: EventLoop, _ received: @escaping @Sendable () -> Void) throws(LoopError) {
    loop.preconditionOnLoop()
    self.loop = loop
    self.received = received
    let handle = UVHandle(.signal, context: self)
    unsafe expectSuccess("uv_signal_init", uv_signal_init(loop.loop, handle.signal))
    let result = unsafe uv_signal_start(handle.signal, onSignal, signal.number)
    guard result == 0 else {
      handle.close()
      throw LoopError("uv_signal_start", result)
    }
    self.handle = consume handle
  }

  func received(_ number: Int32) {
    received()
  }

  /// Gives the signal back its default. On the loop; idempotent.
  public func close() {
    loop.preconditionOnLoop()
    if let handle = handle.take() { handle.close() }
  }
}
