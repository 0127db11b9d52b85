// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

/// Workers without threads: a script runs whole, at a moment of the seed's choosing.
public struct SimulatedWorkers: Workers {
  private let scheduler: SimulatedScheduler
  private let process: SimulatedScheduler.ProcessID
  private let delay: ClosedRange<Duration>?

  /// Workers of one process. With `delay`, a script starts a seeded time within the range after it was asked for.
  public init(
    scheduler: SimulatedScheduler, process: SimulatedScheduler.ProcessID = 0, delay: ClosedRange<Duration>? = nil
  ) {
    self.scheduler = scheduler
    self.process = process
    self.delay = delay
  }

  /// Runs `script` later and returns or throws what it did.
  public func run<R: Sendable, E: Error>(_ script: @escaping @Sendable () throws(E) -> R) async throws(E) -> R {
    // Unsafe: the checked form complains when a killed process drops it.
    let result: Result<R, E> = await withUnsafeContinuation { continuation in
      start { continuation.resume(returning: Result { () throws(E) -> R in try script() }) }
    }
    return try result.get()
  }

  private func start(_ call: @escaping @Sendable () -> Void) {
    guard let delay else { return scheduler.submit(process: process, call) }
    _ = scheduler.setTimer(
      after: scheduler.draw { $0.duration(in: delay) },
      ReadyWork(process: process, loop: nil, action: .call(call)))
  }
}
