// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Synchronization

/// A bounded buffer of lines between threads that must not wait and a stream that may be slow.
///
/// Any thread writes; writing costs a short lock and a copy. One place (a flusher's thread, never a loop) calls
/// `drain()` whenever `wake` is called, again and again until nothing waits, and once more when the process ends.
public final class BufferedLineSink: LogSink {
  private struct State {
    var pending: [UInt8] = []
    /// Bytes in the hands of a drain, which may come back.
    var drainingCount = 0
    var spare: [UInt8] = []
    var dropped: UInt64 = 0
    var droppedInAll: UInt64 = 0
    var isWakeDue = false
  }

  private let bytesMax: Int
  private let wakeBytes: Int
  private let output: @Sendable ([UInt8]) -> Int
  private let wake: @Sendable () -> Void
  private let droppedNotice: @Sendable (UInt64) -> [UInt8]
  private let state = Mutex(State())
  /// Held while bytes are handed to `output`, so that two drains cannot exchange their order.
  private let outputOrder = Mutex(())

  /// Makes an empty sink.
  ///
  /// - Parameters:
  ///   - bytesMax: Most bytes that wait; a line beyond them is dropped.
  ///   - wakeBytes: When so many bytes wait, `wake` is called.
  ///   - output: Writes bytes to the stream and returns how many it took; called by `drain()` on its caller's thread.
  ///   - wake: Asks for a `drain()` soon; called on the writer's thread, at most once until a drain has left nothing,
  ///     and must not block.
  ///   - droppedNotice: The line that tells how many lines were dropped since the last one told; empty for none.
  public init(
    bytesMax: Int, wakeBytes: Int, output: @escaping @Sendable ([UInt8]) -> Int,
    wake: @escaping @Sendable () -> Void = {}, droppedNotice: @escaping @Sendable (UInt64) -> [UInt8] = { _ in [] }
  ) {
    precondition(bytesMax > 0, "a sink holds at least a byte")
    self.bytesMax = bytesMax
    self.wakeBytes = wakeBytes
    self.output = output
    self.wake = wake
    self.droppedNotice = droppedNotice
  }

  /// Takes one line, or drops and counts it when `bytesMax` would be passed. An urgent line calls for `wake`.
  public func write(_ line: [UInt8], isUrgent: Bool) {
    let mustWake = state.withLock { state in
      if state.drainingCount + state.pending.count + line.count > bytesMax {
        state.dropped += 1
        state.droppedInAll += 1
      } else {
        state.pending.append(contentsOf: line)
      }
      guard !state.isWakeDue, isUrgent || state.pending.count >= wakeBytes || state.dropped > 0 else { return false }
      state.isWakeDue = true
      return true
    }
    if mustWake { wake() }
  }

  /// Hands everything that waits to the output, and then a notice when lines were dropped. Returns when the output
  /// has taken what it will; false when something waits still, because the output did not take all, or because more has
  /// come: then the caller drains again in a while. Callable from any thread; drains wait for each other.
  @discardableResult
  public func drain() -> Bool {
    outputOrder.withLock { _ in
      var (bytes, dropped) = state.withLock { state in
        let taken = (state.pending, state.dropped)
        state.pending = state.spare
        state.spare = []
        state.dropped = 0
        state.drainingCount = taken.0.count
        return taken
      }
      var taken = bytes.isEmpty ? 0 : output(bytes)
      if dropped > 0, taken == bytes.count {
        let notice = droppedNotice(dropped)
        dropped = 0
        bytes += notice
        if !notice.isEmpty { taken += output(notice) }
      }
      return state.withLock { state in
        state.dropped += dropped
        if taken < bytes.count {
          state.pending = bytes[taken...] + state.pending
        } else if state.spare.isEmpty {
          bytes.removeAll(keepingCapacity: true)
          swap(&state.spare, &bytes)
        }
        state.drainingCount = 0
        guard state.pending.isEmpty else { return false }
        state.isWakeDue = false
        return true
      }
    }
  }

  /// How many lines were dropped since the sink was made.
  public var droppedInAll: UInt64 { state.withLock { $0.droppedInAll } }

  /// How many bytes wait.
  public var pendingBytes: Int { state.withLock { $0.drainingCount + $0.pending.count } }
}
