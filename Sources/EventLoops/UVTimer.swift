// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld

/// A libuv timer that fires once. Lives on its loop.
@safe
final class UVTimer: LoopTimer, @unchecked Sendable {
  // Safe because: every method runs on the loop's thread and asserts it.

  private let loop: EventLoop
  private var handle: UVHandle?
  private var fire: (@Sendable () -> Void)?

  init(on loop: EventLoop, milliseconds: UInt64, _ fire: @escaping @Sendable () -> Void) {
    self.loop = loop
    self.fire = fire
    let handle = UVHandle(.timer, context: self)
    unsafe uv_update_time(loop.loop)
    unsafe expectSuccess("uv_timer_init", uv_timer_init(loop.loop, handle.timer))
    unsafe expectSuccess("uv_timer_start", uv_timer_start(handle.timer, onTimer, milliseconds, 0))
    self.handle = consume handle
  }

  func fired() {
    let fire = fire
    cancel()
    fire?()
  }

  func cancel() {
    loop.preconditionOnLoop()
    fire = nil
    if let handle = handle.take() { handle.close() }
  }
}
