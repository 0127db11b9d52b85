// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
public import GantryStorage
public import GantryWorld

/// The registry: what the endpoints of a registry mean, without a word of HTTP.
///
/// A value that every loop holds. Reads go to the storage directly and may be cached per loop (``cache(on:)``);
/// writes pass through the actors that own what they change.
public struct RegistryService: Sendable {
  /// What is allowed, and how much.
  public let policy: RegistryPolicy

  let world: World
  let storage: any StorageEngine
  let owners = OwnerID.Source()
  let locks: BlobLocks
  let uploads: [UploadTable]
  let repositories: [RepositoryTable]
  private let caches: [LoopCache]
  private let purger: UploadPurger?

  /// A registry over a storage that was started.
  public init(
    world: World, storage: any StorageEngine, policy: RegistryPolicy, observer: (any RegistryObserver)? = nil
  ) {
    self.world = world
    self.storage = storage
    self.policy = policy
    locks = BlobLocks(loops: world.loops)
    uploads = world.loops.map { UploadTable(storage: storage, on: $0) }
    repositories = world.loops.map { RepositoryTable(storage: storage, policy: policy, on: $0) }
    caches = world.loops.map { LoopCache(limits: policy.cache, on: $0) }
    purger = policy.purging.map { UploadPurger($0, storage: storage, world: world, observer: observer) }
  }

  /// Starts what the registry does on its own account: purging of forgotten uploads.
  public func start() async {
    guard !policy.isReadOnly, let purger else { return }
    await purger.start(jitter: world.entropy.bytes(8).reduce(0) { $0 << 8 | UInt64($1) })
  }

  /// Stops what ``start()`` started and lets go of what is cached. Requests under way are not disturbed.
  public func stop() async {
    await purger?.stop()
    for cache in caches { await cache.stop() }
  }

  /// The cache of a loop.
  public func cache(on loop: any LoopExecutor) -> LoopCache {
    caches[loop.index]
  }

  /// What the caches of all loops come to.
  public func cacheMeasures() async -> CacheMeasures {
    var measures = CacheMeasures()
    for cache in caches { measures.add(await cache.measures) }
    return measures
  }

  /// How many uploads requests work on at this moment; those that rest between requests are in the storage only.
  public func activeUploads() async -> Int {
    var count = 0
    for table in uploads { count += await table.count }
    return count
  }

  /// Randomness fit for secrets.
  public var entropy: any Entropy { world.entropy }

  /// The time of day.
  public var wallClock: any WallClock { world.clock }

  func uploadTable(of id: UploadID) -> UploadTable {
    uploads[world.loop(owning: id.description).index]
  }

  func repositoryTable(of name: RepositoryName) -> RepositoryTable {
    repositories[world.loop(owning: name.description).index]
  }

  func requireWritable() throws(RegistryError) {
    if policy.isReadOnly { throw .readOnly }
  }

  func requireDeletion() throws(RegistryError) {
    try requireWritable()
    if !policy.allowsDeletion { throw .deletionDisabled }
  }
}
