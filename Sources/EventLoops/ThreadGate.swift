// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV

/// Lets a thread that is no loop wait for something that happens on one. Opened once, by anyone; every waiter passes.
@safe
public final class ThreadGate: @unchecked Sendable {
  // Safe because: the semaphore is made for sharing, and its memory lives as long as this object.

  private let semaphore: UnsafeMutablePointer<uv_sem_t>

  /// A closed gate.
  public init() {
    unsafe semaphore = .allocate(capacity: 1)
    unsafe expectSuccess("uv_sem_init", uv_sem_init(semaphore, 0))
  }

  deinit {
    unsafe uv_sem_destroy(semaphore)
    unsafe semaphore.deallocate()
  }

  /// Opens the gate. Callable from any thread; opening it again changes nothing for those who pass.
  public func open() {
    unsafe uv_sem_post(semaphore)
  }

  /// Blocks the calling thread until the gate is open. Never called on a loop.
  public func wait() {
    unsafe uv_sem_wait(semaphore)
    unsafe uv_sem_post(semaphore)
  }
}
