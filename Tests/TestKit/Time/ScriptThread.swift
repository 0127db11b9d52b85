// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Synchronization

/// A worker's script that can be left between two of its file operations.
///
/// It has a thread of its own, but never runs beside the driver: ``advance()`` lets it go on to its next file
/// operation and waits there. So scripts interleave as the seed chooses, and a crash can come in the middle of one.
// Safe because: the semaphores are made and destroyed here and are for use by several threads; all else is immutable or
// atomic, and the script's thread and the driver take turns.
final class ScriptThread: @unchecked Sendable {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    precondition(pthread_key_create(&key, nil) == 0, "the process has no thread-specific keys left")
    return key
  }()

  private let scheduler: SimulatedScheduler
  private let script: Mutex<(@Sendable () -> Void)?>
  private let go = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  private let stopped = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  private let isStarted = Atomic<Bool>(false)
  private let isDone = Atomic<Bool>(false)

  init(scheduler: SimulatedScheduler, _ script: @escaping @Sendable () -> Void) {
    self.scheduler = scheduler
    self.script = Mutex(script)
    precondition(sem_init(go, 0, 0) == 0 && sem_init(stopped, 0, 0) == 0, "a semaphore cannot be made")
  }

  deinit {
    for semaphore in [go, stopped] {
      sem_destroy(semaphore)
      semaphore.deallocate()
    }
  }

  /// Called before each file operation: leaves the driver to go on when the caller is a script.
  static func pauseIfScript() {
    guard let current = pthread_getspecific(key) else { return }
    let thread = Unmanaged<ScriptThread>.fromOpaque(current).takeUnretainedValue()
    sem_post(thread.stopped)
    wait(thread.go)
  }

  /// Runs the script up to its next file operation, or to its end: then true, and what the script held is released.
  func advance() -> Bool {
    if isStarted.exchange(true, ordering: .relaxed) {
      sem_post(go)
    } else {
      var thread = pthread_t()
      // Released by the thread when the script has ended.
      let context = Unmanaged.passRetained(self).toOpaque()
      precondition(pthread_create(&thread, nil, runScript, context) == 0, "a thread cannot be made")
      pthread_detach(thread)
    }
    Self.wait(stopped)
    return isDone.load(ordering: .acquiring)
  }

  fileprivate func run() {
    pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
    _ = DrivingThread.enter(scheduler)
    runAndForget()
    pthread_setspecific(Self.key, nil)
    isDone.store(true, ordering: .releasing)
    sem_post(stopped)
  }

  // What the script held, open files above all, is released before the driver goes on: later, the system's scheduler
  // and not the seed would choose when a file is closed.
  @inline(never) private func runAndForget() {
    let script = script.withLock { $0.take() }
    script?()
  }

  private static func wait(_ semaphore: UnsafeMutablePointer<sem_t>) {
    while sem_wait(semaphore) != 0 { precondition(errno == EINTR, "a semaphore cannot be waited for") }
  }
}

private func runScript(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { preconditionFailure("a script's thread starts with its script") }
  // Pairs with passRetained in advance().
  Unmanaged<ScriptThread>.fromOpaque(context).takeRetainedValue().run()
  return nil
}
