// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

/// Two machines that share a directory, each with a boot of its own.
@Suite struct TwoMachinesTests {
  private static func digest(_ text: String) -> String { "\(Digest(of: Array(text.utf8)))" }

  private static let link = "\(treeBase)/repositories/team/_manifests/tags/t/current/link"

  /// A machine that starts while a process of the other one lives applies nothing of the journal again: what stands in
  /// place counts, as on one machine. When none lives a power cut may have been there, and all is applied.
  @Test(arguments: [true, false])
  func whatALivingMachineHasWrittenStands(lives: Bool) throws {
    let simulation = SimulatedWorld(seed: 1)
    let other = simulation.startProcess(machine: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      try await engine.put("two", as: "t")
    }
    // A registry without a journal has removed it since.
    _ = try simulation.disk.remove(Self.link)
    if !lives { simulation.process.kill() }
    let outcome = simulation.attempt(on: other) { () async throws in
      try await simulation.engine(of: other).start()
    }
    if case .success(let result) = outcome { try result.get() }
    #expect(simulation.content(ofTag: "t") == (lives ? nil : Self.digest("two")))
  }

  /// While a journal is applied again, whoever reads sees nothing that a later record has taken back.
  @Test func applyingAgainShowsNothingOlder() throws {
    let simulation = SimulatedWorld(seed: 1)
    let other = simulation.startProcess(machine: 1)
    let disk = simulation.disk
    let large = [UInt8](repeating: 7, count: 100_000)
    let layer = "\(treeBase)/repositories/team/_layers/sha256/\(Digest(of: large).hex)/link"
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      _ = try await engine.removeTag(try tagged("t"), in: repository)
      try await engine.put("two", as: "t")
      try await engine.put("three", as: "t")
      try await engine.push(large, number: 1)
      _ = try await engine.unlink(Digest(of: large), from: repository)
    }
    simulation.process.kill()
    let seen = Noted<Set<String?>>([])
    disk.observe { operation in
      guard operation.kind.isChange else { return }
      let target = disk.contents(of: Self.link).map { String(decoding: $0, as: UTF8.self) }
      seen.change { $0.insert(target) }
      if disk.contents(of: layer) != nil { seen.change { $0.insert("a blob that was removed") } }
    }
    let outcome = simulation.attempt(on: other) { () async throws in
      try await simulation.engine(of: other).start()
    }
    if case .success(let result) = outcome { try result.get() }
    disk.observe(nil)
    #expect(seen.now == [Self.digest("three")])
    #expect(simulation.segments.isEmpty)
  }

  /// Uploads go from one machine to the other and lose nothing, at the price of being digested again.
  @Test func anUploadGoesOnAtTheOtherMachine() throws {
    let bytes = (0..<120_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    let id = UploadID(uuidBytes: .init(repeating: 1, count: 16))
    let simulation = SimulatedWorld(seed: 1)
    let other = simulation.startProcess(machine: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let session = try await engine.beginIngest(id, in: repository, algorithm: .sha256)
      _ = try await session.append(Array(bytes[..<50_000]))
      try await session.flush()
      await session.release()
    }
    let outcome = simulation.attempt(on: other) { () async throws in
      let engine = simulation.engine(of: other)
      try await engine.start()
      let session = try #require(try await engine.resumeIngest(id, in: repository))
      #expect(session.offset == 50_000)
      _ = try await session.append(Array(bytes[50_000...]))
      try await session.commit(as: Digest(of: bytes))
      try await engine.stop()
    }
    if case .success(let result) = outcome { try result.get() }
    let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut())
    #expect(left.tree.values.contains { $0 == bytes })
  }

  /// Two processes that start at once after a power cut: neither takes the other's cleaning up for a life of the dead.
  @Test(arguments: 0..<40 as Range<UInt64>)
  func startsBesideEachOtherLoseNothing(_ seed: UInt64) throws {
    let before = SimulatedWorld(seed: 1)
    try before.run { () async throws in
      let engine = before.engine()
      try await engine.start()
      for number in 0..<4 { try await engine.put("m\(number)", as: "t\(number)") }
      // Much of the dead is to be cleaned up, which takes its time.
      let lock = try #require(before.disk.tree.keys.first { $0.contains("/temporary/") && $0.hasSuffix(".lock") })
      for number in 100..<130 { before.disk.plant([1], at: "\(lock.dropLast(".lock".count))-\(number)") }
    }
    let simulation = SimulatedWorld(
      seed: seed, interleavesScripts: true, disk: before.disk.afterPowerCut(keeping: .names))
    let others = (0..<2).map { simulation.startProcess(machine: Int(seed) % 3 == 0 ? $0 : 0) }
    try simulation.run { () async throws in
      let starts = others.map { other in
        spawn(on: other.loops[0]) {
          await #expect(throws: Never.self) {
            let engine = simulation.engine(of: other)
            try await engine.start()
            for number in 0..<4 {
              let digest = try await engine.tag(try tagged("t\(number)"), in: repository)
              #expect(digest == Digest(of: Array("m\(number)".utf8)), "seed \(seed), tag \(number)")
            }
          }
        }
      }
      for start in starts { await start.value }
    }
  }

  /// A machine went down with what it had acknowledged in its own memory, and nobody starts: the next checkpoint of a
  /// living one puts it in place before the journal forgets it.
  @Test func aCheckpointPutsInPlaceWhatADeadMachineLost() throws {
    let simulation = SimulatedWorld(seed: 1)
    let other = simulation.startProcess(machine: 1)
    try simulation.run { () async throws in
      let living = simulation.engine()
      try await living.start()
      let dying = simulation.engine(of: other)
      try await dying.start()
      try await dying.put("one", as: "t")
      other.kill()
      // Its memory is gone.
      _ = try simulation.disk.remove(Self.link)
      try await living.put("two", as: "u")
      await simulation.pause(for: .seconds(20))
      #expect(simulation.segments.isEmpty)
    }
    #expect(simulation.content(ofTag: "t") == Self.digest("one"))
    #expect(simulation.content(ofTag: "u") == Self.digest("two"))
  }

  /// A blob that is mounted where it is linked already does not come back when another process takes it away meanwhile.
  @Test func aMountOntoItselfBringsNothingBack() throws {
    let simulation = SimulatedWorld(seed: 1)
    let bytes = Array("a blob".utf8)
    try simulation.run { () async throws in
      let (one, two) = (simulation.engine(), simulation.engine())
      try await one.start()
      try await two.start()
      try await one.push(bytes, number: 1)
      let removal = Noted<LoopTask?>(nil)
      simulation.disk.observe { operation in
        // The link was seen; the turn is still to come.
        guard operation.kind == .open, operation.path.hasSuffix("/data") else { return }
        simulation.disk.observe(nil)
        removal.change { task in
          task = spawn(on: simulation.process.loops[0]) {
            await #expect(throws: Never.self) { _ = try await two.unlink(Digest(of: bytes), from: repository) }
          }
        }
      }
      let isMounted = try await one.mount(Digest(of: bytes), from: repository, into: repository)
      await removal.now?.value
      #expect(try await one.blob(Digest(of: bytes), in: repository) == nil || !isMounted)
      #expect(
        try await one.blob(Digest(of: bytes), in: repository) == nil, "the deletion came last, or the mount was refused"
      )
    }
  }

  /// A living machine begins to apply what a dead one wrote and does not come to the end; then a process lives there
  /// again, under the same boot. What was taken away halfway is put back.
  @Test(arguments: 1...40)
  func whatWasAppliedHalfwayIsAppliedToTheEnd(_ number: Int) throws {
    let simulation = SimulatedWorld(seed: 1)
    let other = simulation.startProcess(machine: 1)
    let again = simulation.startProcess(machine: 1)
    let bytes = [UInt8](repeating: 7, count: number % 2 == 0 ? 100 : 100_000)
    let manifest = Digest(of: Array("one".utf8))
    try simulation.run { () async throws in
      let living = simulation.engine()
      try await living.start()
      let dying = simulation.engine(of: other)
      try await dying.start()
      try await dying.push(bytes, number: 1)
      _ = try await dying.unlink(Digest(of: bytes), from: repository)
      try await dying.push(bytes, number: 2)
      try await dying.put("one", as: "t")
      _ = try await dying.removeTag(try tagged("t"), in: repository)
      _ = try await dying.removeManifest(manifest, in: repository)
      try await dying.put("one", as: "t")
      other.kill()
      try await living.put("two", as: "u")
      simulation.disk.install(FaultPlan.failing(number, of: [.create, .rename, .open, .remove, .makeDirectory]))
      await simulation.pause(for: .seconds(11))
      simulation.disk.install(FaultPlan())
    }
    simulation.process.kill()
    let outcome = simulation.attempt(on: again) { () async throws in
      let engine = simulation.engine(of: again)
      try await engine.start()
      #expect(try await engine.tag(try tagged("t"), in: repository) == manifest)
      #expect(try await engine.manifest(manifest, in: repository) != nil)
      #expect(try await engine.blob(Digest(of: bytes), in: repository) != nil)
      #expect(try await engine.tag(try tagged("u"), in: repository) != nil)
    }
    if case .success(let result) = outcome { try result.get() }
  }

  /// A machine goes down in the middle of a checkpoint that took its files to stand in place.
  @Test func aMachineThatDiesDuringACheckpointLosesNothing() throws {
    let simulation = SimulatedWorld(seed: 1)
    let other = simulation.startProcess(machine: 1)
    let disk = simulation.disk
    try simulation.run { () async throws in
      let living = simulation.engine()
      try await living.start()
      let dying = simulation.engine(of: other)
      try await dying.start()
      try await living.put("two", as: "u")
      try await dying.put("one", as: "t")
      disk.observe { operation in
        guard operation.kind == .sync, operation.path.contains("/repositories/") else { return }
        disk.observe(nil)
        other.kill()
        // Its memory is gone.
        #expect(throws: Never.self) { _ = try disk.remove(Self.link) }
      }
      await simulation.pause(for: .seconds(60))
      #expect(simulation.segments.isEmpty)
    }
    #expect(simulation.content(ofTag: "t") == Self.digest("one"))
  }

  /// Neither a blob nor a manifest that was removed and pushed again is away for a moment while it is applied again.
  @Test func whatWasPushedAgainIsNeverAway() throws {
    let simulation = SimulatedWorld(seed: 1)
    let other = simulation.startProcess(machine: 1)
    let bytes = Array("a blob".utf8)
    let manifest = Digest(of: Array("one".utf8))
    let links = [
      "\(treeBase)/repositories/team/_layers/sha256/\(Digest(of: bytes).hex)/link",
      "\(treeBase)/repositories/team/_manifests/revisions/sha256/\(manifest.hex)/link", Self.link,
    ]
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.push(bytes, number: 1)
      _ = try await engine.unlink(Digest(of: bytes), from: repository)
      try await engine.push(bytes, number: 2)
      try await engine.put("one", as: "t")
      _ = try await engine.removeTag(try tagged("t"), in: repository)
      _ = try await engine.removeManifest(manifest, in: repository)
      try await engine.put("one", as: "t")
    }
    simulation.process.kill()
    let away = Noted<Set<String>>([])
    simulation.disk.observe { _ in
      for link in links where simulation.disk.contents(of: link) == nil { away.change { $0.insert(link) } }
    }
    let outcome = simulation.attempt(on: other) { () async throws in
      try await simulation.engine(of: other).start()
    }
    if case .success(let result) = outcome { try result.get() }
    simulation.disk.observe(nil)
    #expect(away.now.isEmpty)
  }
}
