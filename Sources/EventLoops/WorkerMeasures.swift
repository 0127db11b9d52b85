// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What the worker threads do at one moment.
public struct WorkerMeasures: Sendable, Hashable {
  /// Threads that run.
  public var threads: Int
  /// Threads that work on a script.
  public var busy: Int
  /// Scripts that wait for a thread.
  public var waiting: Int

  /// Makes measures.
  public init(threads: Int, busy: Int, waiting: Int) {
    self.threads = threads
    self.busy = busy
    self.waiting = waiting
  }
}
