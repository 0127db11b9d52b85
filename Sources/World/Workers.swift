// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Threads for what may block: disk calls, hashing of large bodies, slow password checks.
///
/// Isolation: callable from any task. The caller suspends and resumes on its own executor; the script runs alone
/// on one worker thread. Scripts of different callers run side by side, in no promised order.
public protocol Workers: Sendable {
  /// Runs `script` on a worker and returns what it returned or throws what it threw.
  ///
  /// A script is a straight piece of blocking work, from some microseconds to a few milliseconds; in a simulation a
  /// crash may cut it between any two of its file operations.
  func run<R: Sendable, E: Error>(_ script: @escaping @Sendable () throws(E) -> R) async throws(E) -> R
}
