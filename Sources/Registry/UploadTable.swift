// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryStorage
import GantryWorld

/// Finds the sessions of the uploads that requests work on at this moment, and of those that they worked on last.
///
/// Isolation: one actor per loop; an upload belongs to the one that the hash of its id names.
actor UploadTable {
  private struct Entry {
    let session: UploadSession
    var users: Int
  }

  private let loop: any LoopExecutor
  private let storage: any StorageEngine
  private var entries: [UploadKey: Entry] = [:]
  /// Sessions that nobody uses, for the next chunk. What falls out is found in the storage again.
  private var idle = LRUTable<UploadKey, UploadSession>(countMax: idleMax, weightMax: idleMax * 8)

  /// How many sessions are kept for each loop: as many as clients push at a time, and less than a megabyte.
  private static let idleMax = 256

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(storage: any StorageEngine, on loop: any LoopExecutor) {
    self.storage = storage
    self.loop = loop
  }

  /// The session of an upload, for one user more; made on `home` when it is not known. The user gives it back with
  /// ``checkIn(_:isWorthKeeping:)``.
  func checkOut(_ key: UploadKey, home: any LoopExecutor) -> UploadSession {
    if var entry = entries[key] {
      entry.users += 1
      entries[key] = entry
      return entry.session
    }
    let session = idle.use(key, now: 0) ?? UploadSession(key, storage: storage, on: home)
    idle.remove(key)
    entries[key] = Entry(session: session, users: 1)
    return session
  }

  /// One user is done. With the last one the session is kept for a while if it is worth it, or else forgotten.
  func checkIn(_ key: UploadKey, isWorthKeeping: Bool) {
    guard var entry = entries[key] else { preconditionFailure("an upload is given back as often as it is taken") }
    entry.users -= 1
    entries[key] = entry.users == 0 ? nil : entry
    if entry.users == 0, isWorthKeeping { idle.keep(key, entry.session, weight: 1, now: 0) }
  }

  /// How many uploads are in use.
  var count: Int { entries.count }
}
