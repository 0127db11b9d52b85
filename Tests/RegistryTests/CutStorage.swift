// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryMemoryStorage
import GantryOCI
import GantryStorage
import GantryWorld
import Synchronization

/// The storage in memory, of which one kind of call can be made to fail before it does anything.
final class CutStorage: StorageEngine {
  enum Call: Sendable {
    case removeTag, removeManifest
  }

  private let inner: MemoryStorage
  private let cutCall = Mutex<Call?>(nil)

  init(_ inner: MemoryStorage) {
    self.inner = inner
  }

  /// The call that fails.
  var cut: Call? {
    get { cutCall.withLock { $0 } }
    set { cutCall.withLock { $0 = newValue } }
  }

  private func fail(at call: Call) throws(StorageError) {
    if cut == call { throw .failed(FileError(.failed, operation: "unlink", path: "here")) }
  }

  func removeTag(
    _ tag: Tag, in repository: RepositoryName, provided condition: TagCondition
  ) async throws(StorageError) -> Bool {
    try fail(at: .removeTag)
    return try await inner.removeTag(tag, in: repository, provided: condition)
  }

  func removeManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool {
    try fail(at: .removeManifest)
    return try await inner.removeManifest(digest, in: repository)
  }
}

extension CutStorage {
  func start() async throws(StorageError) { try await inner.start() }
  func stop() async throws(StorageError) { try await inner.stop() }
  func check() async throws(StorageError) { try await inner.check() }

  func blob(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> StoredBlob? {
    try await inner.blob(digest, in: repository)
  }

  func watch(blob digest: Digest, in repository: RepositoryName) -> any LinkWatch {
    inner.watch(blob: digest, in: repository)
  }

  func mount(
    _ digest: Digest, from source: RepositoryName, into target: RepositoryName
  ) async throws(StorageError) -> Bool {
    try await inner.mount(digest, from: source, into: target)
  }

  func unlink(_ digest: Digest, from repository: RepositoryName) async throws(StorageError) -> Bool {
    try await inner.unlink(digest, from: repository)
  }

  func repositories(linking digest: Digest, limit: Int) async throws(StorageError) -> [RepositoryName] {
    try await inner.repositories(linking: digest, limit: limit)
  }

  func beginIngest(
    _ id: UploadID, in repository: RepositoryName, algorithm: DigestAlgorithm
  ) async throws(StorageError) -> any IngestSession {
    try await inner.beginIngest(id, in: repository, algorithm: algorithm)
  }

  func resumeIngest(
    _ id: UploadID, in repository: RepositoryName
  ) async throws(StorageError) -> (any IngestSession)? {
    try await inner.resumeIngest(id, in: repository)
  }

  func standing(of id: UploadID, in repository: RepositoryName) async throws(StorageError) -> IngestStanding? {
    try await inner.standing(of: id, in: repository)
  }

  func purgeIngests(
    startedBefore cutoff: WallTime, from cursor: String?, limit: Int, dryRun: Bool
  ) async throws(StorageError) -> PurgeStep {
    try await inner.purgeIngests(startedBefore: cutoff, from: cursor, limit: limit, dryRun: dryRun)
  }

  func manifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> [UInt8]? {
    try await inner.manifest(digest, in: repository)
  }

  func watch(manifest digest: Digest, in repository: RepositoryName) -> any LinkWatch {
    inner.watch(manifest: digest, in: repository)
  }

  func hasManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool {
    try await inner.hasManifest(digest, in: repository)
  }

  func putManifest(
    _ bytes: [UInt8], digest: Digest, subject: Digest?, tags: [Tag], in repository: RepositoryName
  ) async throws(StorageError) {
    try await inner.putManifest(bytes, digest: digest, subject: subject, tags: tags, in: repository)
  }

  func referrers(
    of subject: Digest, in repository: RepositoryName, subjectOf: @escaping @Sendable ([UInt8]) -> Digest?
  ) async throws(StorageError) -> [Digest] {
    try await inner.referrers(of: subject, in: repository, subjectOf: subjectOf)
  }

  func tag(_ tag: Tag, in repository: RepositoryName) async throws(StorageError) -> Digest? {
    try await inner.tag(tag, in: repository)
  }

  func watch(tag: Tag, in repository: RepositoryName) -> any LinkWatch { inner.watch(tag: tag, in: repository) }

  func setTag(
    _ tag: Tag, to digest: Digest, in repository: RepositoryName, provided condition: TagCondition
  ) async throws(StorageError) -> Bool {
    try await inner.setTag(tag, to: digest, in: repository, provided: condition)
  }

  func tags(
    in repository: RepositoryName, after last: String?, limit: Int
  ) async throws(StorageError) -> ListPage<Tag>? {
    try await inner.tags(in: repository, after: last, limit: limit)
  }

  func tags(pointingAt digest: Digest, in repository: RepositoryName) async throws(StorageError) -> [Tag] {
    try await inner.tags(pointingAt: digest, in: repository)
  }

  func repositories(
    after last: String?, limit: Int
  ) async throws(StorageError) -> ListPage<RepositoryName> {
    try await inner.repositories(after: last, limit: limit)
  }

  func secret(named name: String, fresh: [UInt8]) async throws(StorageError) -> [UInt8] {
    try await inner.secret(named: name, fresh: fresh)
  }
}
