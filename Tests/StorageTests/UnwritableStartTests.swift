// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

/// What a start does on a disk without a byte left, or one that may not be written.
@Suite struct UnwritableStartTests {
  enum Trouble: CaseIterable {
    case full, readOnly

    func set(on disk: SimulatedDisk) {
      switch self {
      case .full: disk.plant([UInt8](repeating: 0, count: (1 << 20) - disk.usedBytes), at: "/ballast/first")
      case .readOnly:
        let changes = Set(FileOperation.Kind.allCases.filter(\.isChange))
        disk.install(FaultPlan([.init(.notPermitted, of: changes, times: .max)]))
      }
    }

    func end(on disk: SimulatedDisk) throws {
      switch self {
      case .full: for name in ["first", "more"] { _ = try disk.remove("/ballast/\(name)") }
      case .readOnly: disk.install(FaultPlan())
      }
    }

    func isReason(of error: (any Error)?) -> Bool {
      switch (self, error as? StorageError) {
      case (.full, .noSpace), (.readOnly, .readOnly): true
      default: false
      }
    }
  }

  private let name: RepositoryName
  private let small = Array("manifest".utf8)
  private let large = [UInt8](repeating: 7, count: 300_000)

  init() throws {
    name = try RepositoryName(parsing: "team")
  }

  private func push(_ bytes: [UInt8], _ number: UInt8, to engine: FilesystemStorage) async throws {
    let id = UploadID(uuidBytes: .init(repeating: number, count: 16))
    let session = try await engine.beginIngest(id, in: name, algorithm: .sha256)
    _ = try await session.append(bytes)
    try await session.commit(as: Digest(of: bytes))
  }

  private func fill(_ engine: FilesystemStorage) async throws {
    try await engine.start()
    try await push(large, 1, to: engine)
    try await engine.putManifest(small, digest: Digest(of: small), subject: nil, in: name)
    try await engine.setTag(try GantryOCI.Tag(parsing: "a"), to: Digest(of: small), in: name)
  }

  private func expectWhole(_ engine: FilesystemStorage) async throws {
    #expect(try await engine.blob(Digest(of: large), in: name)?.size == 300_000)
    #expect(try await engine.tag(try GantryOCI.Tag(parsing: "a"), in: name) == Digest(of: small))
    #expect(try await engine.manifest(Digest(of: small), in: name) == small)
  }

  private func expectRefusal(_ trouble: Trouble, _ body: () async throws -> Void) async {
    let error = await #expect(throws: StorageError.self) { try await body() }
    #expect(trouble.isReason(of: error), "\(String(describing: error))")
  }

  private func segments(on disk: SimulatedDisk) -> [String] {
    disk.tree.keys.filter { $0.hasPrefix("/data/gantry/journal/") && !$0.hasSuffix(".lock") }.sorted()
  }

  /// In the boot that wrote the journal everything stands in place, whether or not its checkpoint can be made. `fails`:
  /// a sync failed, so that the checkpoint has to write everything anew.
  @Test(arguments: Trouble.allCases, [false, true])
  func afterAKillItServesAndWaitsForRoom(_ trouble: Trouble, _ fails: Bool) throws {
    let simulation = SimulatedWorld(seed: 1, diskCapacity: 1 << 20)
    let (first, disk, reports) = (simulation.startProcess(), simulation.disk, Reports())
    try simulation.run { () async throws in
      try await fill(simulation.engine(of: first))
      if fails {
        disk.install(FaultPlan([.init(.failed, of: [.sync], pathContains: "/docker/", times: .max)]))
        await simulation.pause(for: .seconds(15))
        disk.install(FaultPlan())
      }
      first.kill()
      trouble.set(on: disk)
      let engine = simulation.engine(reports: reports)
      try await engine.start()
      let isLeft = fails || trouble == .readOnly
      #expect(reports.all.count { $0.contains("reads alone") } == (isLeft ? 1 : 0), "\(reports.all)")
      #expect(segments(on: disk).isEmpty != isLeft)
      // A journal that could be emptied gave room.
      if !isLeft { disk.plant([UInt8](repeating: 0, count: (1 << 20) - disk.usedBytes), at: "/ballast/more") }
      try await expectWhole(engine)
      await expectRefusal(trouble) { try await push(large + [1], 2, to: engine) }
      await expectRefusal(trouble) { try await push([1], 3, to: engine) }
      await expectRefusal(trouble) {
        try await engine.putManifest([1], digest: Digest(of: [1]), subject: nil, in: name)
      }
      await expectRefusal(trouble) {
        try await engine.setTag(try GantryOCI.Tag(parsing: "b"), to: Digest(of: small), in: name)
      }
      await simulation.pause(for: .seconds(60))
      #expect(segments(on: disk).isEmpty != isLeft)
      #expect(reports.all.count { $0.contains("stays in it") } <= 1, "\(reports.all)")

      try trouble.end(on: disk)
      try await push(large + [1], 4, to: engine)
      // The start of another process does not take this one for dead.
      let other = simulation.engine()
      try await other.start()
      #expect(disk.tree.keys.count { $0.hasPrefix("/data/gantry/temporary/") && $0.hasSuffix(".lock") } >= 2)
      try await push(large + [2], 5, to: engine)
      await simulation.pause(for: .seconds(60))
      #expect(segments(on: disk).isEmpty)
      let left = SimulatedWorld(seed: 2, disk: disk.afterPowerCut())
      try left.run { () async throws in
        let last = left.engine()
        try await last.start()
        try await expectWhole(last)
        #expect(try await last.blob(Digest(of: large + [1]), in: name) != nil)
        #expect(try await last.blob(Digest(of: large + [2]), in: name) != nil)
        try await last.stop()
      }
      try await engine.stop()
    }
  }

  /// In another boot the tree may lack what only the journal holds, so nothing is served before it is there.
  @Test(arguments: Trouble.allCases)
  func afterAPowerCutItRefusesUntilTheJournalIsInPlace(_ trouble: Trouble) throws {
    let before = SimulatedWorld(seed: 1, diskCapacity: 1 << 20)
    try before.run { () async throws in try await fill(before.engine()) }
    let (disk, reports) = (before.disk.afterPowerCut(), Reports())
    let simulation = SimulatedWorld(seed: 2, disk: disk)
    try simulation.run { () async throws in
      trouble.set(on: disk)
      await expectRefusal(trouble) { try await simulation.engine(reports: reports).start() }
      #expect(reports.all.contains { $0.contains("/data/gantry/journal") && $0.contains("start again") })
      #expect(!segments(on: disk).isEmpty)
      try trouble.end(on: disk)
      let engine = simulation.engine()
      try await engine.start()
      try await expectWhole(engine)
    }
  }

  /// After a clean stop there is nothing to do, and a server that only reads stops as it started.
  @Test(arguments: Trouble.allCases)
  func itStopsWithoutAWrite(_ trouble: Trouble) throws {
    let simulation = SimulatedWorld(seed: 1, diskCapacity: 1 << 20)
    try simulation.run { () async throws in
      let first = simulation.engine()
      try await fill(first)
      try await first.stop()
      trouble.set(on: simulation.disk)
      let engine = simulation.engine()
      try await engine.start()
      try await expectWhole(engine)
      await expectRefusal(trouble) { _ = try await engine.secret(named: "http", fresh: [1]) }
      try await engine.stop()
    }
  }

  /// Where nothing is stored, a root that cannot be written is a mistake to be told of at once.
  @Test(arguments: Trouble.allCases)
  func withNothingToReadItDoesNotStart(_ trouble: Trouble) throws {
    let simulation = SimulatedWorld(seed: 1, diskCapacity: 1 << 20)
    try simulation.run { () async throws in
      trouble.set(on: simulation.disk)
      await expectRefusal(trouble) { try await simulation.engine().start() }
    }
  }

  /// What a killed process was writing is removed first: that may be all the room there is.
  @Test func whatDeadProcessesLeftGivesRoom() throws {
    let simulation = SimulatedWorld(seed: 1, diskCapacity: 1 << 20)
    let reports = Reports()
    try simulation.run { () async throws in
      let first = simulation.engine()
      try await fill(first)
      try await first.stop()
      let left = [UInt8](repeating: 0, count: (1 << 20) - simulation.disk.usedBytes)
      simulation.disk.plant(left, at: "/data/gantry/temporary/0123456789abcdef-1")
      let engine = simulation.engine(reports: reports)
      try await engine.start()
      #expect(reports.all.isEmpty)
      try await push(large + [1], 2, to: engine)
    }
  }
}
