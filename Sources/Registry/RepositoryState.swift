// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
import GantryWorld

/// One repository while it is being changed. Deletions, and pushes under a condition, happen one after the other with
/// nothing beside, so that a condition that held when it was checked holds when the write is done, and nothing is
/// unlinked between the check of a manifest's references and the manifest. Other pushes happen side by side.
///
/// Isolation: an actor on the loop that the hash of the repository's name names; exists while a write uses it.
actor RepositoryState {
  let name: RepositoryName
  private let loop: any LoopExecutor
  private let storage: any StorageEngine
  private let policy: RegistryPolicy
  private var turn = SharedTurn()

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(_ name: RepositoryName, storage: any StorageEngine, policy: RegistryPolicy, on loop: any LoopExecutor) {
    self.name = name
    self.storage = storage
    self.policy = policy
    self.loop = loop
  }

  /// Stores a manifest, then points the tags at it.
  func put(_ push: CheckedPush, by owner: OwnerID) async throws(RegistryError) -> ManifestReceipt {
    // What looks where a tag points must still be right when it moves the tag.
    let looksFirst = !push.condition.isEmpty || push.tags.contains(where: isProtected)
    await takeTurn(owner, looksFirst ? .alone : .shared)
    defer { leaveTurn(owner) }
    do {
      try await check(push.condition, of: push.reference)
      for tag in push.tags { try await checkMove(of: tag, to: push.digest) }
      try await ManifestCheck(storage: storage, validation: policy.validation, repository: name).check(push.manifest)
      let subject = push.manifest.subject?.digest
      try await storage.putManifest(push.bytes, digest: push.digest, subject: subject, tags: push.tags, in: name)
      return ManifestReceipt(
        digest: push.digest, mediaType: push.manifest.mediaType, subject: subject, tags: push.tags)
    } catch let error as StorageError {
      throw .storage(error)
    } catch let error as RegistryError {
      throw error
    } catch {
      preconditionFailure("typed throws leave no third kind: \(error)")
    }
  }

  /// Removes a tag, or every tag that points at a manifest and then the manifest.
  func delete(
    _ reference: Reference, when condition: WriteCondition, by owner: OwnerID
  ) async throws(RegistryError) {
    await takeTurn(owner, .alone)
    defer { leaveTurn(owner) }
    do {
      try await check(condition, of: reference)
      switch reference {
      case .tag(let tag):
        try await checkMove(of: tag, to: nil)
        guard try await storage.removeTag(tag, in: name) else { throw RegistryError.manifestUnknown(reference) }
      case .digest(let digest):
        guard try await storage.hasManifest(digest, in: name) else { throw RegistryError.manifestUnknown(reference) }
        let tags = try await storage.tags(pointingAt: digest, in: name)
        for tag in tags { try await checkMove(of: tag, to: nil) }
        // The tags first: wherever this is cut off, no tag points at what is gone, and the client can ask again.
        for tag in tags {
          // False means that somebody else removed or moved it meanwhile, which is what we want.
          _ = try await storage.removeTag(tag, in: name, provided: .pointsAt(digest))
        }
        _ = try await storage.removeManifest(digest, in: name)  // as above
        // From here on no tag is set to it, but another process may have done so since the tags were looked up.
        for tag in try await storage.tags(pointingAt: digest, in: name) {
          _ = try await storage.removeTag(tag, in: name, provided: .dangles(digest))
        }
      }
    } catch let error as StorageError {
      throw .storage(error)
    } catch let error as RegistryError {
      throw error
    } catch {
      preconditionFailure("typed throws leave no third kind: \(error)")
    }
  }

  /// Takes a blob from the repository; false when it was not linked.
  func unlink(_ digest: Digest, by owner: OwnerID) async throws(RegistryError) -> Bool {
    await takeTurn(owner, .alone)
    defer { leaveTurn(owner) }
    do { return try await storage.unlink(digest, from: name) } catch { throw .storage(error) }
  }

  private func isProtected(_ tag: Tag) -> Bool {
    policy.protectedTags.covers(tag, in: name)
  }

  /// A protected tag that is set stays where it is.
  private func checkMove(of tag: Tag, to digest: Digest?) async throws {
    guard isProtected(tag) else { return }
    guard let current = try await storage.tag(tag, in: name), current != digest else { return }
    throw RegistryError.tagProtected(tag, current: current)
  }

  private func check(_ condition: WriteCondition, of reference: Reference) async throws {
    guard !condition.isEmpty else { return }
    let current: Digest?
    switch reference {
    case .tag(let tag): current = try await storage.tag(tag, in: name)
    case .digest(let digest): current = try await storage.hasManifest(digest, in: name) ? digest : nil
    }
    guard condition.holds(for: current) else { throw RegistryError.conditionFailed(current: current) }
  }

  private func takeTurn(_ owner: OwnerID, _ manner: SharedTurn.Manner) async {
    if turn.tryTake(owner, manner) { return }
    // Asked again inside: a task that prefers another loop is enqueued anew before it gets there.
    await withUnsafeContinuation { turn.takeOrWait(owner, manner, $0) }
  }

  private func leaveTurn(_ owner: OwnerID) {
    for next in turn.leave(owner) { next.resume() }
  }
}

/// A push whose document was read and whose digest was computed.
struct CheckedPush: Sendable {
  let bytes: [UInt8]
  let digest: Digest
  let manifest: Manifest
  let reference: Reference
  let tags: [Tag]
  let condition: WriteCondition
}
