// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
public import GantryStorage
public import GantryWorld
import Synchronization

/// The storage in memory: gone when the process ends, and the reference that other engines are compared with.
///
/// Isolation: safe from everywhere; one lock guards all tables and is never held across a suspension or a digest.
/// Content is kept as long as the engine lives, as on disk, where only a collector takes it away.
public final class MemoryStorage: StorageEngine {
  private let clock: any WallClock
  private let tables = Mutex(Tables())

  /// Makes an empty storage; `clock` dates the upload sessions.
  public init(clock: any WallClock) {
    self.clock = clock
  }

  /// Does nothing: there is nothing to recover.
  public func start() async throws(StorageError) {}

  /// See ``StorageEngine/stop()``: there is nothing behind.
  public func stop() async throws(StorageError) {}

  /// Always answers.
  public func check() async throws(StorageError) {}

  /// Runs `body` with the tables, alone.
  func withTables<R>(_ body: (inout Tables) -> sending R) -> sending R {
    tables.withLock { tables in body(&tables) }
  }

  /// The time of day now.
  var now: WallTime { clock.now }
}

/// Everything that is stored.
struct Tables {
  /// One link: what it names and which change made it.
  struct Link {
    var digest: Digest
    var version: UInt64
  }

  /// What a repository holds. Its presence in the table means nothing; see `hasManifests`.
  struct Repository {
    var layers: [Digest: Link] = [:]
    var revisions: [Digest: Link] = [:]
    var subjects: [Digest: Digest] = [:]
    var tags: [Tag: Link] = [:]
    /// Whether a manifest was pushed or a tag set, ever: on disk, the presence of `_manifests`.
    var hasManifests = false
  }

  var contents: [Digest: [UInt8]] = [:]
  var repositories: [RepositoryName: Repository] = [:]
  var ingests: [IngestKey: Ingest] = [:]
  var secrets: [String: [UInt8]] = [:]
  private var lastChange: UInt64 = 0

  /// Whether a condition holds now.
  func holds(_ condition: TagCondition, of tag: Tag, in name: RepositoryName) -> Bool {
    let repository = repositories[name]
    let target = repository?.tags[tag]?.digest
    return switch condition {
    case .nothing: true
    case .hasManifest(let digest): repository?.revisions[digest] != nil
    case .pointsAt(let digest): target == digest
    case .dangles(let digest): target == digest && repository?.revisions[digest] == nil
    }
  }

  /// A number that no change had before.
  mutating func nextChange() -> UInt64 {
    lastChange += 1
    return lastChange
  }

  /// A link to the digest, with a version of its own.
  mutating func link(to digest: Digest) -> Link {
    Link(digest: digest, version: nextChange())
  }
}
