// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
public import GantryOCI
public import GantryStorage
public import GantryWorld

/// Names a session. Sorts by repository in catalog order, then by id.
struct IngestKey: Hashable, Comparable {
  var repository: RepositoryName
  var id: UploadID

  /// Where a purge goes on after this session; no part of it holds an `@`.
  var cursor: String { "\(repository)@\(id)" }

  static func < (left: IngestKey, right: IngestKey) -> Bool {
    if left.repository != right.repository { return left.repository < right.repository }
    return left.id.description < right.id.description
  }

  func isAfter(cursor: String) -> Bool {
    let parts = cursor.split(separator: "@", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { return true }
    if parts[0] != repository.description { return RepositoryName.precedes(parts[0], repository.description) }
    return parts[1] < id.description
  }
}

/// What the storage holds of a session.
struct Ingest {
  var bytes: [UInt8] = []
  var running: RunningDigest
  var algorithm: DigestAlgorithm
  var startedAt: WallTime
  /// Who has the lease.
  var holder: UInt64?

  /// What it counts towards the limit.
  var cost: UInt64 { Room.nameBytes + UInt64(bytes.count) }
}

extension DigestAlgorithm {
  /// The function that computes digests of this algorithm.
  var function: DigestFunction {
    switch self {
    case .sha256: .sha256
    case .sha512: .sha512
    }
  }
}

extension MemoryStorage {
  /// See ``BlobIngesting/beginIngest(_:in:algorithm:)``.
  public func beginIngest(
    _ id: UploadID, in repository: RepositoryName, algorithm: DigestAlgorithm
  ) async throws(StorageError) -> any IngestSession {
    let key = IngestKey(repository: repository, id: id)
    let startedAt = now
    let holder: UInt64? = try withTables { (tables) throws(StorageError) in
      guard tables.ingests[key] == nil else { return nil }
      try tables.room.take(Room.nameBytes)
      let holder = tables.nextChange()
      tables.ingests[key] = Ingest(
        running: RunningDigest(algorithm.function), algorithm: algorithm, startedAt: startedAt, holder: holder)
      return holder
    }
    guard let holder else {
      throw .failed(FileError(.exists, operation: "begin", path: key.cursor))
    }
    return MemoryIngestSession(
      storage: self, key: key, holder: holder, algorithm: algorithm, startedAt: startedAt, offset: 0)
  }

  /// See ``BlobIngesting/resumeIngest(_:in:)``.
  public func resumeIngest(
    _ id: UploadID, in repository: RepositoryName
  ) async throws(StorageError) -> (any IngestSession)? {
    let key = IngestKey(repository: repository, id: id)
    let taken: Result<(Ingest, UInt64), StorageError>? = withTables { tables in
      guard let ingest = tables.ingests[key] else { return nil }
      guard ingest.holder == nil else { return .failure(.sessionBusy) }
      let holder = tables.nextChange()
      tables.ingests[key]?.holder = holder
      return .success((ingest, holder))
    }
    guard let (ingest, holder) = try taken?.get() else { return nil }
    return MemoryIngestSession(
      storage: self, key: key, holder: holder, algorithm: ingest.algorithm, startedAt: ingest.startedAt,
      offset: UInt64(ingest.bytes.count))
  }

  /// See ``BlobIngesting/standing(of:in:)``. Exact at the moment of asking.
  public func standing(
    of id: UploadID, in repository: RepositoryName
  ) async throws(StorageError) -> IngestStanding? {
    let key = IngestKey(repository: repository, id: id)
    return withTables { tables in
      tables.ingests[key].map { IngestStanding(offset: UInt64($0.bytes.count), startedAt: $0.startedAt) }
    }
  }

  /// See ``BlobIngesting/purgeIngests(startedBefore:from:limit:dryRun:)``.
  public func purgeIngests(
    startedBefore cutoff: WallTime, from cursor: String?, limit: Int, dryRun: Bool
  ) async throws(StorageError) -> PurgeStep {
    withTables { tables in
      let expired = tables.ingests.filter { key, ingest in
        ingest.startedAt < cutoff && ingest.holder == nil && (cursor.map(key.isAfter(cursor:)) ?? true)
      }
      let step = expired.keys.sorted().prefix(limit)
      if !dryRun { for key in step { tables.dropIngest(key) } }
      return PurgeStep(removed: step.map(\.id), next: expired.count > step.count ? step.last?.cursor ?? cursor : nil)
    }
  }
}

/// A session in memory. Its lease is a number in the table, given back with the last reference too.
final class MemoryIngestSession: IngestSession {
  let algorithm: DigestAlgorithm
  let startedAt: WallTime
  private(set) var offset: UInt64
  private let storage: MemoryStorage
  private let key: IngestKey
  private let holder: UInt64
  private var isOver = false

  var id: UploadID { key.id }
  var repository: RepositoryName { key.repository }

  init(
    storage: MemoryStorage, key: IngestKey, holder: UInt64, algorithm: DigestAlgorithm, startedAt: WallTime,
    offset: UInt64
  ) {
    self.storage = storage
    self.key = key
    self.holder = holder
    self.algorithm = algorithm
    self.startedAt = startedAt
    self.offset = offset
  }

  deinit {
    giveBack()
  }

  func acquire() async throws(StorageError) {
    offset = try withIngest { ingest, _ in UInt64(ingest.bytes.count) }
  }

  func append(_ bytes: consuming [UInt8]) async throws(StorageError) -> [UInt8] {
    let added = copy bytes
    let expected = offset
    let (failure, count): (StorageError?, UInt64) = try withIngest { ingest, room in
      let stands = UInt64(ingest.bytes.count)
      guard stands == expected else { return (.sessionBusy, stands) }
      do throws(StorageError) { try room.take(UInt64(added.count)) } catch { return (error, stands) }
      ingest.bytes += added
      ingest.running.update(added)
      return (nil, UInt64(ingest.bytes.count))
    }
    offset = count
    if let failure { throw failure }
    return []
  }

  func flush() async throws(StorageError) {
    try await acquire()
  }

  func release() async {
    giveBack()
  }

  func commit(as digest: Digest) async throws(StorageError) {
    let (bytes, running, spare) = try withIngest { ingest, _ in (ingest.bytes, ingest.running, ingest.cost) }
    let value =
      digest.algorithm == algorithm
      ? running.finished() : GantryCryptography.digest(bytes, digest.algorithm.function)
    let actual = Digest(algorithm: digest.algorithm, bytes: value)
    let (key, target) = (key, repository)
    try storage.withTables { (tables) throws(StorageError) in
      if actual == digest {
        try tables.link([.layer(digest)], to: digest, holding: bytes, in: target, sparing: spare)
      }
      tables.dropIngest(key)
    }
    isOver = true
    if actual != digest { throw .digestMismatch(expected: digest, actual: actual) }
  }

  func abort() async throws(StorageError) {
    guard !isOver else { return }
    let (key, holder) = (key, holder)
    let isBusy = storage.withTables { tables in
      if let other = tables.ingests[key]?.holder, other != holder { return true }
      tables.dropIngest(key)
      return false
    }
    if isBusy { throw .sessionBusy }
    isOver = true
  }

  /// Runs `body` with what the storage holds, under the lease.
  private func withIngest<R: Sendable>(_ body: (inout Ingest, inout Room) -> R) throws(StorageError) -> R {
    guard !isOver else { throw .sessionGone }
    let (key, holder) = (key, holder)
    let result: Result<R, StorageError> = storage.withTables { tables in
      guard tables.ingests[key] != nil else { return .failure(.sessionGone) }
      let other = tables.ingests[key]?.holder
      guard other == nil || other == holder else { return .failure(.sessionBusy) }
      tables.ingests[key]?.holder = holder
      // The entry was looked up above, under the same lock.
      return .success(body(&tables.ingests[key]!, &tables.room))
    }
    return try result.get()
  }

  private func giveBack() {
    let (key, holder) = (key, holder)
    storage.withTables { tables in
      if tables.ingests[key]?.holder == holder { tables.ingests[key]?.holder = nil }
    }
  }
}
