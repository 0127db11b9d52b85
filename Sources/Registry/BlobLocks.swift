// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryWorld

/// The lock tables of all loops. A digest belongs to the table that its own first bytes choose.
struct BlobLocks: Sendable {
  private let tables: [BlobLockTable]

  init(loops: [any LoopExecutor]) {
    tables = loops.map { BlobLockTable(on: $0) }
  }

  func take(_ digest: Digest, _ owner: OwnerID) async {
    await table(of: digest).take(digest, owner)
  }

  func leave(_ digest: Digest, _ owner: OwnerID) async {
    await table(of: digest).leave(digest, owner)
  }

  /// How many digests are locked.
  var count: Int {
    get async {
      var count = 0
      for table in tables { count += await table.count }
      return count
    }
  }

  private func table(of digest: Digest) -> BlobLockTable {
    let raw = digest.bytes
    return tables[(Int(raw[0]) << 8 | Int(raw[1])) % tables.count]
  }
}
