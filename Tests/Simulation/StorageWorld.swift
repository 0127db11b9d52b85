// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Synchronization

/// A disk with one storage engine, which takes pictures of what a crash would leave.
final class StorageWorld {
  private let simulated: SimulatedWorld
  private let camera: Camera

  init(seed: UInt64) {
    simulated = SimulatedWorld(seed: seed)
    camera = Camera(simulated.disk, seed: seed)
  }

  var crashes: [StorageCrash] { camera.crashes }

  /// Does the deeds in turn, with pictures from the one at `firstWatched` on; what went wrong, if anything did.
  func play(_ deeds: [StorageDeed], watchingFrom firstWatched: Int) -> String? {
    let (simulated, camera) = (simulated, camera)
    let outcome = simulated.attempt(on: simulated.process) { () async -> String? in
      let engine = FilesystemStorage(root: StorageStock.root, world: simulated.world) { _ in }
      do {
        try await engine.start()
        for (number, deed) in deeds.enumerated() {
          if number == firstWatched { camera.watch() }
          try await StorageDoer(engine: engine, camera: camera).perform(deed)
        }
        camera.shoot("after the last answer")
        try await engine.stop()
        camera.shoot("after the stop")
        simulated.disk.observe(nil)
        return DiskCheck(simulated.disk).findings(isStopped: true).first
      } catch {
        return "without a fault: \(error)"
      }
    }
    switch outcome {
    case .success(.success(let failure)): return failure
    case .failure(let stall): return "nothing can go on: \(stall)"
    }
  }
}

/// What a small storage world holds.
enum StorageStock {
  static let root = "/registry"
  static let (home, other) = (repository("app"), repository("team/base"))
  static let tag: GantryOCI.Tag = {
    // Safe because: the text is a constant that follows the grammar.
    try! GantryOCI.Tag(parsing: "latest")
  }()
  /// More than goes into a journal's record, and less.
  static let large = [UInt8](repeating: 3, count: 70_000)
  static let small = Array("small".utf8)
  static let manifests = [Array("{}".utf8), Array(#"{"second":true}"#.utf8)]

  static func digest(of bytes: [UInt8]) -> Digest {
    Digest(algorithm: .sha256, bytes: GantryCryptography.digest(bytes, .sha256))
  }

  private static func repository(_ name: String) -> RepositoryName {
    // Safe because: the callers' texts are constants that follow the grammar.
    try! RepositoryName(parsing: name)
  }
}

/// Keeps the expectation, and copies the disk whenever a crash would leave something new.
final class Camera: Sendable {
  private struct State {
    var expectation = StorageExpectation()
    var isWatching = false
    /// Whether a kill, and a power cut that keeps the least, leave something else than at the latest picture of them.
    var (isChanged, isSynced) = (false, false)
    var number = 0
    var uploads = 0
    var crashes: [StorageCrash] = []
  }

  private let disk: SimulatedDisk
  private let seed: UInt64
  private let state = Mutex(State())

  init(_ disk: SimulatedDisk, seed: UInt64) {
    self.disk = disk
    self.seed = seed
  }

  var crashes: [StorageCrash] { state.withLock { $0.crashes } }

  var expectation: StorageExpectation { state.withLock { $0.expectation } }

  /// A number that no upload had.
  func nextUpload() -> Int {
    state.withLock { state in
      state.uploads += 1
      return state.uploads
    }
  }

  /// Takes pictures from now on.
  func watch() {
    state.withLock { ($0.isWatching, $0.isChanged, $0.isSynced) = (true, true, true) }
    disk.observe { [self] operation in
      shoot("before \(operation)")
      state.withLock { state in
        if operation.kind.isChange { state.isChanged = true }
        if operation.kind == .sync || operation.kind == .syncDirectory { state.isSynced = true }
      }
    }
  }

  /// Enters a write, does it, and enters that it was acknowledged.
  func writing<T>(_ key: Ledger.Key, _ value: String?, _ body: () async throws(StorageError) -> T)
    async throws(StorageError) -> T
  {
    state.withLock { $0.expectation.begin(key, value) }
    let result = try await body()
    state.withLock { state in
      state.expectation.settle(key)
      // The same disk is judged by more.
      (state.isChanged, state.isSynced) = (true, true)
    }
    return result
  }

  /// Copies what a crash at this moment would leave.
  func shoot(_ note: @autoclosure () -> String) {
    let (isChanged, isSynced, number) = state.withLock { state in
      defer { (state.isChanged, state.isSynced, state.number) = (false, false, state.number + 1) }
      return (state.isWatching && state.isChanged, state.isWatching && state.isSynced, state.number)
    }
    var copies: [(SimulatedDisk, String, Bool)] = []
    if isSynced { copies.append((disk.afterPowerCut(), "a power cut", true)) }
    if isChanged || isSynced {
      copies.append((disk.afterPowerCut(keeping: .seeded(seed &+ UInt64(number))), "a power cut that keeps some", true))
    }
    if isChanged { copies.append((disk.afterKill(), "a kill", false)) }
    guard !copies.isEmpty else { return }
    let text = note()
    state.withLock { state in
      for (disk, kind, isPowerCut) in copies {
        state.crashes.append(
          StorageCrash(disk: disk, expectation: state.expectation, note: "\(kind) \(text)", isPowerCut: isPowerCut))
      }
    }
  }
}

/// Does deeds at an engine, and judges what it returns.
struct StorageDoer {
  let engine: FilesystemStorage
  let camera: Camera

  func perform(_ deed: StorageDeed) async throws(StorageError) {
    let (home, other) = (StorageStock.home, StorageStock.other)
    let large = StorageStock.digest(of: StorageStock.large)
    switch deed {
    case .pushLarge: try await push(StorageStock.large)
    case .pushSmall: try await push(StorageStock.small)
    case .mount:
      let isThere = knows(.blob(home.description, large.description))
      try check(
        try await writing(.blob(other.description, large.description), Ledger.there, if: isThere) {
          () throws(StorageError) in try await engine.mount(large, from: home, into: other)
        }, isThere, deed)
    case .putManifest: try await put(0)
    case .tag: try await tag(0)
    case .retag: try await tag(1)
    case .removeManifest: try await removeManifest()
    case .unlink:
      let key = Ledger.Key.blob(home.description, large.description)
      let isThere = knows(key)
      try check(
        try await writing(key, nil, if: isThere) {
          () throws(StorageError) in try await engine.unlink(large, from: home)
        }, isThere, deed)
    }
  }

  private func knows(_ key: Ledger.Key) -> Bool { camera.expectation.settled[key] != nil }

  private func check(_ told: Bool, _ expected: Bool, _ deed: StorageDeed) throws(StorageError) {
    if told != expected { throw .damaged("\(deed.rawValue) returned \(told)") }
  }

  private func writing<T>(
    _ key: Ledger.Key, _ value: String?, if condition: Bool, _ body: () async throws(StorageError) -> T
  ) async throws(StorageError) -> T {
    condition ? try await camera.writing(key, value, body) : try await body()
  }

  private func push(_ bytes: [UInt8]) async throws(StorageError) {
    let digest = StorageStock.digest(of: bytes)
    // An id that no earlier push had: a session of a crashed push may still be there.
    let number = UInt8(truncatingIfNeeded: camera.nextUpload())
    let session = try await engine.beginIngest(
      UploadID(uuidBytes: .init(repeating: number, count: 16)), in: StorageStock.home, algorithm: .sha256)
    _ = try await session.append(bytes)
    try await camera.writing(.blob(StorageStock.home.description, digest.description), Ledger.there) {
      () throws(StorageError) in try await session.commit(as: digest)
    }
    await session.release()
  }

  private func put(_ index: Int, tags: [Tag] = []) async throws(StorageError) {
    let bytes = StorageStock.manifests[index]
    let digest = StorageStock.digest(of: bytes)
    try await camera.writing(.manifest(StorageStock.home.description, digest.description), Ledger.there) {
      () throws(StorageError) in
      try await engine.putManifest(bytes, digest: digest, subject: nil, tags: tags, in: StorageStock.home)
    }
  }

  /// The first manifest is tagged where it is, and pushed where it is not; the second is always pushed with its tag.
  private func tag(_ index: Int) async throws(StorageError) {
    let digest = StorageStock.digest(of: StorageStock.manifests[index])
    let home = StorageStock.home
    if index > 0 || !knows(.manifest(home.description, digest.description)) {
      return try await camera.writing(.tag(home.description, StorageStock.tag.description), digest.description) {
        () throws(StorageError) in try await put(index, tags: [StorageStock.tag])
      }
    }
    try await camera.writing(.tag(home.description, StorageStock.tag.description), digest.description) {
      () throws(StorageError) in try await engine.setTag(StorageStock.tag, to: digest, in: home)
    }
  }

  /// As the registry does it: the tags first.
  private func removeManifest() async throws(StorageError) {
    let (home, tag) = (StorageStock.home, StorageStock.tag)
    let digest = StorageStock.digest(of: StorageStock.manifests[0])
    let tagKey = Ledger.Key.tag(home.description, tag.description)
    if camera.expectation.settled[tagKey] == digest.description {
      try check(
        try await camera.writing(tagKey, nil) { () throws(StorageError) in
          try await engine.removeTag(tag, in: home)
        }, true, .removeManifest)
    }
    let key = Ledger.Key.manifest(home.description, digest.description)
    let isThere = knows(key)
    try check(
      try await writing(key, nil, if: isThere) {
        () throws(StorageError) in try await engine.removeManifest(digest, in: home)
      }, isThere, .removeManifest)
  }
}
