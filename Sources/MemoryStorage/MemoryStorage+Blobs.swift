// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryStorage

extension MemoryStorage {
  /// See ``BlobReading/blob(_:in:)``.
  public func blob(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> StoredBlob? {
    withTables { tables in
      guard tables.repositories[repository]?.layers[digest] != nil, let bytes = tables.content(digest) else {
        return nil
      }
      return StoredBlob(digest: digest, size: UInt64(bytes.count), content: .bytes(bytes))
    }
  }

  /// See ``BlobReading/watch(blob:in:)``.
  public func watch(blob digest: Digest, in repository: RepositoryName) -> any LinkWatch {
    MemoryWatch(storage: self, repository: repository, place: .layer(digest))
  }

  /// See ``BlobLinking/mount(_:from:into:)``.
  public func mount(
    _ digest: Digest, from source: RepositoryName, into target: RepositoryName
  ) async throws(StorageError) -> Bool {
    try withTables { (tables) throws(StorageError) in
      guard tables.repositories[source]?.layers[digest] != nil else { return false }
      if tables.repositories[target]?.layers[digest] == nil {
        try tables.link([.layer(digest)], to: digest, in: target)
      }
      return true
    }
  }

  /// See ``BlobLinking/unlink(_:from:)``.
  public func unlink(_ digest: Digest, from repository: RepositoryName) async throws(StorageError) -> Bool {
    withTables { tables in tables.unlink(.layer(digest), in: repository) }
  }

  /// See ``BlobLinking/repositories(linking:limit:)``. Complete up to the limit, in catalog order.
  public func repositories(linking digest: Digest, limit: Int) async throws(StorageError) -> [RepositoryName] {
    withTables { tables in
      Array(tables.repositories.filter { $0.value.layers[digest] != nil }.keys.sorted().prefix(limit))
    }
  }
}

/// Watches one entry of the tables by the number of the change that made it.
struct MemoryWatch: LinkWatch {
  let storage: MemoryStorage
  let repository: RepositoryName
  let place: Tables.Place

  func version() -> LinkVersion? {
    storage.withTables { tables in
      (tables.repositories[repository]?[place]).map { LinkVersion($0.version, 0, 0, isSettled: true) }
    }
  }
}
