// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
import GantryWorld

/// Finds the repositories that are being changed at this moment and passes writes on to them.
///
/// Isolation: one actor per loop; a repository belongs to the one that the hash of its name names, and its state
/// lives on the same loop, so that a write makes one hop there and one back.
actor RepositoryTable {
  private struct Entry {
    let state: RepositoryState
    var users: Int
  }

  private let loop: any LoopExecutor
  private let storage: any StorageEngine
  private let policy: RegistryPolicy
  private var entries: [RepositoryName: Entry] = [:]

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(storage: any StorageEngine, policy: RegistryPolicy, on loop: any LoopExecutor) {
    self.storage = storage
    self.policy = policy
    self.loop = loop
  }

  func put(
    _ push: CheckedPush, in name: RepositoryName, by owner: OwnerID
  ) async throws(RegistryError) -> ManifestReceipt {
    let state = checkOut(name)
    defer { checkIn(name) }
    return try await state.put(push, by: owner)
  }

  func delete(
    _ reference: Reference, in name: RepositoryName, when condition: WriteCondition, by owner: OwnerID
  ) async throws(RegistryError) {
    let state = checkOut(name)
    defer { checkIn(name) }
    try await state.delete(reference, when: condition, by: owner)
  }

  func unlink(_ digest: Digest, in name: RepositoryName, by owner: OwnerID) async throws(RegistryError) -> Bool {
    let state = checkOut(name)
    defer { checkIn(name) }
    return try await state.unlink(digest, by: owner)
  }

  /// How many repositories are being changed.
  var count: Int { entries.count }

  private func checkOut(_ name: RepositoryName) -> RepositoryState {
    if var entry = entries[name] {
      entry.users += 1
      entries[name] = entry
      return entry.state
    }
    let state = RepositoryState(name, storage: storage, policy: policy, on: loop)
    entries[name] = Entry(state: state, users: 1)
    return state
  }

  private func checkIn(_ name: RepositoryName) {
    guard var entry = entries[name] else { preconditionFailure("a repository is given back as often as it is taken") }
    entry.users -= 1
    entries[name] = entry.users == 0 ? nil : entry
  }
}
