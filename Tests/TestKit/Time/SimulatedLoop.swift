// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

/// A loop without a thread: its jobs run when the scheduler is driven, in an order that the seed chooses.
///
/// An executor may reorder jobs (SE-0392), so the order among ready jobs is free, across all loops of a scheduler.
/// Loops of one scheduler never run at the same time, yet remain separate isolation domains: entering an actor of one
/// loop from another with `assumeIsolated` traps, as it would outside.
public final class SimulatedLoop: LoopExecutor {
  /// Position among the loops of its process.
  public let index: Int
  /// What drives it.
  public let scheduler: SimulatedScheduler
  /// The simulated process that it belongs to.
  public let process: SimulatedScheduler.ProcessID

  /// A loop of `scheduler`.
  public init(scheduler: SimulatedScheduler, index: Int = 0, process: SimulatedScheduler.ProcessID = 0) {
    self.scheduler = scheduler
    self.index = index
    self.process = process
  }

  /// A loop with a scheduler of its own.
  public convenience init(seed: UInt64) {
    self.init(scheduler: SimulatedScheduler(seed: seed))
  }

  /// The simulated time.
  public var clock: any LoopClock { SimulatedClock(loop: self) }

  /// Makes the job ready.
  public func enqueue(_ job: consuming ExecutorJob) {
    scheduler.enqueue(ReadyWork(process: process, loop: self, action: .job(UnownedJob(job))))
  }

  /// The loop as a serial executor.
  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  /// Whether this loop is the one that runs now.
  public func isIsolatingCurrentContext() -> Bool? {
    scheduler.isRunning(self)
  }

  /// Traps unless this loop is the one that runs now.
  public func checkIsolated() {
    precondition(scheduler.isRunning(self), "loop \(index) of process \(process) is not the one that runs now")
  }

  /// Runs `call` as this loop at a moment of the seed's choosing, as a callback of the system would.
  public func perform(_ call: @escaping @Sendable () -> Void) {
    scheduler.submit(process: process, on: self, call)
  }
}
