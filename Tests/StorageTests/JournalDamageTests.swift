// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

/// What a disk has done to the journal that no crash does, and what a crash does that looks like it.
@Suite struct JournalDamageTests {
  private static func digest(_ text: String) -> String { "\(Digest(of: Array(text.utf8)))" }

  /// One byte in the middle of the journal is another: the record is lost, which is told, and what follows is kept.
  @Test(arguments: [0, 5, 12, 30, 100])
  func aDamagedRecordTakesNoOtherWithIt(_ offset: Int) throws {
    let simulation = SimulatedWorld(seed: 1)
    var ends: [Int] = []
    for (text, tag) in [("one", "a"), ("two", "b"), ("three", "c")] {
      try simulation.run { () async throws in
        let engine = simulation.engine()
        // Nothing is left to recover: what is in the journal is of this process, as far as the disk tells.
        if simulation.segments.isEmpty { try await engine.start() }
        try await engine.put(text, as: tag)
      }
      ends.append(try #require(simulation.segments.first.flatMap { simulation.disk.contents(of: $0)?.count }))
    }
    let segment = try #require(simulation.segments.first)
    // The second push is damaged; at its first byte the head is no head any more.
    var bytes = try #require(simulation.disk.contents(of: segment))
    bytes[ends[0] + offset] ^= 0x20
    simulation.disk.plant(bytes, at: segment)
    let left = simulation.disk.afterPowerCut()
    let reports = Reports()
    let successor = SimulatedWorld(seed: 11, disk: left)
    try successor.run { () async throws in try await successor.engine(reports: reports).start() }
    #expect(successor.content(ofTag: "a") == Self.digest("one"))
    #expect(successor.content(ofTag: "c") == Self.digest("three"))
    #expect(reports.all.contains { $0.contains("damaged between bytes \(ends[0])") }, "\(reports.all)")
    #expect(successor.segments.isEmpty)
  }

  /// What was written together and torn by a power cut was acknowledged to nobody: that is no damage.
  @Test func aTornWriteIsNoDamage() throws {
    let simulation = SimulatedWorld(seed: 1)
    let bytes = Array("many".utf8)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "a")
      let first = try #require(simulation.segments.first)
      let end = try #require(simulation.disk.contents(of: first)?.count)
      try await engine.putManifest(
        bytes, digest: Digest(of: bytes), subject: nil, tags: [try tagged("b"), try tagged("c"), try tagged("d")],
        in: repository)
      var torn = try #require(simulation.disk.contents(of: first))
      torn[end + 10] ^= 1
      simulation.disk.plant(torn, at: first)
    }
    let reports = Reports()
    let successor = SimulatedWorld(seed: 11, disk: simulation.disk.afterPowerCut())
    try successor.run { () async throws in try await successor.engine(reports: reports).start() }
    #expect(successor.content(ofTag: "a") == Self.digest("one"))
    #expect(successor.content(ofTag: "b") == nil, "its manifest was torn")
    #expect(!reports.all.contains { $0.contains("damaged") }, "\(reports.all)")
  }

  /// What a disk shows of the blocks that an older segment had is nobody's entry: each has a nonce of its own.
  @Test func bytesOfAnOlderSegmentAreNoEntries() throws {
    let simulation = SimulatedWorld(seed: 1)
    let older = Noted<[UInt8]>([])
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      let first = try #require(simulation.segments.first)
      older.change { $0 = simulation.disk.contents(of: first) ?? [] }
      await simulation.pause(for: .seconds(20))
      #expect(simulation.segments.isEmpty)
      try await engine.put("two", as: "t")
    }
    // The same number, the same place, the same bytes.
    let segment = try #require(simulation.segments.first)
    simulation.disk.plant(older.now, at: segment)
    let reports = Reports()
    let successor = SimulatedWorld(seed: 11, disk: simulation.disk.afterPowerCut(keeping: .everything))
    try successor.run { () async throws in try await successor.engine(reports: reports).start() }
    #expect(successor.content(ofTag: "t") == Self.digest("two"), "the record of then was applied again")
  }

  /// What a client has pushed is never taken for an entry, not even by who looks for entries behind damage.
  @Test func whatIsPushedIsNoEntry() throws {
    let simulation = SimulatedWorld(seed: 1)
    let reports = Reports()
    try simulation.run { () async throws in
      let engine = simulation.engine(reports: reports)
      try await engine.start()
      try await engine.put("one", as: "t")
      let segment = try #require(simulation.segments.first)
      let before = try #require(simulation.disk.contents(of: segment))
      // Frames that were sealed for this very journal, as a blob.
      try await engine.push(before + before, number: 1)
      var bytes = try #require(simulation.disk.contents(of: segment))
      bytes[before.count + 3] ^= 1
      simulation.disk.plant(bytes, at: segment)
    }
    let successor = SimulatedWorld(seed: 11, disk: simulation.disk.afterPowerCut())
    try successor.run { () async throws in try await successor.engine(reports: reports).start() }
    #expect(!reports.all.contains { $0.contains("damaged between") }, "\(reports.all)")
  }

  /// Of those that were written together and acknowledged, one is damaged: the others count.
  @Test func damageTakesNoneOfTheSameWrite() throws {
    let simulation = SimulatedWorld(seed: 1)
    let reports = Reports()
    let many = Array("many".utf8)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "a")
      let segment = try #require(simulation.segments.first)
      let end = try #require(simulation.disk.contents(of: segment)?.count)
      _ = try await engine.removeTag(try tagged("a"), in: repository)
      let second = try #require(simulation.disk.contents(of: segment)?.count)
      try await engine.putManifest(
        many, digest: Digest(of: many), subject: nil, tags: [try tagged("b"), try tagged("c")], in: repository)
      try await engine.put("three", as: "d")
      // The tag b of the three records.
      var bytes = try #require(simulation.disk.contents(of: segment))
      let manifest = try #require(bytes[second...].firstRange(of: Array("team".utf8))).lowerBound
      let tagB = try #require(bytes[(manifest + 10)...].firstRange(of: Array("team".utf8))).lowerBound
      bytes[tagB] ^= 1
      simulation.disk.plant(bytes, at: segment)
      #expect(end < second)
    }
    let successor = SimulatedWorld(seed: 11, disk: simulation.disk.afterPowerCut())
    try successor.run { () async throws in try await successor.engine(reports: reports).start() }
    #expect(successor.content(ofTag: "a") == nil)
    #expect(successor.content(ofTag: "b") == nil, "its record is damaged")
    #expect(successor.content(ofTag: "c") == "\(Digest(of: many))")
    #expect(successor.content(ofTag: "d") == Self.digest("three"))
    #expect(reports.all.count { $0.contains("damaged between") } == 1, "once, however often it is read: \(reports.all)")
  }

  /// A manifest whose content did not survive takes no tag with it: neither record was acknowledged, and the tag stays
  /// where it was acknowledged to be.
  @Test func aTagStaysWhereItsManifestIsPassedOver() throws {
    let large = [UInt8](repeating: 9, count: 100_000)
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      simulation.disk.install(
        FaultPlan([
          .init(.failed, of: [.sync], pathContains: "gantry/journal", moment: .after),
          .init(.failed, of: [.sync], pathContains: "gantry/journal"),
        ]))
      await #expect(throws: StorageError.self) {
        try await engine.putManifest(
          large, digest: Digest(of: large), subject: nil, tags: [try tagged("t")], in: repository)
      }
    }
    var stayed = 0
    for keeping in CrashKeeping.manners(chances: 8) {
      let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut(keeping: keeping))
      let manifests = "\(treeBase)/repositories/team/_manifests"
      let link = left.contents(of: "\(manifests)/tags/t/current/link").map { String(decoding: $0, as: UTF8.self) }
      if link == Self.digest("one") {
        stayed += 1
      } else {
        // Where the content has survived, all of the push may have.
        #expect(link == "\(Digest(of: large))", "\(keeping)")
        #expect(left.contents(of: "\(manifests)/revisions/sha256/\(Digest(of: large).hex)/link") != nil, "\(keeping)")
      }
    }
    #expect(stayed > 0)
  }
}
