// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryStorage
import GantryWorld

/// Finds the sessions of the uploads that requests work on at this moment.
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

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(storage: any StorageEngine, on loop: any LoopExecutor) {
    self.storage = storage
    self.loop = loop
  }

  /// The session of an upload, for one user more; made on `home` when nobody uses the upload yet. The user gives it
  /// back with ``checkIn(_:)``.
  func checkOut(_ key: UploadKey, home: any LoopExecutor) -> UploadSession {
    if var entry = entries[key] {
      entry.users += 1
      entries[key] = entry
      return entry.session
    }
    let session = UploadSession(key, storage: storage, on: home)
    entries[key] = Entry(session: session, users: 1)
    return session
  }

  /// One user is done; with the last one the session is forgotten.
  func checkIn(_ key: UploadKey) {
    guard var entry = entries[key] else { preconditionFailure("an upload is given back as often as it is taken") }
    entry.users -= 1
    entries[key] = entry.users == 0 ? nil : entry
  }

  /// How many uploads are in use.
  var count: Int { entries.count }
}
