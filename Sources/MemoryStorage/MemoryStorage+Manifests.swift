// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryStorage

extension MemoryStorage {
  /// See ``ManifestStoring/manifest(_:in:)``.
  public func manifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> [UInt8]? {
    withTables { tables in
      tables.repositories[repository]?.revisions[digest].flatMap { _ in tables.content(digest) }
    }
  }

  /// See ``ManifestStoring/watch(manifest:in:)``.
  public func watch(manifest digest: Digest, in repository: RepositoryName) -> any LinkWatch {
    MemoryWatch(storage: self, repository: repository, place: .revision(digest))
  }

  /// See ``ManifestStoring/hasManifest(_:in:)``.
  public func hasManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool {
    withTables { tables in tables.repositories[repository]?.revisions[digest] != nil }
  }

  /// See ``ManifestStoring/putManifest(_:digest:subject:tags:in:)``.
  public func putManifest(
    _ bytes: [UInt8], digest: Digest, subject: Digest?, tags: [Tag], in repository: RepositoryName
  ) async throws(StorageError) {
    try withTables { (tables) throws(StorageError) in
      try tables.link(
        [.revision(digest)] + tags.map { .tag($0) }, to: digest, holding: bytes, in: repository)
      tables.setSubject(subject, of: digest, in: repository)
    }
  }

  /// See ``ManifestStoring/removeManifest(_:in:)``.
  public func removeManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool {
    withTables { tables in
      tables.setSubject(nil, of: digest, in: repository)
      return tables.unlink(.revision(digest), in: repository)
    }
  }

  /// See ``ReferrerListing/referrers(of:in:subjectOf:)``. `subjectOf` is not needed: every subject was recorded.
  public func referrers(
    of subject: Digest, in repository: RepositoryName, subjectOf: @escaping @Sendable ([UInt8]) -> Digest?
  ) async throws(StorageError) -> [Digest] {
    withTables { tables in
      (tables.repositories[repository]?.subjects ?? [:]).filter { $0.value == subject }.keys.sorted()
    }
  }
}
