// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryTelemetry
internal import GantryWorld
internal import Synchronization

/// Has an errand's thread empty a sink soon after something was written to it, a batch at a time: the workers may all
/// wait for a disk, of which the log has to tell. No thread waits for a stream whose reader has stopped: it is asked
/// again a moment later.
final class LogFlusher: Sendable {
  private struct State {
    var sink: BufferedLineSink?
    var flush: LoopTask?
  }

  private let loop: any LoopExecutor
  private let errands: any Workers
  private let state = Mutex(State())

  /// How long lines gather: short for a person who watches, long for a machine that writes.
  private static let gathering = Duration.milliseconds(50)

  init(loop: any LoopExecutor, errands: any Workers) {
    self.loop = loop
    self.errands = errands
  }

  /// Names the sink. Until ``detach()`` the two hold each other.
  func attach(_ sink: BufferedLineSink) {
    state.withLock { $0.sink = sink }
  }

  /// Lets the sink go and waits for the flush under way, a moment at most: from then on nothing is left on the loop,
  /// and wakes do nothing.
  func detach() async {
    let flush = state.withLock { state in
      state.sink = nil
      return state.flush.take()
    }
    await flush?.value
  }

  /// Empties the sink in a moment. Callable from any thread, at most once until the sink was emptied.
  func wake() {
    // Held while the task is made, so that none is made on a loop that ends after detach().
    state.withLock { state in
      guard let sink = state.sink else { return }
      let clock = loop.clock
      let errands = errands
      state.flush = spawn(on: loop) { [self] in
        repeat {
          await withCheckedContinuation { continuation in
            _ = clock.after(Self.gathering) { continuation.resume() }
          }
        } while await !errands.run { sink.drain() } && isAttached
      }
    }
  }

  private var isAttached: Bool { state.withLock { $0.sink != nil } }
}
