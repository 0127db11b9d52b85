// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV

/// Owns the memory of one libuv handle and one retained context in its `data`.
///
/// libuv keeps a pointer to the handle until its close callback, so the memory is heap-allocated, never moves, and is
/// freed there and nowhere else. The context is retained at ``init(_:context:)`` and released in the same callback.
/// Dropping a handle without ``close()`` is a bug and traps.
@safe
struct UVHandle: ~Copyable {
  /// The kinds of handles that the house uses.
  enum Kind {
    case async, prepare, check, idle, timer, poll, signal
  }

  private let memory: UnsafeMutableRawPointer

  init(_ kind: Kind, context: AnyObject) {
    let type =
      switch kind {
      case .async: UV_ASYNC
      case .prepare: UV_PREPARE
      case .check: UV_CHECK
      case .idle: UV_IDLE
      case .timer: UV_TIMER
      case .poll: UV_POLL
      case .signal: UV_SIGNAL
      }
    let size = uv_handle_size(type)
    unsafe memory = .allocate(byteCount: size, alignment: 16)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    // Paired with the release in onHandleClosed.
    unsafe base.pointee.data = Unmanaged.passRetained(context).toOpaque()
  }

  /// The handle as libuv's base type; every libuv handle begins with its fields.
  var base: UnsafeMutablePointer<uv_handle_t> { unsafe memory.assumingMemoryBound(to: uv_handle_t.self) }
  var async: UnsafeMutablePointer<uv_async_t> { unsafe memory.assumingMemoryBound(to: uv_async_t.self) }
  var prepare: UnsafeMutablePointer<uv_prepare_t> { unsafe memory.assumingMemoryBound(to: uv_prepare_t.self) }
  var check: UnsafeMutablePointer<uv_check_t> { unsafe memory.assumingMemoryBound(to: uv_check_t.self) }
  var idle: UnsafeMutablePointer<uv_idle_t> { unsafe memory.assumingMemoryBound(to: uv_idle_t.self) }
  var timer: UnsafeMutablePointer<uv_timer_t> { unsafe memory.assumingMemoryBound(to: uv_timer_t.self) }
  var poll: UnsafeMutablePointer<uv_poll_t> { unsafe memory.assumingMemoryBound(to: uv_poll_t.self) }
  var signal: UnsafeMutablePointer<uv_signal_t> { unsafe memory.assumingMemoryBound(to: uv_signal_t.self) }

  /// Starts closing; memory and context are freed when libuv lets go of them. The handle must have been initialised.
  consuming func close() {
    unsafe uv_close(base, onHandleClosed)
    discard self
  }

  /// Frees a handle that libuv refused to initialise, and so never knew.
  consuming func abandon() {
    // Paired with passRetained in init.
    unsafe Unmanaged<AnyObject>.fromOpaque(base.pointee.data).release()
    unsafe memory.deallocate()
    discard self
  }

  deinit {
    trapOnDroppedHandle()
  }
}

private func trapOnDroppedHandle() {
  preconditionFailure("a libuv handle was dropped without close()")
}
