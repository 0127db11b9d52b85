// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// Which scheduler the calling thread drives.
///
/// A thread-specific value, since `pthread_self()` is declared const in glibc: an optimiser may carry its answer
/// from one thread to another.
enum DrivingThread {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    precondition(pthread_key_create(&key, nil) == 0, "the process has no thread-specific keys left")
    return key
  }()

  static func isCurrent(of scheduler: SimulatedScheduler) -> Bool {
    pthread_getspecific(key) == UnsafeMutableRawPointer(Unmanaged.passUnretained(scheduler).toOpaque())
  }

  /// Marks the thread and returns the mark that stood before. The scheduler outlives the mark: it is on the stack.
  static func enter(_ scheduler: SimulatedScheduler) -> UnsafeMutableRawPointer? {
    let outer = pthread_getspecific(key)
    pthread_setspecific(key, Unmanaged.passUnretained(scheduler).toOpaque())
    return outer
  }

  static func leave(to outer: UnsafeMutableRawPointer?) {
    pthread_setspecific(key, outer)
  }
}
