// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryStorage
import GantryWorld
import Synchronization

extension FilesystemStorage {
  /// See ``BlobReading/blob(_:in:)``.
  public func blob(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> StoredBlob? {
    let blob = try await script { (tree) throws(FileError) -> StoredBlob? in
      let place = tree.layout.layer(digest, in: repository)
      guard let content = try tree.link(place, named: digest) else { return nil }
      guard let (file, size) = try tree.content(content) else {
        tree.report("\(repository) links \(digest), whose content is missing")
        return nil
      }
      return StoredBlob(digest: digest, size: size, content: .file(file))
    }
    if blob != nil { recentLinks.note(digest, in: repository) }
    return blob
  }

  /// See ``BlobReading/blobSizes(_:in:)``. A worker looks up some of them at a time.
  public func blobSizes(_ digests: [Digest], in repository: RepositoryName) async throws(StorageError) -> [UInt64?] {
    var sizes: [UInt64?] = []
    while sizes.count < digests.count {
      let part = Array(digests[sizes.count..<min(digests.count, sizes.count + Self.sizesPerScript)])
      sizes += try await script { (tree) throws(FileError) -> [UInt64?] in
        var sizes: [UInt64?] = []
        for digest in part {
          let content = try tree.link(tree.layout.layer(digest, in: repository), named: digest)
          sizes.append(try content.flatMap { (content) throws(FileError) in try tree.size(of: content) })
        }
        return sizes
      }
    }
    for (digest, size) in zip(digests, sizes) where size != nil { recentLinks.note(digest, in: repository) }
    return sizes
  }

  /// So that a script takes a millisecond or so.
  private static let sizesPerScript = 64

  /// See ``BlobReading/watch(blob:in:)``.
  public func watch(blob digest: Digest, in repository: RepositoryName) -> any LinkWatch {
    watch(tree.layout.layer(digest, in: repository))
  }

  /// See ``BlobLinking/mount(_:from:into:)``.
  public func mount(
    _ digest: Digest, from source: RepositoryName, into target: RepositoryName
  ) async throws(StorageError) -> Bool {
    let durability = journal.durability
    let content = try await script { (tree) throws(FileError) -> Digest? in
      guard let content = try tree.link(tree.layout.layer(digest, in: source), named: digest),
        try tree.content(content) != nil
      else { return nil }
      if durability == .strict { try tree.makeContentDurable(content) }
      return content
    }
    guard let content else { return false }
    // What is linked where it is linked already must not come back when somebody takes it away meanwhile.
    var condition: Journal.Condition?
    if source == target {
      condition = { (tree) throws(FileError) in
        try tree.link(tree.layout.layer(digest, in: target), named: digest) != nil
      }
    }
    let isLinked = try await change(
      Journal.Change(.layer(digest, content: content, in: target), provided: condition))
    guard isLinked else { return false }
    recentLinks.note(digest, in: target)
    return true
  }

  /// See ``BlobLinking/unlink(_:from:)``. Removes the link file and leaves its directory, as Distribution does.
  public func unlink(_ digest: Digest, from repository: RepositoryName) async throws(StorageError) -> Bool {
    try await remove(tree.layout.layer(digest, in: repository), .noLayer(digest, in: repository))
  }

  /// Takes something away, if it is there and the condition holds, as the record says.
  func remove(
    _ place: Layout.Place, _ record: JournalRecord, provided condition: Journal.Condition? = nil
  ) async throws(StorageError) -> Bool {
    let isThere = try await script { (tree) throws(FileError) in try tree.files.status(place.file) != nil }
    return isThere ? try await change(Journal.Change(record, provided: condition)) : false
  }

  /// See ``BlobLinking/repositories(linking:limit:)``. Knows what this process has linked or read lately; each is
  /// looked up before it is named.
  public func repositories(linking digest: Digest, limit: Int) async throws(StorageError) -> [RepositoryName] {
    let candidates = recentLinks.repositories(noted: digest)
    guard !candidates.isEmpty, limit > 0 else { return [] }
    return try await script { (tree) throws(FileError) -> [RepositoryName] in
      var linking: [RepositoryName] = []
      for candidate in candidates where linking.count < limit {
        guard let content = try tree.link(tree.layout.layer(digest, in: candidate), named: digest),
          try tree.content(content) != nil
        else { continue }
        linking.append(candidate)
      }
      return linking
    }
  }
}

/// Which repositories were seen to link a digest lately: a hint, and bounded.
///
/// Isolation: safe from everywhere; one lock.
final class RecentLinks: Sendable {
  private struct Table {
    var repositories: [Digest: [RepositoryName]] = [:]
    var order: [Digest] = []
    var oldest = 0
  }

  /// At 300 bytes an entry, some hundred kilobytes.
  private static let digestsMax = 2048
  private static let repositoriesMax = 4

  private let table = Mutex(Table())

  /// Remembers that the repository links the digest; the digest seen first is forgotten when there are too many.
  func note(_ digest: Digest, in repository: RepositoryName) {
    table.withLock { table in
      if let known = table.repositories[digest] {
        guard known.first != repository else { return }
        table.repositories[digest] = Array(
          ([repository] + known.filter { $0 != repository }).prefix(Self.repositoriesMax))
      } else {
        table.repositories[digest] = [repository]
        if table.order.count < Self.digestsMax {
          table.order.append(digest)
        } else {
          table.repositories[table.order[table.oldest]] = nil
          table.order[table.oldest] = digest
          table.oldest = (table.oldest + 1) % Self.digestsMax
        }
      }
    }
  }

  /// The repositories that were noted for the digest, the latest first.
  func repositories(noted digest: Digest) -> [RepositoryName] {
    table.withLock { $0.repositories[digest] ?? [] }
  }
}
