// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// One event loop as seen by the house: the isolation domain of every actor that names it and the executor
/// preference of every task that runs on it.
///
/// A loop is one thread (or, in a simulation, one queue). Jobs enqueued on it run one at a time. It is a
/// `SerialExecutor` **and** a `TaskExecutor`: without the second, each resumed continuation would travel through
/// the global pool and back (docs/decisions/0001-executor-policy.md).
public protocol LoopExecutor: SerialExecutor, TaskExecutor {
  /// The loop's position among the world's loops, from 0.
  var index: Int { get }

  /// Time on this loop.
  var clock: any LoopClock { get }
}

extension LoopExecutor {
  /// Calls `body` as `actor`, which names this loop as its executor, on whose thread the caller runs: traps on another
  /// thread. That the actor lives on this loop is checked in debug builds only.
  ///
  /// For callbacks of the system, where no task is current: the actor's `assumeIsolated` asks the runtime, which takes
  /// more time to know where it is than much of what is done in them.
  package func isolated<Isolated: Actor, Result: Sendable>(
    _ actor: Isolated, _ body: (isolated Isolated) -> Result
  ) -> Result {
    checkIsolated()
    assert(
      {
        actor.preconditionIsolated("the actor lives elsewhere")
        return true
      }())
    // Safe because: being isolated is no part of a function's representation, and that the caller is was just checked.
    return withoutActuallyEscaping(body) { body in
      unsafe unsafeBitCast(body, to: ((Isolated) -> Result).self)(actor)
    }
  }
}

/// A task that was started on a loop.
public typealias LoopTask = Task<Void, Never>

/// Starts a task on a loop. The only root of tasks in the house.
///
/// The task prefers `loop` for its whole life, and so do the children of its groups; it never touches the global
/// pool. An unstructured `Task {}` would not inherit the preference, which is why it is banned.
@discardableResult
public func spawn(
  on loop: any LoopExecutor, _ body: sending @escaping () async -> Void
) -> LoopTask {
  Task(executorPreference: loop) { await body() }
}
