// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryStorage

extension MemoryStorage {
  /// See ``BlobReading/blob(_:in:)``.
  public func blob(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> StoredBlob? {
    withTables { tables in
      guard tables.repositories[repository]?.layers[digest] != nil, let bytes = tables.contents[digest] else {
        return nil
      }
      return StoredBlob(digest: digest, size: UInt64(bytes.count), content: .bytes(bytes))
    }
  }

  /// See ``BlobReading/watch(blob:in:)``.
  public func watch(blob digest: Digest, in repository: RepositoryName) -> any LinkWatch {
    MemoryWatch(storage: self, repository: repository, subject: .blob(digest))
  }

  /// See ``BlobLinking/mount(_:from:into:)``.
  public func mount(
    _ digest: Digest, from source: RepositoryName, into target: RepositoryName
  ) async throws(StorageError) -> Bool {
    withTables { tables in
      guard tables.repositories[source]?.layers[digest] != nil, tables.contents[digest] != nil else { return false }
      if tables.repositories[target]?.layers[digest] == nil {
        let link = tables.link(to: digest)
        tables.repositories[target, default: .init()].layers[digest] = link
      }
      return true
    }
  }

  /// See ``BlobLinking/unlink(_:from:)``.
  public func unlink(_ digest: Digest, from repository: RepositoryName) async throws(StorageError) -> Bool {
    withTables { tables in tables.repositories[repository]?.layers.removeValue(forKey: digest) != nil }
  }

  /// See ``BlobLinking/repositories(linking:limit:)``. Complete up to the limit, in catalog order.
  public func repositories(linking digest: Digest, limit: Int) async throws(StorageError) -> [RepositoryName] {
    withTables { tables in
      guard tables.contents[digest] != nil else { return [] }
      return Array(tables.repositories.filter { $0.value.layers[digest] != nil }.keys.sorted().prefix(limit))
    }
  }
}

/// Watches one entry of the tables by the number of the change that made it.
struct MemoryWatch: LinkWatch {
  enum Subject {
    case blob(Digest)
    case manifest(Digest)
    case tag(Tag)
  }

  let storage: MemoryStorage
  let repository: RepositoryName
  let subject: Subject

  func version() -> LinkVersion? {
    storage.withTables { tables in
      guard let held = tables.repositories[repository] else { return nil }
      let link =
        switch subject {
        case .blob(let digest): held.layers[digest]
        case .manifest(let digest): held.revisions[digest]
        case .tag(let tag): held.tags[tag]
        }
      return link.map { LinkVersion($0.version, 0, 0, isSettled: true) }
    }
  }
}
