// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
import Synchronization

/// Workers without threads of their own: a script runs at a moment of the seed's choosing, whole or, where scripts
/// interleave, from one file operation to the next with others in between.
public struct SimulatedWorkers: Workers {
  private let scheduler: SimulatedScheduler
  private let process: SimulatedScheduler.ProcessID
  private let delay: ClosedRange<Duration>?
  private let interleaves: Bool

  /// Workers of one process. With `delay`, a script starts a seeded time within the range after it was asked for.
  /// With `interleaves`, scripts take turns at each operation on a ``SimulatedDisk``.
  public init(
    scheduler: SimulatedScheduler, process: SimulatedScheduler.ProcessID = 0, delay: ClosedRange<Duration>? = nil,
    interleaves: Bool = false
  ) {
    self.interleaves = interleaves
    self.scheduler = scheduler
    self.process = process
    self.delay = delay
  }

  /// Runs `script` later and returns or throws what it did.
  public func run<R: Sendable, E: Error>(_ script: @escaping @Sendable () throws(E) -> R) async throws(E) -> R {
    // Unsafe: the checked form complains when a killed process drops it.
    let result: Result<R, E> = await withUnsafeContinuation { continuation in
      start { [scheduler, interleaves] in
        guard interleaves else {
          return continuation.resume(returning: Result { () throws(E) -> R in try script() })
        }
        let outcome = Outcome<R, E>()
        let thread = ScriptThread(scheduler: scheduler) { outcome.set(Result { () throws(E) -> R in try script() }) }
        Self.advance(thread, of: scheduler) {
          if let result = outcome.value { continuation.resume(returning: result) }
        }
      }
    }
    return try result.get()
  }

  // The steps belong to no process: the script of a killed one goes on to its next file operation, which fails, and
  // ends; its task never learns of it.
  private static func advance(
    _ thread: ScriptThread, of scheduler: SimulatedScheduler, then done: @escaping @Sendable () -> Void
  ) {
    if thread.advance() { return done() }
    scheduler.submit(process: SimulatedScheduler.nobody) { advance(thread, of: scheduler, then: done) }
  }

  private func start(_ call: @escaping @Sendable () -> Void) {
    guard let delay else { return scheduler.submit(process: process, call) }
    _ = scheduler.setTimer(
      after: scheduler.draw { $0.duration(in: delay) },
      ReadyWork(process: process, loop: nil, action: .call(call)))
  }
}

/// What a piece of work came to, once it has.
final class Outcome<T: Sendable, E: Error>: Sendable {
  private let state = Mutex<Result<T, E>?>(nil)

  var value: Result<T, E>? { state.withLock { $0 } }

  func set(_ result: Result<T, E>) {
    state.withLock { $0 = result }
  }
}
