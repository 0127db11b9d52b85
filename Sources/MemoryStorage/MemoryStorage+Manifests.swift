// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryStorage

extension MemoryStorage {
  /// See ``ManifestStoring/manifest(_:in:)``.
  public func manifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> [UInt8]? {
    withTables { tables in
      tables.repositories[repository]?.revisions[digest].flatMap { _ in tables.contents[digest] }
    }
  }

  /// See ``ManifestStoring/watch(manifest:in:)``.
  public func watch(manifest digest: Digest, in repository: RepositoryName) -> any LinkWatch {
    MemoryWatch(storage: self, repository: repository, subject: .manifest(digest))
  }

  /// See ``ManifestStoring/hasManifest(_:in:)``.
  public func hasManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool {
    withTables { tables in tables.repositories[repository]?.revisions[digest] != nil }
  }

  /// See ``ManifestStoring/putManifest(_:digest:subject:tags:in:)``.
  public func putManifest(
    _ bytes: [UInt8], digest: Digest, subject: Digest?, tags: [Tag], in repository: RepositoryName
  ) async throws(StorageError) {
    withTables { tables in
      let link = tables.link(to: digest)
      tables.contents[digest] = bytes
      tables.repositories[repository, default: .init()].revisions[digest] = link
      tables.repositories[repository]?.subjects[digest] = subject
      tables.repositories[repository]?.hasManifests = true
      for tag in tags {
        let link = tables.link(to: digest)
        tables.repositories[repository]?.tags[tag] = link
      }
    }
  }

  /// See ``ManifestStoring/removeManifest(_:in:)``.
  public func removeManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool {
    withTables { tables in
      tables.repositories[repository]?.subjects[digest] = nil
      return tables.repositories[repository]?.revisions.removeValue(forKey: digest) != nil
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
