// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A whole storage: the union of the roles. Code that needs one role asks for that role; only wiring names the union.
///
/// Every engine passes the suite in `GantryStorageConformance`, which is this contract in executable form.
public protocol StorageEngine: BlobReading, BlobLinking, BlobIngesting, ManifestStoring, ReferrerListing, TagStoring,
  RepositoryListing, SecretKeeping
{
  /// Makes the storage ready: directories, recovery of what a crash left half done. Called once, before any other call.
  /// Takes time bounded by what was in flight, never by what is stored.
  func start() async throws(StorageError)

  /// Brings to an end what is done behind acknowledgements, so that another registry can take the storage over. The
  /// last call; nothing acknowledged is lost without it, nor when it fails.
  func stop() async throws(StorageError)

  /// Whether the storage answers; what a health check asks.
  func check() async throws(StorageError)
}
