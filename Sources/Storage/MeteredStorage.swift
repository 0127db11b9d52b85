// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryWorld

/// A storage that tells how long each operation took, for metrics. Adds two looks at the clock to each, and nothing to
/// watches, which hot reads make.
public final class MeteredStorage: StorageEngine {
  private let engine: any StorageEngine
  private let uptime: @Sendable () -> UInt64
  private let observe: @Sendable (StorageAction, _ nanoseconds: UInt64) -> Void

  /// The engine, measured by nanoseconds of a clock that never goes back. `observe` is called on the caller's loop.
  public init(
    _ engine: any StorageEngine, uptime: @escaping @Sendable () -> UInt64,
    observe: @escaping @Sendable (StorageAction, _ nanoseconds: UInt64) -> Void
  ) {
    self.engine = engine
    self.uptime = uptime
    self.observe = observe
  }

  private func timed<R>(
    _ action: StorageAction, _ body: () async throws(StorageError) -> R
  ) async throws(StorageError) -> R {
    let began = uptime()
    defer { observe(action, uptime() - began) }
    return try await body()
  }

  // MARK: StorageEngine, each call as its role promises

  /// As the engine does.
  public func start() async throws(StorageError) { try await engine.start() }

  /// As the engine does.
  public func stop() async throws(StorageError) { try await engine.stop() }

  /// As the engine does.
  public func check() async throws(StorageError) {
    try await timed(.stat) { () async throws(StorageError) in try await engine.check() }
  }

  /// As the engine does.
  public func secret(named name: String, fresh: [UInt8]) async throws(StorageError) -> [UInt8] {
    try await engine.secret(named: name, fresh: fresh)
  }

  /// As the engine does.
  public func blob(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> StoredBlob? {
    try await timed(.stat) { () async throws(StorageError) in try await engine.blob(digest, in: repository) }
  }

  /// As the engine does.
  public func blobSizes(_ digests: [Digest], in repository: RepositoryName) async throws(StorageError) -> [UInt64?] {
    try await timed(.stat) { () async throws(StorageError) in try await engine.blobSizes(digests, in: repository) }
  }

  /// The engine's own watch.
  public func watch(blob digest: Digest, in repository: RepositoryName) -> any LinkWatch {
    engine.watch(blob: digest, in: repository)
  }

  /// As the engine does.
  public func mount(
    _ digest: Digest, from source: RepositoryName, into target: RepositoryName
  ) async throws(StorageError) -> Bool {
    try await timed(.putContent) { () async throws(StorageError) in
      try await engine.mount(digest, from: source, into: target)
    }
  }

  /// As the engine does.
  public func unlink(_ digest: Digest, from repository: RepositoryName) async throws(StorageError) -> Bool {
    try await timed(.delete) { () async throws(StorageError) in try await engine.unlink(digest, from: repository) }
  }

  /// As the engine does.
  public func repositories(linking digest: Digest, limit: Int) async throws(StorageError) -> [RepositoryName] {
    try await timed(.list) { () async throws(StorageError) in
      try await engine.repositories(linking: digest, limit: limit)
    }
  }

  /// As the engine does; the session is the engine's own.
  public func beginIngest(
    _ id: UploadID, in repository: RepositoryName, algorithm: DigestAlgorithm
  ) async throws(StorageError) -> any IngestSession {
    try await timed(.writer) { () async throws(StorageError) in
      try await engine.beginIngest(id, in: repository, algorithm: algorithm)
    }
  }

  /// As the engine does; the session is the engine's own.
  public func resumeIngest(
    _ id: UploadID, in repository: RepositoryName
  ) async throws(StorageError) -> (any IngestSession)? {
    try await timed(.writer) { () async throws(StorageError) in try await engine.resumeIngest(id, in: repository) }
  }

  /// As the engine does.
  public func standing(
    of id: UploadID, in repository: RepositoryName
  ) async throws(StorageError) -> IngestStanding? {
    try await timed(.stat) { () async throws(StorageError) in try await engine.standing(of: id, in: repository) }
  }

  /// As the engine does.
  public func purgeIngests(
    startedBefore cutoff: WallTime, from cursor: String?, limit: Int, dryRun: Bool
  ) async throws(StorageError) -> PurgeStep {
    try await timed(.list) { () async throws(StorageError) in
      try await engine.purgeIngests(startedBefore: cutoff, from: cursor, limit: limit, dryRun: dryRun)
    }
  }

  /// As the engine does.
  public func manifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> [UInt8]? {
    try await timed(.getContent) { () async throws(StorageError) in try await engine.manifest(digest, in: repository) }
  }

  /// The engine's own watch.
  public func watch(manifest digest: Digest, in repository: RepositoryName) -> any LinkWatch {
    engine.watch(manifest: digest, in: repository)
  }

  /// As the engine does.
  public func hasManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool {
    try await timed(.stat) { () async throws(StorageError) in try await engine.hasManifest(digest, in: repository) }
  }

  /// As the engine does.
  public func putManifest(
    _ bytes: [UInt8], digest: Digest, subject: Digest?, tags: [Tag], in repository: RepositoryName
  ) async throws(StorageError) {
    try await timed(.putContent) { () async throws(StorageError) in
      try await engine.putManifest(bytes, digest: digest, subject: subject, tags: tags, in: repository)
    }
  }

  /// As the engine does.
  public func removeManifest(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> Bool {
    try await timed(.delete) { () async throws(StorageError) in
      try await engine.removeManifest(digest, in: repository)
    }
  }

  /// As the engine does.
  public func referrers(
    of subject: Digest, in repository: RepositoryName, subjectOf: @escaping @Sendable ([UInt8]) -> Digest?
  ) async throws(StorageError) -> [Digest] {
    try await timed(.list) { () async throws(StorageError) in
      try await engine.referrers(of: subject, in: repository, subjectOf: subjectOf)
    }
  }

  /// As the engine does.
  public func tag(_ tag: Tag, in repository: RepositoryName) async throws(StorageError) -> Digest? {
    try await timed(.getContent) { () async throws(StorageError) in try await engine.tag(tag, in: repository) }
  }

  /// The engine's own watch.
  public func watch(tag: Tag, in repository: RepositoryName) -> any LinkWatch {
    engine.watch(tag: tag, in: repository)
  }

  /// As the engine does.
  public func setTag(
    _ tag: Tag, to digest: Digest, in repository: RepositoryName, provided condition: TagCondition
  ) async throws(StorageError) -> Bool {
    try await timed(.putContent) { () async throws(StorageError) in
      try await engine.setTag(tag, to: digest, in: repository, provided: condition)
    }
  }

  /// As the engine does.
  public func removeTag(
    _ tag: Tag, in repository: RepositoryName, provided condition: TagCondition
  ) async throws(StorageError) -> Bool {
    try await timed(.delete) { () async throws(StorageError) in
      try await engine.removeTag(tag, in: repository, provided: condition)
    }
  }

  /// As the engine does.
  public func tags(
    in repository: RepositoryName, after last: String?, limit: Int
  ) async throws(StorageError) -> ListPage<Tag>? {
    try await timed(.list) { () async throws(StorageError) in
      try await engine.tags(in: repository, after: last, limit: limit)
    }
  }

  /// As the engine does.
  public func tags(pointingAt digest: Digest, in repository: RepositoryName) async throws(StorageError) -> [Tag] {
    try await timed(.list) { () async throws(StorageError) in
      try await engine.tags(pointingAt: digest, in: repository)
    }
  }

  /// As the engine does.
  public func repositories(
    after last: String?, limit: Int
  ) async throws(StorageError) -> ListPage<RepositoryName> {
    try await timed(.list) { () async throws(StorageError) in
      try await engine.repositories(after: last, limit: limit)
    }
  }
}
