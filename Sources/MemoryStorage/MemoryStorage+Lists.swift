// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryStorage

extension MemoryStorage {
  /// See ``TagStoring/tag(_:in:)``.
  public func tag(_ tag: Tag, in repository: RepositoryName) async throws(StorageError) -> Digest? {
    withTables { tables in tables.repositories[repository]?.tags[tag]?.digest }
  }

  /// See ``TagStoring/watch(tag:in:)``.
  public func watch(tag: Tag, in repository: RepositoryName) -> any LinkWatch {
    MemoryWatch(storage: self, repository: repository, place: .tag(tag))
  }

  /// See ``TagStoring/setTag(_:to:in:provided:)``.
  public func setTag(
    _ tag: Tag, to digest: Digest, in repository: RepositoryName, provided condition: TagCondition
  ) async throws(StorageError) -> Bool {
    try withTables { (tables) throws(StorageError) in
      guard tables.holds(condition, of: tag, in: repository) else { return false }
      try tables.link([.tag(tag)], to: digest, in: repository)
      return true
    }
  }

  /// See ``TagStoring/removeTag(_:in:provided:)``.
  public func removeTag(
    _ tag: Tag, in repository: RepositoryName, provided condition: TagCondition
  ) async throws(StorageError) -> Bool {
    withTables { tables in
      tables.holds(condition, of: tag, in: repository) && tables.unlink(.tag(tag), in: repository)
    }
  }

  /// See ``TagStoring/tags(in:after:limit:)``.
  public func tags(
    in repository: RepositoryName, after last: String?, limit: Int
  ) async throws(StorageError) -> ListPage<Tag>? {
    withTables { tables in
      guard let held = tables.repositories[repository], held.hasManifests else { return nil }
      let following = held.tags.keys.filter { tag in last.map { $0 < tag.description } ?? true }
      return ListPage(elements: Array(following.sorted().prefix(limit)), hasMore: following.count > limit)
    }
  }

  /// See ``TagStoring/tags(pointingAt:in:)``. In byte order.
  public func tags(pointingAt digest: Digest, in repository: RepositoryName) async throws(StorageError) -> [Tag] {
    withTables { tables in
      (tables.repositories[repository]?.tags ?? [:]).filter { $0.value.digest == digest }.keys.sorted()
    }
  }

  /// See ``RepositoryListing/repositories(after:limit:)``.
  public func repositories(
    after last: String?, limit: Int
  ) async throws(StorageError) -> ListPage<RepositoryName> {
    withTables { tables in
      let following = tables.repositories.filter { name, held in
        held.hasManifests && (last.map { RepositoryName.precedes($0, name.description) } ?? true)
      }
      return ListPage(elements: Array(following.keys.sorted().prefix(limit)), hasMore: following.count > limit)
    }
  }

  /// See ``SecretKeeping/secret(named:fresh:)``.
  public func secret(named name: String, fresh: [UInt8]) async throws(StorageError) -> [UInt8] {
    try withTables { (tables) throws(StorageError) in try tables.secret(named: name, fresh: fresh) }
  }
}
