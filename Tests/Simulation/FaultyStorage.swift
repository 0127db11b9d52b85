// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
import GantryWorld
import Synchronization

/// A storage with a bug.
final class FaultyStorage: StorageEngine {
  private let base: any StorageEngine
  private let bug: PlantedBug
  private let loop: any LoopExecutor
  private let lists = Atomic<Int>(0)
  private let known = Mutex<Set<RepositoryName>>([])

  init(_ base: any StorageEngine, bug: PlantedBug, loop: any LoopExecutor) {
    self.base = base
    self.bug = bug
    self.loop = loop
  }

  // MARK: Where bugs are

  func mount(
    _ digest: Digest, from source: RepositoryName, into target: RepositoryName
  ) async throws(StorageError) -> Bool {
    if bug == .forgetsMount { return try await base.blob(digest, in: source) != nil }
    return try await base.mount(digest, from: source, into: target)
  }

  func unlink(_ digest: Digest, from repository: RepositoryName) async throws(StorageError) -> Bool {
    if bug == .forgetsUnlink { return try await base.blob(digest, in: repository) != nil }
    return try await base.unlink(digest, from: repository)
  }

  func blob(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> StoredBlob? {
    known.withLock { _ = $0.insert(repository) }
    let blob = try await base.blob(digest, in: repository)
    switch (bug, blob) {
    case (.servesForeignBlobs, nil):
      for other in known.withLock({ $0.sorted { $0.description < $1.description } }) {
        if let foreign = try await base.blob(digest, in: other) { return foreign }
      }
      return nil
    case (.servesOtherBytes, let blob?) where blob.size > 1000:
      guard case .file(let file) = blob.content else { return blob }
      var bytes: [UInt8]
      do throws(FileError) { bytes = try file.read(Int(blob.size), at: 0) } catch { throw StorageError(error) }
      bytes[bytes.count - 1] ^= 1
      return StoredBlob(digest: blob.digest, size: blob.size, content: .bytes(bytes))
    default: return blob
    }
  }

  func setTag(
    _ tag: Tag, to digest: Digest, in repository: RepositoryName, provided condition: TagCondition
  ) async throws(StorageError) -> Bool {
    try await base.setTag(tag, to: digest, in: repository, provided: condition)
  }

  func putManifest(
    _ bytes: [UInt8], digest: Digest, subject: Digest?, tags: [Tag], in repository: RepositoryName
  ) async throws(StorageError) {
    switch bug {
    case .acknowledgesTagEarly, .swallowsTagFailure:
      try await base.putManifest(bytes, digest: digest, subject: subject, tags: [], in: repository)
    default: try await base.putManifest(bytes, digest: digest, subject: subject, tags: tags, in: repository)
    }
    for tag in tags {
      switch bug {
      case .acknowledgesTagEarly:
        spawn(on: loop) { [base] in
          // The bug is that nobody learns of it.
          _ = try? await base.setTag(tag, to: digest, in: repository, provided: .hasManifest(digest))
        }
      case .swallowsTagFailure:
        // The bug.
        _ = try? await base.setTag(tag, to: digest, in: repository, provided: .hasManifest(digest))
      default: break
      }
    }
  }

  func tags(pointingAt digest: Digest, in repository: RepositoryName) async throws(StorageError) -> [Tag] {
    bug == .leavesTagsDangling ? [] : try await base.tags(pointingAt: digest, in: repository)
  }

  func tags(
    in repository: RepositoryName, after last: String?, limit: Int
  ) async throws(StorageError) -> ListPage<Tag>? {
    if bug == .stalls { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
    if bug == .failsLists, lists.wrappingAdd(1, ordering: .relaxed).newValue % 3 == 0 {
      throw .damaged("a bug was planted")
    }
    return try await base.tags(in: repository, after: last, limit: limit)
  }

  func watch(blob digest: Digest, in repository: RepositoryName) -> any LinkWatch {
    watch(base.watch(blob: digest, in: repository))
  }

  func watch(manifest digest: Digest, in repository: RepositoryName) -> any LinkWatch {
    watch(base.watch(manifest: digest, in: repository))
  }

  func watch(tag: Tag, in repository: RepositoryName) -> any LinkWatch {
    watch(base.watch(tag: tag, in: repository))
  }

  private func watch(_ watch: any LinkWatch) -> any LinkWatch {
    bug == .cachesForEver ? BlindWatch() : watch
  }

  func beginIngest(
    _ id: UploadID, in repository: RepositoryName, algorithm: DigestAlgorithm
  ) async throws(StorageError) -> any IngestSession {
    FaultyIngest(try await base.beginIngest(id, in: repository, algorithm: algorithm), bug: bug)
  }

  func resumeIngest(
    _ id: UploadID, in repository: RepositoryName
  ) async throws(StorageError) -> (any IngestSession)? {
    guard let session = try await base.resumeIngest(id, in: repository) else { return nil }
    return FaultyIngest(session, bug: bug)
  }

  // MARK: Where none are

  func repositories(linking digest: Digest, limit: Int) async throws(StorageError) -> [RepositoryName] {
    try await base.repositories(linking: digest, limit: limit)
  }

  func standing(of id: UploadID, in repository: RepositoryName) async throws(StorageError) -> IngestStanding? {
    var standing = try await base.standing(of: id, in: repository)
    if bug == .forgetsWhereItStands { standing?.offset = 0 }
    return standing
  }

  func purgeIngests(
    startedBefore cutoff: WallTime, from cursor: String?, limit: Int, dryRun: Bool
  ) async throws(StorageError) -> PurgeStep {
    switch bug {
    case .neverPurges: return PurgeStep(removed: [], next: nil)
    case .purgesTooEarly:
      return try await base.purgeIngests(
        startedBefore: WallTime(seconds: .max), from: cursor, limit: limit, dryRun: dryRun)
    default: return try await base.purgeIngests(startedBefore: cutoff, from: cursor, limit: limit, dryRun: dryRun)
    }
  }

  func manifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> [UInt8]? {
    try await base.manifest(digest, in: repository)
  }

  func hasManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool {
    try await base.hasManifest(digest, in: repository)
  }

  func removeManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool {
    try await base.removeManifest(digest, in: repository)
  }

  func referrers(
    of subject: Digest, in repository: RepositoryName, subjectOf: @escaping @Sendable ([UInt8]) -> Digest?
  ) async throws(StorageError) -> [Digest] {
    try await base.referrers(of: subject, in: repository, subjectOf: subjectOf)
  }

  func tag(_ tag: Tag, in repository: RepositoryName) async throws(StorageError) -> Digest? {
    try await base.tag(tag, in: repository)
  }

  func removeTag(
    _ tag: Tag, in repository: RepositoryName, provided condition: TagCondition
  ) async throws(StorageError) -> Bool {
    try await base.removeTag(tag, in: repository, provided: condition)
  }

  func repositories(
    after last: String?, limit: Int
  ) async throws(StorageError) -> ListPage<RepositoryName> {
    try await base.repositories(after: last, limit: limit)
  }

  func secret(named name: String, fresh: [UInt8]) async throws(StorageError) -> [UInt8] {
    try await base.secret(named: name, fresh: fresh)
  }

  func start() async throws(StorageError) { try await base.start() }
  func stop() async throws(StorageError) { try await base.stop() }
  func check() async throws(StorageError) { try await base.check() }
}

/// A watch that sees no change.
private struct BlindWatch: LinkWatch {
  func version() -> LinkVersion? { LinkVersion(1, 1, 1, isSettled: true) }
}

/// A session with a bug.
private final class FaultyIngest: IngestSession {
  private let base: any IngestSession
  private let bug: PlantedBug
  private var pending: [[UInt8]] = []

  init(_ base: any IngestSession, bug: PlantedBug) {
    self.base = base
    self.bug = bug
  }

  var id: UploadID { base.id }
  var repository: RepositoryName { base.repository }
  var algorithm: DigestAlgorithm { base.algorithm }
  var startedAt: WallTime { base.startedAt }
  var offset: UInt64 {
    let offset = base.offset + pending.reduce(0) { $0 + UInt64($1.count) }
    return bug == .tellsOffsetTooHigh && offset > 100 ? offset + 1 : offset
  }

  func acquire() async throws(StorageError) { try await base.acquire() }

  func append(_ bytes: consuming [UInt8]) async throws(StorageError) -> [UInt8] {
    guard bug == .acknowledgesChunkEarly else { return try await base.append(bytes) }
    pending.append(bytes)
    return []
  }

  func flush() async throws(StorageError) {
    if bug != .acknowledgesChunkEarly { try await base.flush() }
  }

  func release() async {
    if bug == .keepsSessionsOpen {
      // The bug: a reference that nobody gives back.
      _ = Unmanaged.passRetained(self)
      return
    }
    await base.release()
  }

  func commit(as digest: Digest) async throws(StorageError) {
    for bytes in pending { _ = try await base.append(bytes) }
    pending = []
    if bug == .acceptsWrongDigest {
      do throws(StorageError) {
        try await base.commit(as: digest)
      } catch .digestMismatch {
        return
      }
      return
    }
    try await base.commit(as: digest)
  }

  func abort() async throws(StorageError) { try await base.abort() }
}
