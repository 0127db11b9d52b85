// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

/// What is in the journal and not in the tree, because applying it failed or its process died, must not come to life by
/// a power cut once others have decided something by looking at the tree.
@Suite struct UnsettledJournalTests {
  private static func digest(_ text: String) -> Digest { Digest(of: Array(text.utf8)) }

  private static let revisions = "\(treeBase)/repositories/team/_manifests/revisions/sha256"

  private static func hasManifest(_ text: String, _ disk: SimulatedDisk) -> Bool {
    disk.contents(of: "\(revisions)/\(digest(text).hex)/link") != nil
  }

  private static func target(_ disk: SimulatedDisk) -> String? {
    disk.contents(of: "\(treeBase)/repositories/team/_manifests/tags/t/current/link")
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// Deletes a manifest as the registry does: its tags first, and those that it got meanwhile at the end.
  private static func delete(_ text: String, at engine: FilesystemStorage) async throws {
    let tags = try await engine.tags(pointingAt: digest(text), in: repository)
    for tag in tags { _ = try await engine.removeTag(tag, in: repository, provided: .pointsAt(digest(text))) }
    _ = try await engine.removeManifest(digest(text), in: repository)
    for tag in try await engine.tags(pointingAt: digest(text), in: repository) {
      _ = try await engine.removeTag(tag, in: repository, provided: .dangles(digest(text)))
    }
  }

  private struct Stalled: Error {}

  /// Two processes on a disk with one tagged manifest: one dies after so many file operations of `last`, and nobody
  /// hears how that went; then the other one does `next`.
  private static func outlive(
    _ steps: Int, _ last: @escaping @Sendable (FilesystemStorage) async throws -> Void,
    then next: @escaping @Sendable (FilesystemStorage) async throws -> Void
  ) throws -> SimulatedWorld {
    let simulation = SimulatedWorld(seed: 1)
    let second = simulation.startProcess()
    let outcome = simulation.attempt(on: second) { () async throws in
      let (dying, living) = (simulation.engine(), simulation.engine(of: second))
      try await dying.start()
      try await living.start()
      try await dying.put("one", as: "t")
      simulation.disk.trigger(afterOperations: steps) { simulation.process.kill() }
      spawn(on: simulation.process.loops[0]) {
        // As above.
        try? await last(dying)
      }
      await SimulatedClock(loop: second.loops[0]).pause(for: .seconds(1))
      simulation.disk.observe(nil)
      simulation.process.kill()
      try await next(living)
    }
    guard case .success(let result) = outcome else { throw Stalled() }
    try result.get()
    return simulation
  }

  /// A tag that could not be moved stays where it was, though its record is durable; and a manifest that could not be
  /// linked takes no tag.
  @Test(arguments: ["/tags/t/current/link", "/tags/t/", "/revisions/", "/blobs/"], [1, 1000])
  func whatCouldNotBeAppliedIsVoid(_ place: String, _ times: Int) throws {
    for keeping in CrashKeeping.manners(chances: 4) {
      let simulation = SimulatedWorld(seed: 1)
      try simulation.run { () async throws in
        let engine = simulation.engine()
        try await engine.start()
        try await engine.put("one", as: "t")
        simulation.disk.install(
          FaultPlan([.init(.tooManyOpenFiles, of: [.rename, .makeDirectory], pathContains: place, times: times)]))
        let bytes = Array("two".utf8)
        let isMoved =
          (try? await engine.putManifest(
            bytes, digest: Digest(of: bytes), subject: nil, tags: [try tagged("t")], in: repository)) != nil
        simulation.disk.install(FaultPlan())
        #expect(isMoved == (try await engine.tag(try tagged("t"), in: repository) == Self.digest("two")))
        try await Self.delete("two", at: engine)
      }
      let shown = Self.target(simulation.disk)
      let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut(keeping: keeping))
      #expect(Self.target(left) == shown, "\(place), \(keeping)")
      if times > 1 { #expect(shown == "\(Self.digest("one"))") }
      #expect(Self.hasManifest("one", left) && !Self.hasManifest("two", left))
    }
  }

  /// A mark that outlived a power cut points anywhere in what was written since, and nothing there may suffer by it.
  @Test func aMarkOfAnotherBootHarmsNothing() throws {
    for offset in [0, 1, 10, 100, 150, 200, 1000] {
      let simulation = SimulatedWorld(seed: 1)
      try simulation.run { () async throws in
        let engine = simulation.engine()
        try await engine.start()
        try await engine.put("one", as: "t")
        let name = try #require(simulation.segments.first?.split(separator: "/").last)
        let number = try #require(UInt64(name.prefix { $0 != "-" }, radix: 16))
        simulation.disk.plant(
          Array("\(number) \(offset) another boot\n".utf8), at: "\(journalDirectory)append.lock")
        try await engine.put("two", as: "u")
      }
      let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut())
      #expect(Self.hasManifest("one", left) && Self.hasManifest("two", left), "\(offset)")
      #expect(Self.target(left) == "\(Self.digest("one"))", "\(offset)")
    }
  }

  /// What else happens when a link that was just written cannot be read.
  enum Trouble: CaseIterable {
    /// Another change of the same batch could not be applied, so the tree is looked at.
    case anotherFails
    /// The turn could not be ended, so the next one looks at the tree.
    case turnStaysOpen
  }

  /// A link that was just written cannot be read: where its entry is made void with those that could not be applied,
  /// nobody may be told that it counts.
  @Test(arguments: Trouble.allCases)
  func whatIsMadeVoidIsNotAcknowledged(_ trouble: Trouble) throws {
    for keeping in CrashKeeping.manners(chances: 8) {
      let simulation = SimulatedWorld(seed: 1)
      let acknowledged = Reports()
      func link(_ text: String) -> String { "\(Self.digest(text).hex)/link" }
      try simulation.run { () async throws in
        let engine = simulation.engine()
        try await engine.start()
        try await engine.put("one", as: "t")
        var faults = [FaultPlan.Fault(.notPermitted, of: [.read], pathContains: link("three"), times: 5)]
        switch trouble {
        case .anotherFails: faults.append(.init(.failed, of: [.rename], pathContains: link("four"), times: 1000))
        case .turnStaysOpen: faults.append(.init(.failed, of: [.write], pathContains: "/append.lock", skip: 1))
        }
        let texts = trouble == .anotherFails ? ["two", "three", "four"] : ["three"]
        simulation.disk.install(FaultPlan(faults))
        // The first is written alone, and those that come meanwhile together.
        var pushes: [LoopTask] = []
        for text in texts {
          pushes.append(
            spawn(on: simulation.world.loops[0]) {
              let bytes = Array(text.utf8)
              let isTaken =
                (try? await engine.putManifest(bytes, digest: Digest(of: bytes), subject: nil, in: repository)) != nil
              if isTaken { acknowledged.add(text) }
            })
        }
        for push in pushes { await push.value }
        try await engine.put("five", as: "t")
        simulation.disk.install(FaultPlan())
      }
      let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut(keeping: keeping))
      let taken = Set(acknowledged.all)
      for text in taken.union(["one", "five"]) {
        #expect(
          left.contents(of: "\(Self.revisions)/\(link(text))") == Array("\(Self.digest(text))".utf8),
          "\(text), \(keeping)")
      }
      // What this process has applied itself is known to be there.
      #expect(taken == (trouble == .anotherFails ? ["two", "three"] : []))
    }
  }

  /// A process dies anywhere in a push of a moved tag; another one, which lives, then deletes the manifest. What it
  /// shows afterwards is what is there after a power cut.
  @Test(arguments: 0..<70)
  func whatADeadProcessLeftIsSettledByTheNextWrite(_ steps: Int) throws {
    let simulation = try Self.outlive(steps) { dying in
      let bytes = Array("two".utf8)
      try await dying.putManifest(
        bytes, digest: Digest(of: bytes), subject: nil, tags: [try tagged("t")], in: repository)
    } then: { living in
      try await Self.delete("two", at: living)
      try await living.put("three", as: "other")
    }
    let shown = Self.target(simulation.disk)
    #expect(!Self.hasManifest("two", simulation.disk), "what was left unapplied is void")
    for keeping in CrashKeeping.manners(chances: 4) {
      let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut(keeping: keeping))
      #expect(Self.target(left) == shown, "\(keeping)")
      #expect(!Self.hasManifest("two", left), "\(keeping)")
      #expect(Self.hasManifest("one", left) && Self.hasManifest("three", left))
    }
  }

  /// How cutting an entry off goes whose sync failed.
  enum CutOff: CaseIterable {
    case succeeds
    case fails
    case isNotSynced
  }

  /// A push is refused because the journal's sync failed, though it may have been done; a deletion that the refusal
  /// allowed comes next.
  @Test(arguments: [FaultPlan.Moment.before, .after], CutOff.allCases)
  func whatWasRefusedDoesNotComeBack(_ moment: FaultPlan.Moment, _ cutOff: CutOff) throws {
    for keeping in CrashKeeping.manners(chances: 8) {
      let simulation = SimulatedWorld(seed: 1)
      try simulation.run { () async throws in
        let engine = simulation.engine()
        try await engine.start()
        let two = Array("two".utf8)
        try await engine.putManifest(two, digest: Digest(of: two), subject: nil, in: repository)
        try await engine.put("one", as: "t")
        var faults = [FaultPlan.Fault(.failed, of: [.sync], pathContains: "/journal/", moment: moment)]
        switch cutOff {
        case .succeeds: break
        case .fails: faults.append(.init(.failed, of: [.truncate], pathContains: "/journal/"))
        // The next sync of the file finds nothing to do.
        case .isNotSynced: faults.append(.init(.failed, of: [.sync], pathContains: "/journal/"))
        }
        simulation.disk.install(FaultPlan(faults))
        await #expect(throws: StorageError.self) {
          try await engine.putManifest(
            two, digest: Digest(of: two), subject: nil, tags: [try tagged("t")], in: repository)
        }
        simulation.disk.install(FaultPlan())
        try await Self.delete("two", at: engine)
      }
      let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut(keeping: keeping))
      #expect(Self.target(left) == "\(Self.digest("one"))", "\(moment), \(keeping)")
      #expect(Self.hasManifest("one", left) && !Self.hasManifest("two", left))
    }
  }

  /// A void that could not be made durable is made so by the next turn, before anything else; and a link that nobody
  /// can read keeps only its own tag from being pushed.
  @Test(arguments: ["sync", "write", "unreadable"])
  func settlingIsTriedUntilItSucceeds(_ fault: String) throws {
    for keeping in CrashKeeping.manners(chances: 4) {
      let simulation = SimulatedWorld(seed: 1)
      try simulation.run { () async throws in
        let engine = simulation.engine()
        try await engine.start()
        try await engine.put("one", as: "t")
        let cannotApply = FaultPlan.Fault(.failed, of: [.rename], pathContains: "/tags/t/current/link", times: 1000)
        let cannotSettle: [FaultPlan.Fault] =
          switch fault {
          case "sync": [.init(.failed, of: [.sync], pathContains: "/journal/", skip: 1, times: 3)]
          case "write": [.init(.failed, of: [.write], pathContains: "/journal/0", skip: 1, times: 3)]
          default: [.init(.failed, of: [.open, .read], pathContains: "/tags/t/current/link", times: 1000)]
          }
        simulation.disk.install(FaultPlan([cannotApply] + cannotSettle))
        for text in ["two", "three", "four"] {
          let bytes = Array(text.utf8)
          let tag = try tagged(text == "two" ? "t" : text)
          let isDone =
            (try? await engine.putManifest(
              bytes, digest: Digest(of: bytes), subject: nil, tags: [tag], in: repository)) != nil
          #expect(isDone == (fault == "unreadable" && text != "two"), "\(text)")
        }
        simulation.disk.install(FaultPlan())
        try await Self.delete("two", at: engine)
        try await engine.put("five", as: "five")
      }
      let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut(keeping: keeping))
      #expect(Self.target(left) == "\(Self.digest("one"))", "\(keeping)")
      #expect(Self.hasManifest("one", left) && !Self.hasManifest("two", left) && Self.hasManifest("five", left))
    }
  }

  /// What a process did not live to sync is not put in place by another one: without a record that mends it, it would
  /// stand torn after a power cut.
  @Test(arguments: 0..<40)
  func whatWasNotSyncedIsNotApplied(_ steps: Int) throws {
    let bytes = Array("a blob".utf8)
    let simulation = try Self.outlive(steps) { dying in
      try await dying.push(bytes, number: 1)
    } then: { living in
      // A turn that adds nothing.
      let isMoved = try await living.setTag(
        try tagged("t"), to: Self.digest("one"), in: repository, provided: .hasManifest(Self.digest("none")))
      #expect(!isMoved)
    }
    let path = "\(treeBase)/blobs/sha256/\(Digest(of: bytes).hex.prefix(2))/\(Digest(of: bytes).hex)/data"
    for keeping in CrashKeeping.manners(chances: 8) {
      let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut(keeping: keeping))
      let content = left.contents(of: path)
      #expect(content == nil || content == bytes, "\(steps), \(keeping)")
    }
  }

  /// A disk without room makes the journal's first attempt fail; the checkpoint that makes room does not take the
  /// content that the second one needs.
  @Test func theContentOfASecondAttemptIsLeftAlone() throws {
    let large = [UInt8](repeating: 7, count: 300_000)
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      simulation.disk.install(
        FaultPlan([
          .init(.noSpace, of: [.syncDirectory], pathContains: "gantry/journal"),
          .init(.noSpace, of: [.truncate], pathContains: "/journal/"),
        ]))
      try await engine.push(large, number: 1)
      #expect(try await engine.blob(Digest(of: large), in: repository)?.size == 300_000)
      try await engine.stop()
      #expect(remains(in: Array(simulation.disk.tree.keys)).isEmpty)
    }
    let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut())
    #expect(left.tree.values.contains { $0 == large })
  }

  /// A tag whose removal came no further than its link is gone for good: what is decided by that stays right.
  @Test(arguments: ["/tags/t/index", "/tags/t/current", "/tags/t/index/sha256", "/tags/t"])
  func aRemovalThatFailedHalfwayIsNotTakenBack(_ place: String) throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      try await engine.put("two", as: "other")
      await simulation.pause(for: .seconds(60))
      #expect(simulation.segments.isEmpty)
      simulation.disk.install(
        FaultPlan([.init(.failed, of: [.removeDirectory, .entries], pathContains: place, times: 2)]))
      await #expect(throws: StorageError.self) {
        _ = try await engine.removeTag(try tagged("t"), in: repository)
      }
      #expect(try await engine.tag(try tagged("t"), in: repository) == nil)
      try await Self.delete("one", at: engine)
      try await engine.stop()
    }
    let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut())
    #expect(Self.target(left) == nil)
    #expect(!Self.hasManifest("one", left) && Self.hasManifest("two", left))
  }

  /// Two processes start after a power cut, and the one that recovers closes a segment just when the other one looks
  /// whether there is anything to wait for. It waits, and serves nothing before the tree is whole.
  @Test func nobodyServesBeforeTheTreeIsWhole() throws {
    let before = SimulatedWorld(seed: 1)
    try before.run { () async throws in
      let engine = before.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
    }
    let simulation = SimulatedWorld(seed: 2, disk: before.disk.afterPowerCut())
    let disk = simulation.disk
    try simulation.run { () async throws in
      // The other process, as far as this one sees it.
      let lock = try disk.open("\(journalDirectory)checkpoint.lock", .create(mode: 0o666))
      #expect(try lock.tryLock())
      disk.observe { operation in
        guard operation.kind == .open, operation.path.hasSuffix(".log") else { return }
        disk.observe(nil)
        let closed = operation.path.dropLast(".log".count) + ".closed"
        #expect(throws: Never.self) { try disk.rename(operation.path, to: String(closed)) }
      }
      let engine = simulation.engine()
      let isStarted = Mutex(false)
      let start = spawn(on: simulation.process.loops[0]) {
        await #expect(throws: Never.self) { try await engine.start() }
        isStarted.withLock { $0 = true }
      }
      await simulation.pause(for: .seconds(1))
      #expect(!isStarted.withLock { $0 })
      lock.unlock()
      await start.value
      #expect(try await engine.tag(try tagged("t"), in: repository) == Self.digest("one"))
    }
  }
}
