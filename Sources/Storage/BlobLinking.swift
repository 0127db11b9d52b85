// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

/// Gives blobs to repositories and takes them away.
public protocol BlobLinking: Sendable {
  /// Links the blob of `source` into `target` (end-11). False when `source` does not link it or its content is missing.
  /// Durable at return. Linking what is linked already succeeds.
  func mount(_ digest: Digest, from source: RepositoryName, into target: RepositoryName)
    async throws(StorageError) -> Bool

  /// Takes the blob from the repository (end-10). Other repositories keep theirs and the content stays for the
  /// collector. False when it was not linked. Durable at return.
  func unlink(_ digest: Digest, from repository: RepositoryName) async throws(StorageError) -> Bool

  /// Some repositories that link the blob, at most `limit`, for a mount without `from` (clause 11.3). May be
  /// incomplete: an engine answers from what it can find cheaply; it never names a repository that does not link the
  /// blob.
  func repositories(linking digest: Digest, limit: Int) async throws(StorageError) -> [RepositoryName]
}
