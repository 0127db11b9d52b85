// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
internal import GantryWorld
internal import Synchronization

/// Worker threads of our own, on libuv's thread primitives.
///
/// libuv's pool has one global queue that name resolution shares, and its size comes from the environment at first use;
/// four slow syncs would stall everything behind them (docs/decisions/0002-workers.md). Here threads start one by one
/// as scripts wait, up to a limit, and stay.
@safe
final class WorkQueue: Workers, @unchecked Sendable {
  // Safe because: the state is guarded by the mutex; the semaphore is made for sharing.

  private struct State: ~Copyable {
    var waiting = Ring<@Sendable () -> Void>()
    var busy = 0
    var threads: [uv_thread_t] = []
    var isStopping = false

    /// Whether more scripts wait than threads do.
    var needsThread: Bool { waiting.count > threads.count - busy }

    mutating func next() -> (@Sendable () -> Void)? {
      guard let script = waiting.popFirst() else { return nil }
      busy += 1
      return script
    }
  }

  private let threadsMax: Int
  private let name: String
  private let state = Mutex(State())
  private let available: UnsafeMutablePointer<uv_sem_t>

  /// Threads of this name, as `top -H` shows it.
  init(threadsMax: Int, name: String = "worker") {
    self.threadsMax = max(1, threadsMax)
    self.name = name
    unsafe available = .allocate(capacity: 1)
    unsafe expectSuccess("uv_sem_init", uv_sem_init(available, 0))
  }

  deinit {
    unsafe uv_sem_destroy(available)
    unsafe available.deallocate()
  }

  func run<R: Sendable, E: Error>(_ script: @escaping @Sendable () throws(E) -> R) async throws(E) -> R {
    let result: Result<R, E> = unsafe await withUnsafeContinuation { continuation in
      submit {
        do throws(E) {
          let value = try script()
          unsafe continuation.resume(returning: .success(value))
        } catch {
          unsafe continuation.resume(returning: .failure(error))
        }
      }
    }
    return try result.get()
  }

  private func submit(_ script: @escaping @Sendable () -> Void) {
    state.withLock { state in
      precondition(!state.isStopping, "a script was submitted to workers that have ended")
      state.waiting.append(script)
      if state.needsThread, state.threads.count < threadsMax { startThread(&state) }
    }
    unsafe uv_sem_post(available)
  }

  private func startThread(_ state: inout State) {
    // Paired with takeRetainedValue in onWorkerThread.
    let argument = unsafe Unmanaged.passRetained(self).toOpaque()
    var thread = uv_thread_t()
    if unsafe uv_thread_create(&thread, onWorkerThread, argument) == 0 {
      state.threads.append(thread)
    } else {
      // The threads that run already will come to the script; without any, nothing ever would.
      precondition(!state.threads.isEmpty, "the system gives us no thread to work on")
      unsafe Unmanaged<WorkQueue>.fromOpaque(argument).release()
    }
  }

  /// The body of a worker's thread.
  func work() {
    nameThread(name)
    gantry_yield_to_others(WorkQueue.niceness)
    while true {
      unsafe uv_sem_wait(available)
      guard let script = state.withLock({ state in state.next() }) else { return }
      script()
      state.withLock { state in state.busy -= 1 }
    }
  }

  /// Loops go first on a busy machine: a worker's batch may wait, a reader's answer should not.
  private static let niceness: Int32 = 5

  /// What its threads do at this moment. Callable from any thread.
  var measures: WorkerMeasures {
    state.withLock { state in
      WorkerMeasures(threads: state.threads.count, busy: state.busy, waiting: state.waiting.count)
    }
  }

  /// Runs what is queued, then ends and joins the threads. Not called on a worker.
  func stop() {
    let threads = state.withLock { state in
      state.isStopping = true
      return state.threads
    }
    for _ in threads { unsafe uv_sem_post(available) }
    for var thread in threads { unsafe expectSuccess("uv_thread_join", uv_thread_join(&thread)) }
  }
}
