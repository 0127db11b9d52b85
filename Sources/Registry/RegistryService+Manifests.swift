// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
import GantryStorage
import GantryWorld

extension RegistryService {
  /// Documents longer than this are read and hashed by a worker: on a loop they would hold up everybody else.
  private static let inlineBytesMax = 16 * 1024
  /// The same for a look at the outermost members alone.
  private static let inlineLookBytesMax = 64 * 1024

  /// The manifest of a tag or digest, with a proof for caching it when it may be cached (end-3).
  public func manifest(
    _ reference: Reference, in repository: RepositoryName
  ) async throws(RegistryError) -> ManifestAnswer {
    let proof: CacheProof?
    let target: Digest?
    do {
      switch reference {
      case .digest(let digest):
        proof = CacheProof(storage.watch(manifest: digest, in: repository))
        target = digest
      case .tag(let tag):
        proof = CacheProof(storage.watch(tag: tag, in: repository))
        target = try await storage.tag(tag, in: repository)
      }
      guard let target, let bytes = try await storage.manifest(target, in: repository) else {
        throw RegistryError.manifestUnknown(reference)
      }
      // Not read as a pushed one is: another registry may have taken what is refused here (clause 3.1).
      guard let mediaType = await servedType(of: bytes) else {
        throw StorageError.damaged("the stored manifest \(target) of \(repository) does not tell its type")
      }
      return ManifestAnswer(
        manifest: StoredManifest(digest: target, mediaType: mediaType, bytes: bytes), proof: proof)
    } catch let error as StorageError {
      throw .storage(error)
    } catch let error as RegistryError {
      throw error
    } catch {
      preconditionFailure("typed throws leave no other kind: \(error)")
    }
  }

  /// Stores a manifest and points tags at it (end-7): durable and visible at return, the manifest before its tags.
  public func putManifest(
    _ push: ManifestPush, in repository: RepositoryName
  ) async throws(RegistryError) -> ManifestReceipt {
    try requireWritable()
    guard push.bytes.count <= policy.manifestBytesMax else {
      throw .manifestTooLarge(bytesMax: policy.manifestBytesMax)
    }
    let algorithm: DigestAlgorithm
    var tags = push.tags
    switch push.reference {
    case .digest(let digest): algorithm = digest.algorithm
    case .tag(let tag):
      algorithm = .sha256
      tags.removeAll { $0 == tag }
      tags.insert(tag, at: 0)
    }
    let digest = await digest(of: push.bytes, algorithm)
    if case .digest(let expected) = push.reference, expected != digest {
      throw .digestMismatch(expected: expected, actual: digest)
    }
    let checked = CheckedPush(
      bytes: push.bytes, digest: digest, manifest: try await readPushed(push), reference: push.reference, tags: tags,
      condition: push.condition)
    return try await repositoryTable(of: repository).put(checked, in: repository, by: owners.next())
  }

  /// Removes a tag, or a manifest and every tag that points at it (end-9).
  public func deleteManifest(
    _ reference: Reference, in repository: RepositoryName, when condition: WriteCondition = WriteCondition()
  ) async throws(RegistryError) {
    try requireDeletion()
    try await repositoryTable(of: repository)
      .delete(reference, in: repository, when: condition, by: owners.next())
  }

  /// The pushed document. The type that it is declared with now is not kept by the storage, so one that the document
  /// itself does not tell is refused rather than forgotten.
  private func readPushed(_ push: ManifestPush) async throws(RegistryError) -> Manifest {
    let manifest: Manifest
    do { manifest = try await read(push.bytes, contentType: push.contentType) } catch {
      throw .manifestInvalid(error)
    }
    guard await servedType(of: push.bytes) == manifest.mediaType else {
      throw .manifestTypeUnstated(manifest.mediaType)
    }
    return manifest
  }

  private func servedType(of bytes: [UInt8]) async -> MediaType? {
    if bytes.count <= Self.inlineLookBytesMax { return ManifestType.read(bytes) }
    return await world.workers.run { ManifestType.read(bytes) }
  }

  func read(_ bytes: [UInt8], contentType: MediaType?) async throws(ManifestError) -> Manifest {
    if bytes.count <= Self.inlineBytesMax { return try ManifestReader.read(bytes, contentType: contentType) }
    return try await world.workers.run { () throws(ManifestError) -> Manifest in
      try ManifestReader.read(bytes, contentType: contentType)
    }
  }

  private func digest(of bytes: [UInt8], _ algorithm: DigestAlgorithm) async -> Digest {
    if bytes.count <= Self.inlineBytesMax { return contentDigest(of: bytes, algorithm) }
    return await world.workers.run { contentDigest(of: bytes, algorithm) }
  }
}
