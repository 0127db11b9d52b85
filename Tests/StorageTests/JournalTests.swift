// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

@Suite struct JournalTests {
  /// Where the tree is not durable yet, the journal is: contents in records and in files of their own, links, tags,
  /// mounts and what was taken away.
  @Test func aPowerCutTakesNothingThatTheJournalHolds() throws {
    let (small, large) = (Array("small".utf8), [UInt8](repeating: 7, count: 300_000))
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.push(small, number: 1)
      try await engine.push(large, number: 2)
      #expect(try await engine.mount(Digest(of: large), from: repository, into: named("other/deep")))
      try await engine.put("one", as: "moved")
      try await engine.put("two", as: "moved")
      try await engine.put("three", as: "gone")
      #expect(try await engine.removeTag(try tagged("gone"), in: repository))
      #expect(try await engine.removeManifest(Digest(of: Array("one".utf8)), in: repository))
      #expect(try await engine.unlink(Digest(of: small), from: repository))
      let wide = String(repeating: "wide ", count: 20_000)
      try await engine.put(wide, as: "wide")

      for keeping in CrashKeeping.manners(chances: 8) {
        let disk = simulation.disk.afterPowerCut(keeping: keeping)
        let later = SimulatedWorld(seed: 2, disk: disk)
        let outcome = later.attempt(on: later.process) { () async throws in
          let engine = later.engine()
          try await engine.start()
          #expect(try await engine.blob(Digest(of: large), in: repository)?.size == 300_000)
          #expect(try await engine.blob(Digest(of: large), in: named("other/deep"))?.size == 300_000)
          #expect(try await engine.blob(Digest(of: small), in: repository) == nil)
          #expect(try await engine.tag(try tagged("moved"), in: repository) == Digest(of: Array("two".utf8)))
          #expect(try await engine.manifest(Digest(of: Array("two".utf8)), in: repository) == Array("two".utf8))
          #expect(try await engine.manifest(Digest(of: Array("one".utf8)), in: repository) == nil)
          #expect(try await engine.tag(try tagged("gone"), in: repository) == nil)
          #expect(try await engine.manifest(Digest(of: Array(wide.utf8)), in: repository) == Array(wide.utf8))
        }
        guard case .success(let result) = outcome else { throw Stalled() }
        try result.get()
        #expect(later.segments.isEmpty, "recovery makes everything durable in place")
        let again = disk.afterPowerCut()
        #expect(again.tree.keys.contains { $0.hasSuffix("\(Digest(of: large).hex)/data") })
      }
    }
  }

  private struct Stalled: Error {}

  /// Time makes the tree durable by itself, and a stop does at once; then nothing is left of the journal.
  @Test(arguments: [true, false])
  func aCheckpointEmptiesIt(_ byStopping: Bool) throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.push([UInt8](repeating: 7, count: 300_000), number: 2)
      let digest = try await engine.put("one", as: "latest")
      #expect(simulation.segments.count == 1)
      if byStopping { try await engine.stop() } else { await simulation.pause(for: .seconds(60)) }
      #expect(simulation.segments.isEmpty)
      #expect(!simulation.disk.tree.keys.contains { $0.contains("/staging/") && $0.hasSuffix("/1") })
      let disk = simulation.disk.afterPowerCut()
      let link = disk.contents(of: "\(treeBase)/repositories/team/_manifests/tags/latest/current/link")
      #expect(link == Array("\(digest)".utf8))
    }
  }

  /// What a failed sync lost is written anew before the journal forgets it: by this process, by another one, and by the
  /// next start.
  @Test(arguments: 0..<40)
  func aCheckpointThatFailsIsMadeAnew(_ number: Int) throws {
    let simulation = SimulatedWorld(seed: 1)
    let process = simulation.startProcess()
    try simulation.run { () async throws in
      let engine = simulation.engine(of: process)
      try await engine.start()
      try await engine.push([UInt8](repeating: 7, count: 300_000), number: 2)
      let digest = try await engine.put("one", as: "latest")
      try await engine.put("two", as: "gone")
      _ = try await engine.removeTag(try tagged("gone"), in: repository)
      simulation.disk.install(FaultPlan.failing(number + 1, moment: .before))
      await simulation.pause(for: .seconds(15))
      simulation.disk.install(FaultPlan())
      switch number % 3 {
      case 0: await simulation.pause(for: .seconds(60))
      case 1:
        let other = simulation.engine()
        try await other.start()
        try await other.stop()
      default:
        process.kill()
        try await simulation.engine().start()
      }
      #expect(simulation.segments.isEmpty)
      let disk = try SimulatedWorld.recovered(simulation.disk.afterPowerCut())
      let tags = "\(treeBase)/repositories/team/_manifests/tags"
      #expect(disk.contents(of: "\(tags)/latest/current/link") == Array("\(digest)".utf8))
      #expect(disk.contents(of: "\(tags)/gone/current/link") == nil)
      #expect(disk.tree.keys.contains { $0.contains("/blobs/") && $0.hasSuffix("/data") })
    }
  }

  /// A sync that fails may take the pages with it that it could not write. What was lost is written of the journal, and
  /// what others have put there since is left alone.
  @Test func whatAFailedSyncTookIsWrittenOfTheJournal() throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let digest = try await engine.put("one", as: "latest")
      try await engine.put("two", as: "moved")
      simulation.disk.install(FaultPlan([.init(.failed, of: [.sync], pathContains: "/tags/latest/")]))
      await simulation.pause(for: .seconds(11))
      simulation.disk.install(FaultPlan())
      let tags = "\(treeBase)/repositories/team/_manifests/tags"
      let content = "\(treeBase)/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)/data"
      #expect(simulation.segments.contains { $0.hasSuffix(".suspect") }, "the checkpoint failed")
      for path in ["\(tags)/latest/current/link", content] {
        let size = try #require(simulation.disk.contents(of: path)?.count)
        simulation.disk.plant([UInt8](repeating: 0, count: size), at: path)
      }
      simulation.disk.plant(Array("\(digest)".utf8), at: "\(tags)/moved/current/link")
      await simulation.pause(for: .seconds(60))
      #expect(simulation.segments.isEmpty)
      let disk = try SimulatedWorld.recovered(simulation.disk.afterPowerCut())
      #expect(disk.contents(of: "\(tags)/latest/current/link") == Array("\(digest)".utf8))
      #expect(disk.contents(of: content) == Array("one".utf8))
      #expect(disk.contents(of: "\(tags)/moved/current/link") == Array("\(digest)".utf8))
    }
  }

  /// A killed server leaves a whole tree. What another registry does to it afterwards is not undone by the next start.
  @Test func afterAKillWhatStandsInPlaceCounts() throws {
    let simulation = SimulatedWorld(seed: 1)
    let (first, second) = (simulation.process, simulation.startProcess())
    try simulation.run { () async throws in
      let engine = simulation.engine(of: first)
      try await engine.start()
      try await engine.put("one", as: "a")
      try await engine.put("two", as: "b")
    }
    first.kill()
    let other = "sha256:\(String(repeating: "5", count: 64))"
    #expect(simulation.content(ofTag: "a") == "\(Digest(of: Array("one".utf8)))")
    simulation.disk.plant(Array(other.utf8), at: "\(treeBase)/repositories/team/_manifests/tags/a/current/link")
    _ = try simulation.disk.remove("\(treeBase)/repositories/team/_manifests/tags/b/current/link")
    let outcome = simulation.attempt(on: second) { () async throws in
      try await simulation.engine(of: second).start()
    }
    guard case .success(let result) = outcome else { throw Stalled() }
    try result.get()
    #expect(simulation.content(ofTag: "a") == other)
    #expect(simulation.content(ofTag: "b") == nil)
    #expect(simulation.segments.isEmpty)
  }

  /// A kill, weeks of another registry, a power cut: the journal of then does not move tags back, whatever a checkpoint
  /// had come to when the kill came.
  @Test(arguments: [".log", ".closed", ".suspect"])
  func anOldJournalDoesNotMoveATagBack(_ phase: String) throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "a")
      try await engine.put("two", as: "b")
      try await engine.put("three", as: "a")
    }
    let segment = try #require(simulation.segments.first)
    if phase != ".log" { try simulation.disk.rename(segment, to: segment.dropLast(".log".count) + phase) }
    let other = "sha256:\(String(repeating: "5", count: 64))"
    let link = "\(treeBase)/repositories/team/_manifests/tags/a/current/link"
    simulation.wallClock.shift(by: .seconds(30 * 86_400))
    try simulation.disk.open(link, .readWrite).write(Array(other.utf8), at: 0)
    let month = SimulatedWorld(seed: 3, disk: simulation.disk.afterPowerCut(keeping: .everything))
    let reports = Reports()
    try month.run { () async throws in
      let engine = month.engine(reports: reports)
      try await engine.start()
      #expect(try await engine.tag(try tagged("b"), in: repository) == Digest(of: Array("two".utf8)))
    }
    #expect(month.disk.contents(of: link) == Array(other.utf8))
    #expect(reports.all.contains { $0.contains("stays") })
  }

  /// A machine that was off for a day: among the records themselves the last one decides, also when the first recovery
  /// does not come to its end.
  @Test(arguments: 0..<40)
  func aDayWithoutPowerMovesNoTagBack(_ number: Int) throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "a")
      try await engine.put("two", as: "a")
      try await engine.push([UInt8](repeating: 7, count: 300_000), number: 2)
      try await engine.put("three", as: "a")
    }
    simulation.wallClock.shift(by: .seconds(86_400))
    for moment in [FaultPlan.Moment.before, .after] {
      let disk = simulation.disk.afterPowerCut()
      let first = SimulatedWorld(seed: 2, disk: disk)
      disk.install(FaultPlan.failing(number * 2 + 1, moment: moment))
      // It fails as a rule; the next one has to make up for it.
      first.run { () async in try? await first.engine().start() }
      disk.install(FaultPlan())
      for later in [disk, disk.afterPowerCut()] {
        let second = SimulatedWorld(seed: 3, disk: later)
        try second.run { () async throws in
          let engine = second.engine()
          try await engine.start()
          try await engine.stop()
        }
        let left = later.afterPowerCut()
        #expect(
          left.contents(of: "\(treeBase)/repositories/team/_manifests/tags/a/current/link")
            == Array("\(Digest(of: Array("three".utf8)))".utf8))
        #expect(left.tree.contains { $0.key.hasSuffix("/data") && $0.value?.count == 300_000 })
      }
    }
  }

  /// A first start that fails may leave directories whose names are not durable, the root's above all.
  @Test(arguments: 0..<24)
  func aFirstStartThatFailsLeavesNoGap(_ number: Int) throws {
    let simulation = SimulatedWorld(seed: 1)
    let bytes = Array("small".utf8)
    try simulation.run { () async throws in
      simulation.disk.install(FaultPlan.failing(number + 1, moment: .before))
      // It fails as a rule; the next one has to make up for it.
      try? await simulation.engine().start()
      simulation.disk.install(FaultPlan())
      let engine = simulation.engine()
      try await engine.start()
      try await engine.push(bytes, number: 1)
      try await engine.stop()
    }
    #expect(simulation.disk.afterPowerCut().tree.contains { $0.key.hasSuffix("/data") && $0.value == bytes })
  }

  /// Two processes write to one journal in one order.
  @Test func theLastOfTwoProcessesDecides() throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let (one, two) = (simulation.engine(), simulation.engine())
      try await one.start()
      try await two.start()
      for number in 0..<6 { try await (number.isMultiple(of: 2) ? one : two).put("m\(number)", as: "t") }
      #expect(simulation.segments.count == 1)
      // One of them stops, which empties the journal; the other goes on.
      try await one.stop()
      #expect(simulation.segments.isEmpty)
      try await two.put("last", as: "t")
    }
    let disk = try SimulatedWorld.recovered(simulation.disk.afterPowerCut())
    #expect(
      disk.contents(of: "\(treeBase)/repositories/team/_manifests/tags/t/current/link")
        == Array("\(Digest(of: Array("last".utf8)))".utf8))
  }

  /// Whatever stands behind the last whole entry is passed over, and cut off by whoever appends next.
  @Test(arguments: [0, 3, 4, 8, 16, 31, 32, 33, 100, 1_000])
  func aTornTailIsPassedOver(_ count: Int) throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let (one, two) = (simulation.engine(), simulation.engine())
      try await one.start()
      try await one.put("one", as: "a")
      let segment = try #require(simulation.segments.first)
      let file = try simulation.disk.open(segment, .readWrite)
      let end = try file.status().size
      // The beginning of an entry that was sealed for another place, and no entry at all.
      let tail = Array(try file.read(Int(end), at: 0).prefix(count)) + (count > 100 ? [1, 2, 3] : [])
      try file.write(tail, at: end)
      try file.sync()
      try await two.start()
      try await two.put("two", as: "b")
      try await one.put("three", as: "c")
    }
    let disk = try SimulatedWorld.recovered(simulation.disk.afterPowerCut())
    for (tag, text) in ["a": "one", "b": "two", "c": "three"] {
      #expect(
        disk.contents(of: "\(treeBase)/repositories/team/_manifests/tags/\(tag)/current/link")
          == Array("\(Digest(of: Array(text.utf8)))".utf8))
    }
  }

  /// However much is written at once, the journal stays bounded, and so does what a start has to do.
  @Test func itNeverGrowsLong() throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let digest = try await engine.put("one", as: "t")
      for number in 0..<9000 {
        try await engine.setTag(try tagged("t\(number % 10)"), to: digest, in: repository)
        if number.isMultiple(of: 500) {
          let bytes = simulation.segments.compactMap { simulation.disk.contents(of: $0)?.count }.reduce(0, +)
          #expect(bytes < 3 << 20)
        }
      }
    }
  }

  /// Distribution's level keeps no journal and spends one sync for each file; names are left to the kernel, and nothing
  /// is ever torn.
  @Test func contentsAlone() throws {
    let large = [UInt8](repeating: 7, count: 300_000)
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = FilesystemStorage(root: "/data", world: simulation.world, durability: .contents) { _ in }
      try await engine.start()
      try await engine.push(large, number: 1)
      simulation.disk.resetLog()
      try await engine.push([UInt8](repeating: 8, count: 300_000), number: 2)
      #expect(simulation.disk.count(of: .sync, .syncDirectory) == 2)
      simulation.disk.resetLog()
      let digest = try await engine.put("one", as: "latest")
      #expect(simulation.disk.count(of: .sync, .syncDirectory) == 4)
      #expect(simulation.segments.isEmpty)
      let disk = simulation.disk.afterPowerCut(keeping: .names)
      #expect(
        disk.contents(of: "\(treeBase)/repositories/team/_manifests/tags/latest/current/link")
          == Array("\(digest)".utf8))
      #expect(disk.tree.values.contains { $0 == large })
    }
  }
}
