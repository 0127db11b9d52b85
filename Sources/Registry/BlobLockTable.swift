// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryWorld

/// Locks on blobs: whoever commits, mounts, unlinks or collects a blob holds the lock of its digest meanwhile.
///
/// Isolation: one actor per loop; see ``BlobLocks`` for which one a digest belongs to. A lock is a value in the
/// table, held under an owner's id and never by a suspended frame alone.
actor BlobLockTable {
  private let loop: any LoopExecutor
  private var locks: [Digest: OwnerQueue] = [:]

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(on loop: any LoopExecutor) {
    self.loop = loop
  }

  /// Takes the lock of `digest`, after those who came before.
  func take(_ digest: Digest, _ owner: OwnerID) async {
    if locks[digest, default: OwnerQueue()].tryTake(owner) { return }
    // Asked again inside: a task that prefers another loop is enqueued anew before it gets there.
    await withUnsafeContinuation { locks[digest, default: OwnerQueue()].takeOrWait(owner, $0) }
  }

  /// Gives the lock up, to the next in line if there is one.
  func leave(_ digest: Digest, _ owner: OwnerID) {
    let next = locks[digest]?.leave(owner)
    if let next { next.resume() } else { locks[digest] = nil }
  }

  /// How many digests are locked.
  var count: Int { locks.count }
}
