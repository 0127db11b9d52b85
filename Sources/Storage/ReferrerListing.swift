// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

/// Knows which manifests name a subject.
public protocol ReferrerListing: Sendable {
  /// The digests of the manifests in the repository that have `subject`, in byte order of their text. Includes
  /// manifests that another process stored in the same storage, and never one whose revision is gone.
  ///
  /// The engine does not read manifests itself: `subjectOf` is given a manifest's bytes and returns its subject.
  func referrers(
    of subject: Digest, in repository: RepositoryName, subjectOf: @escaping @Sendable ([UInt8]) -> Digest?
  ) async throws(StorageError) -> [Digest]
}
