// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

/// Keeps manifests byte for byte, by digest, per repository.
public protocol ManifestStoring: Sendable {
  /// The bytes of the manifest, or nil when the repository has no such revision (or its link is torn, or its content
  /// is missing).
  func manifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> [UInt8]?

  /// A watch on the revision that ``manifest(_:in:)`` depends on.
  func watch(manifest digest: Digest, in repository: RepositoryName) -> any LinkWatch

  /// Whether the repository has the revision.
  func hasManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool

  /// Stores a manifest whose digest the caller has computed from these bytes, and points the tags at it. Durable and
  /// visible at return; storing it again is fine. `subject` is recorded for ``ReferrerListing``.
  ///
  /// The manifest comes first, then the tags in their order, so a reader who follows one finds it; nobody, in whichever
  /// process, removes the manifest in between. After a failure, or a crash before the return, the first of these may be
  /// done without the others.
  func putManifest(
    _ bytes: [UInt8], digest: Digest, subject: Digest?, tags: [Tag], in repository: RepositoryName
  ) async throws(StorageError)

  /// Removes the revision; its tags are the caller's to remove, before, so that none is left pointing at nothing, and
  /// once more afterwards those that another process gave it meanwhile (``TagCondition/dangles(_:)``). False when there
  /// was none. Durable at return.
  func removeManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool
}

extension ManifestStoring {
  /// Stores a manifest under its digest alone.
  public func putManifest(
    _ bytes: [UInt8], digest: Digest, subject: Digest?, in repository: RepositoryName
  ) async throws(StorageError) {
    try await putManifest(bytes, digest: digest, subject: subject, tags: [], in: repository)
  }
}
