// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

private let large = [UInt8](repeating: 7, count: 300_000)

extension SimulatedDisk {
  /// The contents of the large blob, wherever it stands in the tree.
  fileprivate var hasLarge: Bool {
    contents(of: "\(treeBase)/blobs/sha256/\(Digest(of: large).hex.prefix(2))/\(Digest(of: large).hex)/data") == large
  }

  fileprivate func link(ofTag tag: String) -> [UInt8]? {
    contents(of: "\(treeBase)/repositories/team/_manifests/tags/\(tag)/current/link")
  }
}

private func text(_ content: String) -> [UInt8] { Array("\(Digest(of: Array(content.utf8)))".utf8) }

/// What a journal has to stand besides a push and a power cut: others on the directory, and time.
@Suite struct JournalEdgeTests {
  /// A stop that another process's checkpoint outlasts leaves behind what the journal names.
  @Test func aStopBesideACheckpointTakesNothing() throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let lock = try simulation.disk.open("\(journalDirectory)checkpoint.lock", .create(mode: 0o666))
      #expect(try lock.tryLock())
      try await engine.push(large, number: 1)
      await #expect(throws: StorageError.self) { try await engine.stop() }
      lock.unlock()
    }
    #expect(try SimulatedWorld.recovered(simulation.disk.afterPowerCut()).hasLarge)
  }

  /// Commits beside a stop are in time, and whole, or refused; none is left in the journal.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func commitsBesideAStop(_ seed: UInt64) throws {
    let simulation = SimulatedWorld(seed: 100 + seed, workerDelay: .microseconds(1) ... .milliseconds(3))
    let acknowledged = Noted<[[UInt8]]>([])
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let pushes = (1...6).map { number in
        spawn(on: simulation.process.loops[0]) {
          let bytes = [UInt8](repeating: UInt8(number), count: 100_000)
          // What is refused is not acknowledged.
          guard (try? await engine.push(bytes, number: UInt8(number))) != nil else { return }
          acknowledged.change { $0.append(bytes) }
        }
      }
      await simulation.pause(for: .milliseconds(Int(seed % 20)))
      try await engine.stop()
      for push in pushes { await push.value }
      #expect(simulation.segments.isEmpty)
    }
    let tree = try SimulatedWorld.recovered(simulation.disk.afterPowerCut()).tree
    for bytes in acknowledged.now { #expect(tree.values.contains { $0 == bytes }) }
  }

  /// A process that is killed while another one starts keeps what it staged meanwhile.
  @Test(arguments: 0..<12 as Range<UInt64>)
  func aKillBesideAStart(_ seed: UInt64) throws {
    let simulation = SimulatedWorld(seed: 100 + seed, interleavesScripts: true)
    let (first, second) = (simulation.process, simulation.startProcess())
    let isStarted = Noted(false)
    try simulation.run { () async throws in
      let engine = simulation.engine(of: first)
      try await engine.start()
      for number in 0..<30 { try await engine.put("m\(number)", as: "t\(number)") }
      let session = try await engine.beginIngest(
        UploadID(uuidBytes: .init(repeating: 1, count: 16)), in: repository, algorithm: .sha256)
      _ = try await session.append(large)
      spawn(on: second.loops[0]) {
        // A start that fails never sets it.
        if (try? await simulation.engine(of: second).start()) != nil { isStarted.change { $0 = true } }
      }
      try await session.commit(as: Digest(of: large))
    }
    first.kill()
    _ = simulation.attempt(on: second) { () async -> Void in
      while !isStarted.now {
        await SimulatedClock(loop: second.loops[0]).pause(for: .milliseconds(1))
      }
    }
    // The disk may keep what was removed and lose what was named, or the other way round.
    for chance in 0..<8 as Range<UInt64> {
      let disk = simulation.disk.afterPowerCut(keeping: .seeded(chance))
      #expect(try SimulatedWorld.recovered(disk).hasLarge)
    }
  }

  /// Whoever removes the lock file of a dead process holds it, so that nobody can come to life on it meanwhile.
  @Test func lockFilesAreRemovedLocked() throws {
    let simulation = SimulatedWorld(seed: 1)
    let second = simulation.startProcess()
    try simulation.run { () async throws in try await simulation.engine().start() }
    simulation.process.kill()
    let removed = Noted(0)
    let isFree = Noted(false)
    simulation.disk.observe { operation in
      guard operation.kind == .remove, operation.path.hasSuffix(".lock") else { return }
      removed.change { $0 += 1 }
      simulation.disk.observe(nil)
      // A lock that cannot even be asked for is not free.
      if (try? simulation.disk.open(operation.path, .readWrite).tryLock()) == true { isFree.change { $0 = true } }
    }
    let outcome = simulation.attempt(on: second) { () async throws in
      try await simulation.engine(of: second).start()
    }
    if case .success(let result) = outcome { try result.get() }
    #expect(removed.now == 1)
    #expect(!isFree.now)
  }

  /// A start after a power cut whose sync failed is repeated by the next one, with files and names made anew.
  @Test(arguments: 0..<40)
  func aRecoveryThatFailsIsMadeAnew(_ number: Int) throws {
    for keeping in [CrashKeeping.everything, .names, .synced, .seeded(UInt64(number))] {
      let before = SimulatedWorld(seed: 1)
      try before.run { () async throws in
        let engine = before.engine()
        try await engine.start()
        try await engine.push(large, number: 2)
        try await engine.put("one", as: "latest")
        try await engine.put("two", as: "gone")
        _ = try await engine.removeTag(try tagged("gone"), in: repository)
      }
      let disk = before.disk.afterPowerCut(keeping: keeping)
      let after = SimulatedWorld(seed: 2, disk: disk)
      try after.run { () async throws in
        disk.install(FaultPlan.failing(number + 1, of: [.sync, .syncDirectory]))
        // It fails, as long as there is a sync of that number.
        try? await after.engine().start()
        disk.install(FaultPlan())
        try await after.engine().start()
      }
      let left = try SimulatedWorld.recovered(disk.afterPowerCut())
      #expect(left.hasLarge, "\(keeping)")
      #expect(left.link(ofTag: "latest") == text("one"), "\(keeping)")
      #expect(left.link(ofTag: "gone") == nil, "\(keeping)")
    }
  }

  /// A segment whose removal failed does not come back with the power.
  @Test func aSegmentStaysRemoved() throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      // The first checkpoint fails late enough for the segment to be durable under another name.
      simulation.disk.install(FaultPlan([.init(.failed, of: [.sync], pathContains: "/docker/")]))
      await simulation.pause(for: .seconds(11))
      try await engine.put("other", as: "other")
      simulation.disk.install(FaultPlan([.init(.failed, of: [.syncDirectory], pathContains: "gantry/journal")]))
      await simulation.pause(for: .seconds(15))
      #expect(simulation.disk.faultCount == 2)
      simulation.disk.install(FaultPlan())
      await simulation.pause(for: .seconds(60))
      try await engine.put("two", as: "t")
      await simulation.pause(for: .seconds(60))
      #expect(simulation.segments.isEmpty)
    }
    #expect(try SimulatedWorld.recovered(simulation.disk.afterPowerCut()).link(ofTag: "t") == text("two"))
  }

  /// On a file system without second names content is copied, large manifests too.
  @Test func withoutSecondNames() throws {
    let simulation = SimulatedWorld(seed: 1)
    let wide = String(repeating: "wide ", count: 20_000)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      simulation.disk.install(FaultPlan([.init(.unsupported, of: [.link], times: .max)]))
      try await engine.start()
      try await engine.push(large, number: 1)
      try await engine.put(wide, as: "wide")
      #expect(try await engine.manifest(Digest(of: Array(wide.utf8)), in: repository) == Array(wide.utf8))
    }
    let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut())
    #expect(left.hasLarge)
    #expect(left.tree.values.contains { $0 == Array(wide.utf8) })
  }

  /// Without a journal nothing is kept among the staged content.
  @Test func distributionsLevelKeepsNothingStaged() throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = FilesystemStorage(root: "/data", world: simulation.world, durability: .contents) { _ in }
      try await engine.start()
      try await engine.push(large, number: 1)
      #expect(!simulation.disk.tree.contains { $0.key.contains("/staging/") && $0.value != nil })
    }
  }

  /// A repository that an operator has removed under a running server is made anew as durable as the first time.
  @Test func aRemovedRepositoryComesBackDurable() throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      func removeAll(_ directory: String) throws {
        for entry in try simulation.disk.entries(directory) ?? [] {
          let path = "\(directory)/\(entry.name)"
          if entry.kind == .directory { try removeAll(path) } else { _ = try simulation.disk.remove(path) }
        }
        _ = try simulation.disk.removeDirectory(directory)
      }
      try removeAll("\(treeBase)/repositories/team")
      try simulation.disk.syncDirectory("\(treeBase)/repositories")
      try await engine.put("two", as: "t")
      try await engine.stop()
    }
    #expect(simulation.disk.afterPowerCut().link(ofTag: "t") == text("two"))
  }

  /// What another registry has written since the journal was left is not taken away by its old removals.
  @Test func anOldJournalRemovesNothingNew() throws {
    let simulation = SimulatedWorld(seed: 1)
    let link = "\(treeBase)/repositories/team/_manifests/tags/a/current/link"
    let (manifest, blob) = (Digest(of: Array("one".utf8)), Digest(of: large))
    let links = [
      link, "\(treeBase)/repositories/team/_manifests/revisions/sha256/\(manifest.hex)/link",
      "\(treeBase)/repositories/team/_layers/sha256/\(blob.hex)/link",
    ]
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.push(large, number: 1)
      try await engine.put("one", as: "a")
      await simulation.pause(for: .seconds(60))
      _ = try await engine.removeTag(try tagged("a"), in: repository)
      _ = try await engine.removeManifest(manifest, in: repository)
      _ = try await engine.unlink(blob, from: repository)
    }
    simulation.wallClock.shift(by: .seconds(30 * 86_400))
    for path in links { simulation.disk.plant(Array("\(path == links[2] ? blob : manifest)".utf8), at: path) }
    for path in links {
      // Planting sets no time.
      try simulation.disk.open(path, .readWrite).write(simulation.disk.contents(of: path) ?? [], at: 0)
    }
    let month = SimulatedWorld(seed: 3, disk: simulation.disk.afterPowerCut(keeping: .everything))
    try month.run { () async throws in try await month.engine().start() }
    for path in links { #expect(month.disk.contents(of: path) != nil, "\(path)") }
  }

  /// A clock that was set back does not make an acknowledged tag the older one.
  @Test func aClockThatIsSetBack() throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      await simulation.pause(for: .seconds(60))
      simulation.wallClock.shift(by: .seconds(-7200))
      try await engine.put("two", as: "t")
    }
    #expect(try SimulatedWorld.recovered(simulation.disk.afterPowerCut()).link(ofTag: "t") == text("two"))
  }

  /// A push that fails before it comes to the journal leaves nothing staged.
  @Test func aPushWithoutItsDirectoriesLeavesNothingStaged() throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      simulation.disk.install(FaultPlan([.init(.failed, of: [.makeDirectory], pathContains: "_layers")]))
      await #expect(throws: StorageError.self) { try await engine.push(large, number: 1) }
      #expect(!simulation.disk.tree.contains { $0.key.contains("/staging/") && $0.value != nil })
    }
  }

  /// Content that a process of Distribution's level has put there is made durable before a strict one relies on it.
  @Test(arguments: [true, false])
  func contentOfAnotherDurability(_ byMount: Bool) throws {
    let simulation = SimulatedWorld(seed: 1)
    let other = named("other")
    try simulation.run { () async throws in
      let lax = FilesystemStorage(
        root: "/data", world: simulation.startProcess().world, durability: .contents
      ) { _ in }
      let engine = simulation.engine()
      try await lax.start()
      try await engine.start()
      try await lax.push(large, number: 1)
      if byMount {
        #expect(try await engine.mount(Digest(of: large), from: repository, into: other))
      } else {
        try await engine.push(large, number: 2, in: other)
      }
    }
    #expect(try SimulatedWorld.recovered(simulation.disk.afterPowerCut()).hasLarge)
  }

  /// A removal needs no room, whatever a write without room has left in the journal.
  @Test func aRemovalOnADiskWithRoomForNamesOnly() throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      simulation.disk.install(
        FaultPlan([.init(.noSpace, of: [.write], pathContains: "gantry/journal", times: .max)]))
      #expect(try await engine.removeTag(try tagged("t"), in: repository))
    }
    #expect(try SimulatedWorld.recovered(simulation.disk.afterPowerCut()).link(ofTag: "t") == nil)
  }

  /// A host name that changes within one boot, as a container's does, is no power cut: what a living process has
  /// written is not applied once more, tags do not go back and forth.
  @Test func anotherNameOfTheMachineIsNoPowerCut() throws {
    let simulation = SimulatedWorld(seed: 1)
    let second = simulation.startProcess().world
    let renamed = World(
      loops: second.loops, workers: second.workers, files: RenamedMachine(files: second.files),
      entropy: second.entropy, clock: second.clock)
    let wasBack = Noted(false)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      try await engine.put("two", as: "t")
      simulation.disk.observe { _ in
        if simulation.disk.link(ofTag: "t") != text("two") { wasBack.change { $0 = true } }
      }
      try await FilesystemStorage(root: "/data", world: renamed) { _ in }.start()
      simulation.disk.observe(nil)
    }
    #expect(!wasBack.now)
  }
}

/// The same machine under another host name.
private struct RenamedMachine: PassingFiles {
  let files: any Files

  var boot: BootIdentity { BootIdentity(node: "renamed", boot: files.boot.boot) }
}
