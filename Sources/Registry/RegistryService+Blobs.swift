// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
import GantryStorage

extension RegistryService {
  /// The blob that the repository links, with a proof for caching it when it may be cached (end-2).
  public func blob(
    _ digest: Digest, in repository: RepositoryName
  ) async throws(RegistryError) -> BlobAnswer {
    let proof = CacheProof(storage.watch(blob: digest, in: repository))
    do {
      if let blob = try await storage.blob(digest, in: repository) {
        return BlobAnswer(blob: blob, proof: proof)
      }
    } catch { throw .storage(error) }
    throw .blobUnknown(digest)
  }

  /// Links a blob into the repository without its bytes being sent (end-11). Without `source` any repository that
  /// links it will do. False when it must be uploaded after all: whatever is wrong with a mount, an upload is the way
  /// on. Where `mayPull` says no, the blob is taken as not being there, so that the answer tells nothing of it.
  public func mount(
    _ digest: Digest, from source: RepositoryName?, into target: RepositoryName,
    where mayPull: @Sendable (RepositoryName) -> Bool = { _ in true }
  ) async throws(RegistryError) -> Bool {
    try requireWritable()
    let owner = owners.next()
    await locks.take(digest, owner)
    let isMounted = await mountLocked(digest, from: source, into: target, where: mayPull)
    await locks.leave(digest, owner)
    return isMounted
  }

  /// Takes the blob from the repository (end-10).
  public func deleteBlob(_ digest: Digest, in repository: RepositoryName) async throws(RegistryError) {
    try requireDeletion()
    let owner = owners.next()
    // The blob first, then the repository: everybody who takes both takes them in this order.
    await locks.take(digest, owner)
    let wasLinked: Bool
    do {
      wasLinked = try await repositoryTable(of: repository).unlink(digest, in: repository, by: owner)
    } catch {
      await locks.leave(digest, owner)
      throw error
    }
    await locks.leave(digest, owner)
    guard wasLinked else { throw .blobUnknown(digest) }
  }

  private func mountLocked(
    _ digest: Digest, from source: RepositoryName?, into target: RepositoryName,
    where mayPull: @Sendable (RepositoryName) -> Bool
  ) async -> Bool {
    do {
      if let source { return mayPull(source) ? try await storage.mount(digest, from: source, into: target) : false }
      // What is there already is linked once more: whoever linked it may not have made that durable.
      if mayPull(target), try await storage.mount(digest, from: target, into: target) { return true }
      for candidate in try await storage.repositories(linking: digest, limit: 8) where mayPull(candidate) {
        guard try await storage.mount(digest, from: candidate, into: target) else { continue }
        return true
      }
      return false
    } catch {
      // The upload that follows meets the same fault, if it lasts, and reports it.
      return false
    }
  }
}
