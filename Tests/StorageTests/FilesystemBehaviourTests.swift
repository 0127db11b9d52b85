// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

/// What the contract leaves to an engine, and what only a disk can do to it.
@Suite struct FilesystemBehaviourTests {
  private let name: RepositoryName
  private let id = UploadID(uuidBytes: .init(repeating: 5, count: 16))

  init() throws {
    name = try RepositoryName(parsing: "a/b")
  }

  @Test func aWatchSettlesAfterTheClockHasMovedOn() throws {
    let simulation = SimulatedWorld(seed: 5)
    let (name, tag) = (name, try GantryOCI.Tag(parsing: "t"))
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.setTag(tag, to: Digest(of: [1]), in: name)
      let watch = engine.watch(tag: tag, in: name)
      #expect(watch.version()?.isSettled == false)
      await simulation.pause(for: .milliseconds(90))
      #expect(watch.version()?.isSettled == false)
      await simulation.pause(for: .milliseconds(20))
      let settled = try #require(watch.version())
      #expect(settled.isSettled)
      // Distribution before 3.0 writes a link in place: same inode, same size.
      let path = "/data/docker/registry/v2/repositories/a/b/_manifests/tags/t/current/link"
      try simulation.world.files.open(path, .readWrite).write(Array("\(Digest(of: [2]))".utf8), at: 0)
      #expect(watch.version() != settled)
    }
  }

  /// A watch that is asked often holds its link, and must see all the same what any registry does to it.
  @Test(arguments: LinkChange.all) func aHeldLinkShowsEveryChange(_ change: LinkChange) throws {
    let simulation = SimulatedWorld(seed: 5)
    let (name, tag) = (name, try GantryOCI.Tag(parsing: "t"))
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.setTag(tag, to: Digest(of: [1]), in: name)
      await simulation.pause(for: .milliseconds(200))
      let watch = engine.watch(tag: tag, in: name)
      let settled = try #require(watch.version())
      let files = simulation.disk.openFileCount
      for _ in 0..<20 { #expect(watch.version() == settled) }
      #expect(simulation.disk.openFileCount == files + 1)
      try await change.make(simulation.engine(), simulation.world.files, name)
      await simulation.pause(for: change.delay)
      #expect(watch.version() != settled)
      for _ in 0..<20 { #expect(watch.version() != settled, "it shows what is no longer there") }
      try await engine.setTag(tag, to: Digest(of: [3]), in: name)
      await simulation.pause(for: .milliseconds(200))
      let next = try #require(watch.version())
      #expect(next != settled && watch.version() == next)
    }
  }

  @Test func linksAreHeldAsLongAsThereIsRoomAndTheyAreAskedFor() throws {
    let simulation = SimulatedWorld(seed: 5)
    let name = name
    try simulation.run { () async throws in
      let engine = FilesystemStorage(root: "/data", world: simulation.world, heldLinksMax: 2) { _ in }
      try await engine.start()
      var watches: [any LinkWatch] = []
      for text in ["a", "b", "c"] {
        let tag = try GantryOCI.Tag(parsing: text)
        try await engine.setTag(tag, to: Digest(of: [1]), in: name)
        watches.append(engine.watch(tag: tag, in: name))
      }
      let files = simulation.disk.openFileCount
      for watch in watches { #expect(watch.version() != nil) }
      #expect(simulation.disk.openFileCount == files, "what is asked for once is not held")
      for watch in watches {
        for _ in 0..<10 { #expect(watch.version() != nil) }
      }
      #expect(simulation.disk.openFileCount == files + 2)
      watches.removeFirst()
      #expect(simulation.disk.openFileCount == files + 1)
      // Who found no room does not ask each time.
      for _ in 0..<500 { _ = watches.last?.version() }
      #expect(simulation.disk.openFileCount == files + 1)
      for _ in 0..<1000 { _ = watches.last?.version() }
      #expect(simulation.disk.openFileCount == files + 2)
      // With a second name the loss of the first would go unseen.
      _ = try simulation.world.files.link(
        "/data/docker/registry/v2/repositories/a/b/_manifests/tags/c/current/link", as: "/second")
      for _ in 0..<10 { _ = watches.last?.version() }
      #expect(simulation.disk.openFileCount == files + 1)
    }
  }

  @Test func aFullDiskCostsNothingThatWasFlushed() throws {
    let simulation = SimulatedWorld(seed: 5, diskCapacity: 1 << 20)
    let (name, id) = (name, id)
    let bytes = [UInt8](repeating: 9, count: 600_000)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      simulation.disk.plant([UInt8](repeating: 0, count: 700_000), at: "/ballast")
      let session = try await engine.beginIngest(id, in: name, algorithm: .sha256)
      _ = try await session.append(Array(bytes[..<200_000]))
      try await session.flush()
      var failure: StorageError?
      do throws(StorageError) {
        for start in stride(from: 200_000, to: 600_000, by: 100_000) {
          _ = try await session.append(Array(bytes[start..<(start + 100_000)]))
        }
        try await session.flush()
      } catch {
        failure = error
      }
      guard case .noSpace = failure else {
        Issue.record("no such failure: \(String(describing: failure))")
        return
      }
      #expect(session.offset >= 200_000 && session.offset < 600_000)
      let offset = session.offset
      await session.release()
      let second = simulation.engine()
      let found = try await second.resumeIngest(id, in: name)
      let resumed = try #require(found)
      #expect(resumed.offset == offset, "another process sees another offset")
      _ = try simulation.world.files.remove("/ballast")
      _ = try await resumed.append(Array(bytes[Int(offset)...]))
      try await resumed.commit(as: Digest(of: bytes))
      #expect(try await engine.blob(Digest(of: bytes), in: name)?.size == 600_000)
      try await engine.stop()
      try await second.stop()
    }
    #expect(simulation.leftovers.isEmpty)
  }

  /// The subjects of manifests are read once, by whichever process asks first, and found again after a restart.
  @Test func subjectsAreRemembered() throws {
    let simulation = SimulatedWorld(seed: 5)
    let name = name
    let subject = Digest(of: [0])
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      var digests: [Digest] = []
      for number in 0..<100 {
        let bytes = Array("manifest \(number)".utf8)
        digests.append(Digest(of: bytes))
        try await engine.putManifest(bytes, digest: Digest(of: bytes), subject: subject, in: name)
      }
      let asked = Asked()
      for (round, (engine, reads)) in [(engine, 100), (engine, 0), (simulation.engine(), 0)].enumerated() {
        let found = try await engine.referrers(of: subject, in: name) { _ in
          asked.add("")
          return subject
        }
        #expect(found == digests.sorted(), "round \(round)")
        #expect(asked.takeCount() == reads, "round \(round)")
      }
      // A memory that is not whole is not believed.
      let path = "/data/gantry/referrers/a/b/_subjects"
      let size = try #require(simulation.disk.contents(of: path)).count
      try simulation.world.files.open(path, .readWrite).truncate(to: UInt64(size - 1))
      let found = try await simulation.engine().referrers(of: subject, in: name) { _ in
        asked.add("")
        return subject
      }
      #expect(found == digests.sorted())
      #expect(asked.takeCount() == 100)
    }
  }

  /// What a power cut leaves of a session, or of its removal, is as old as its directory, and goes one day, too.
  @Test func sessionsWithoutALegibleStartArePurgedByTheirAge() throws {
    let simulation = SimulatedWorld(seed: 5)
    let uploads = "/data/docker/registry/v2/repositories/x/_uploads"
    simulation.disk.plant([], at: "\(uploads)/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d/startedat")
    simulation.disk.plant([1], at: "\(uploads)/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4e/data")
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      _ = try simulation.world.files.makeDirectory("\(uploads)/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4f")
      let now = simulation.wallClock.now
      let young = try await engine.purgeIngests(startedBefore: now, from: nil, limit: 10, dryRun: false)
      #expect(!young.removed.contains { $0.description.hasSuffix("f") }, "it has just begun")
      let later = WallTime(seconds: now.seconds + 1)
      let old = try await engine.purgeIngests(startedBefore: later, from: nil, limit: 10, dryRun: false)
      #expect(young.removed.count + old.removed.count == 3)
    }
    #expect(!simulation.disk.tree.keys.contains { $0.hasPrefix("\(uploads)/") })
  }

  /// What tells when a session began tells the second alone; nobody's is purged a fraction of one too early.
  @Test func noSessionIsPurgedBeforeItsTime() throws {
    let simulation = SimulatedWorld(seed: 5)
    simulation.wallClock.shift(by: .milliseconds(900))
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let id = UploadID(uuidBytes: .init(repeating: 1, count: 16))
      await (try engine.beginIngest(id, in: named("x"), algorithm: .sha256)).release()
      let begun = simulation.wallClock.now
      #expect(begun.nanoseconds >= 900_000_000)
      let earlier = WallTime(seconds: begun.seconds, nanoseconds: 500_000_000)
      #expect(try await engine.purgeIngests(startedBefore: earlier, from: nil, limit: 9, dryRun: false).removed.isEmpty)
      let later = WallTime(seconds: begun.seconds + 1)
      #expect(try await engine.purgeIngests(startedBefore: later, from: nil, limit: 9, dryRun: false).removed == [id])
    }
  }

  @Test func purgedIsWhatDistributionWouldPurge() throws {
    let simulation = SimulatedWorld(seed: 5)
    let base = "/data/docker/registry/v2/repositories/x/_uploads"
    for (directory, stamp) in [
      ("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "2020-01-01T00:00:00Z"),
      ("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4e", "2020-01-01T02:00:00.5+02:00"),
      ("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4f", "2030-01-01T00:00:00Z"), ("no-uuid", "2020-01-01T00:00:00Z"),
    ] {
      simulation.disk.plant(Array(stamp.utf8), at: "\(base)/\(directory)/startedat")
      simulation.disk.plant([1], at: "\(base)/\(directory)/data")
    }
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let cutoff = WallTime(seconds: 1_577_836_801)  // 2020-01-01T00:00:01Z
      let step = try await engine.purgeIngests(startedBefore: cutoff, from: nil, limit: 10, dryRun: false)
      #expect(step.removed.map { $0.description.suffix(1) } == ["d", "e"])
      #expect(step.next == nil)
    }
    #expect(simulation.disk.tree.keys.count { $0.hasSuffix("/data") && $0.contains("/_uploads/") } == 2)
  }

  @Test func aFileSystemWithoutSecondNamesServesAsWell() throws {
    let simulation = SimulatedWorld(seed: 5)
    let repository = try RepositoryName(parsing: "library/plain")
    let tag = try Tag(parsing: "v1")
    let engine = simulation.engine()
    try simulation.run { () async throws in
      try await engine.start()
      simulation.disk.install(FaultPlan([FaultPlan.Fault(.unsupported, of: [.link], times: .max)]))
      #expect(try await engine.secret(named: "http", fresh: [1]) == [1])
      #expect(try await engine.secret(named: "http", fresh: [2]) == [1])
      let manifests = [Array("{}".utf8), Array("{ }".utf8)]
      for bytes in manifests + [manifests[0]] {
        let digest = Digest(of: bytes)
        try await engine.putManifest(bytes, digest: digest, subject: nil, in: repository)
        try await engine.setTag(tag, to: digest, in: repository)
        #expect(try await engine.tag(tag, in: repository) == digest)
      }
    }
    #expect(simulation.disk.faultCount > 0)
    #expect(simulation.disk.tree.keys.allSatisfy { !$0.contains("/temporary/") || $0.hasSuffix(".lock") })
  }

  @Test func secretsAreForTheOwnerAlone() async throws {
    let simulation = SimulatedWorld(seed: 5)
    let modes = Asked()
    let engine = FilesystemStorage(
      root: "/data",
      world: World(
        loops: simulation.world.loops, workers: simulation.world.workers,
        files: ModeRecorder(files: simulation.world.files, modes: modes), entropy: simulation.world.entropy,
        clock: simulation.world.clock), report: { _ in })
    try simulation.run { () async throws in
      try await engine.start()
      _ = modes.takeCount()
      _ = try await engine.secret(named: "http-secret", fresh: [1, 2, 3])
    }
    #expect(modes.all == ["384"])
    #expect(simulation.disk.contents(of: "/data/gantry/secrets/http-secret") == [1, 2, 3])
  }
}

/// Counts calls from any thread.
private typealias Asked = Reports

extension Reports {
  fileprivate func takeCount() -> Int {
    let count = all.count
    clear()
    return count
  }
}

/// What can happen to the link of tag `t` of `a/b`.
struct LinkChange: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// How long it may take to be seen: nothing where a registry does it.
  let delay: Duration
  let make: @Sendable (FilesystemStorage, any Files, RepositoryName) async throws -> Void

  private static let tags = "/data/docker/registry/v2/repositories/a/b/_manifests/tags"

  static let all: [LinkChange] = [
    LinkChange(testDescription: "another process sets the tag", delay: .zero) { engine, _, name in
      try await engine.setTag(try Tag(parsing: "t"), to: Digest(of: [2]), in: name)
    },
    LinkChange(testDescription: "another process removes the tag", delay: .zero) { engine, _, name in
      _ = try await engine.removeTag(try Tag(parsing: "t"), in: name)
    },
    LinkChange(testDescription: "Distribution 2.8 writes it in place", delay: .zero) { _, files, _ in
      try files.open("\(tags)/t/current/link", .readWrite).write(Array("\(Digest(of: [2]))".utf8), at: 0)
    },
    LinkChange(testDescription: "it is removed", delay: .zero) { _, files, _ in
      _ = try files.remove("\(tags)/t/current/link")
    },
    LinkChange(testDescription: "another is renamed over it", delay: .zero) { _, files, _ in
      try files.open("\(tags)/new", .createNew(mode: 0o644)).write(Array("\(Digest(of: [2]))".utf8), at: 0)
      try files.rename("\(tags)/new", to: "\(tags)/t/current/link")
    },
    LinkChange(testDescription: "a directory above is renamed", delay: .seconds(1)) { _, files, _ in
      try files.rename(tags, to: "/data/elsewhere")
    },
  ]
}

/// Notes the mode of every file that is made.
private struct ModeRecorder: PassingFiles {
  let files: any Files
  let modes: Reports

  func open(_ path: String, _ access: FileAccess) throws(FileError) -> any OpenFile {
    switch access {
    case .create(let mode), .createNew(let mode): modes.add("\(mode)")
    case .read, .readWrite: break
    }
    return try files.open(path, access)
  }
}
