// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryEventLoops
import GantryFilesystemStorage
import GantryMemoryStorage
import GantryOCI
import GantryStorage
import GantryStorageConformance
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

/// Collects what an engine reports.
final class Reports: Sendable {
  private let texts = Mutex<[String]>([])

  var all: [String] { texts.withLock { $0 } }

  func add(_ text: String) { texts.withLock { $0.append(text) } }

  func clear() { texts.withLock { $0 = [] } }
}

extension SimulatedWorld {
  /// An engine on this world's disk, for one of its processes.
  func engine(
    root: String = "/data", of process: SimulatedProcess? = nil, reports: Reports = Reports(),
    uploadSyncBytes: UInt64 = FilesystemStorage.uploadSyncBytesDefault
  ) -> FilesystemStorage {
    FilesystemStorage(root: root, world: (process ?? self.process).world, uploadSyncBytes: uploadSyncBytes) {
      reports.add($0)
    }
  }

  /// Files below the root that no ended session may leave.
  var leftovers: [String] {
    disk.tree.keys.sorted().filter { path in
      path.contains("/_uploads/") || path.contains("/gantry/staging/")
        || (path.contains("/gantry/temporary/") && !path.hasSuffix(".lock"))
    }
  }

  /// The engine's view of a disk on which the power was cut, after its recovery.
  static func recovered(_ disk: SimulatedDisk, root: String = "/data") throws -> SimulatedDisk {
    let successor = SimulatedWorld(seed: 11, disk: disk)
    try successor.run { () async throws in try await successor.engine(root: root).start() }
    return disk
  }
}

/// Those of `paths` that engines which have stopped may not leave when all sessions have ended.
func remains(in paths: [String]) -> [String] {
  paths.filter { path in
    path.contains("/_uploads/") || path.contains("/gantry/temporary/") || path.contains("/gantry/staging/")
      || (path.contains("/gantry/journal/") && !path.hasSuffix(".lock"))
  }
}

/// Runs `body` on a loop of a real world and waits for it.
func onLoop<R: Sendable>(_ world: World, _ body: @escaping @Sendable () async throws -> R) async throws -> R {
  try await withCheckedThrowingContinuation { continuation in
    spawn(on: world.loops[0]) {
      do {
        continuation.resume(returning: try await body())
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }
}

/// A directory of the operating system that goes with the test.
struct ScratchDirectory: Sendable {
  let path: String
  private let files = LoopGroup.files

  init(_ entropy: any Entropy) throws {
    let name = entropy.bytes(8).map { String($0, radix: 16) }.joined(separator: "-")
    path = "/tmp/gantry-storage-tests-\(name)"
    _ = try files.makeDirectory(path)
  }

  /// Every path below, with what it is.
  func paths(below directory: String? = nil) throws -> [String] {
    let directory = directory ?? path
    return try (files.entries(directory) ?? []).flatMap { entry in
      let own = "\(directory)/\(entry.name)"
      return [own] + (entry.kind == .directory ? try paths(below: own) : [])
    }
  }

  func remove() throws {
    try remove(path)
  }

  private func remove(_ directory: String) throws {
    for entry in try files.entries(directory) ?? [] {
      let own = "\(directory)/\(entry.name)"
      if entry.kind == .directory { try remove(own) } else { _ = try files.remove(own) }
    }
    _ = try files.removeDirectory(directory)
  }
}

/// The written contract, on every engine.
@Suite struct ConformanceTests {
  @Test(arguments: StorageConformance.cases)
  func memory(_ conformanceCase: ConformanceCase) throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = MemoryStorage(clock: simulation.wallClock)
      let subject = ConformanceSubject(engine: engine, trouble: MemoryTrouble(engine))
      try await StorageConformance.run(conformanceCase, on: subject)
    }
  }

  @Test(arguments: StorageConformance.cases)
  func filesystemSimulated(_ conformanceCase: ConformanceCase) throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      let simulation = SimulatedWorld(
        seed: seed, loops: 2, workerDelay: .microseconds(1) ... .milliseconds(3), interleavesScripts: seed == 4)
      simulation.disk.reusesInodes = seed % 2 == 0
      let moments: [FaultPlan.Moment] = [.before, .halfway, .after]
      try simulation.run { () async throws in
        let subject = ConformanceSubject(
          engine: simulation.engine(), makeSecond: { simulation.engine() },
          trouble: simulation.disk.trouble(moments[Int(seed) % 3]),
          leftovers: { remains(in: simulation.disk.tree.keys.sorted()) })
        try await StorageConformance.run(conformanceCase, on: subject)
      }
    }
  }

  @Test func filesystemReal() async throws {
    let group = LoopGroup(loops: 2, workers: 4)
    defer { group.stop() }
    let files = FaultyFiles(group.world.files)
    let world = World(
      loops: group.world.loops, workers: group.world.workers, files: files, entropy: group.world.entropy,
      clock: group.world.clock)
    for conformanceCase in StorageConformance.cases {
      let scratch = try ScratchDirectory(world.entropy)
      try await onLoop(world) {
        let root = "\(scratch.path)/data"
        let subject = ConformanceSubject(
          engine: FilesystemStorage(root: root, world: world) { _ in },
          makeSecond: { FilesystemStorage(root: root, world: world) { _ in } },
          trouble: files.trouble(.after, reasons: [.noSpace, .failed]),
          leftovers: {
            // An unreadable directory shows as the failure to remove it below.
            remains(in: (try? scratch.paths()) ?? [])
          })
        do {
          try await StorageConformance.run(conformanceCase, on: subject)
        } catch {
          Issue.record("\(conformanceCase): \(error)")
        }
      }
      _ = files.trouble(.before, reasons: []).end()
      try scratch.remove()
    }
  }
}
