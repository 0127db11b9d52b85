// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

/// Where an upload stands, as the files of its directory tell it without the lease.
@Suite struct UploadGlanceTests {
  private let name: RepositoryName
  private let id = UploadID(uuidBytes: .init(repeating: 5, count: 16))
  private let bytes = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

  init() throws {
    name = try RepositoryName(parsing: "a/b")
  }

  /// Two flushes between the list of the states and the look at the latest of them take all that was listed.
  @Test func whoIsOvertakenLooksAgain() throws {
    let simulation = SimulatedWorld(seed: 5)
    let (name, id, bytes) = (name, id, bytes)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let session = try await engine.beginIngest(id, in: name, algorithm: .sha256)
      func flush(to end: Int) async throws {
        _ = try await session.append(Array(bytes[Int(session.offset)..<end]))
        try await session.flush()
      }
      let states = "/data/docker/registry/v2/repositories/a/b/_uploads/\(id)/hashstates/sha256"
      try await flush(to: 10_000)
      try await flush(to: 20_000)
      let old = try #require(try simulation.world.files.entries(states))
      for end in [30_000, 40_000] { try await flush(to: end) }
      let late = LateList(files: simulation.world.files, path: states, old: old)
      let other = FilesystemStorage(
        root: "/data",
        world: World(
          loops: simulation.world.loops, workers: simulation.world.workers, files: late,
          entropy: simulation.world.entropy, clock: simulation.world.clock), report: { _ in })
      #expect(try await other.standing(of: id, in: name)?.offset == 40_000)
      #expect(late.lists.withLock { $0 } == 2)
      try await session.abort()
    }
  }

  /// Another machine's boot is not ours, and not over either as long as a process lives there.
  @Test(arguments: [true, false]) func whatALivingMachineHoldsIsTold(lives: Bool) throws {
    let simulation = SimulatedWorld(seed: 5)
    let other = simulation.startProcess(machine: 1)
    let (name, id, bytes) = (name, id, bytes)
    // As long as there is an engine its process counts as living.
    let engine = simulation.engine()
    try simulation.run { () async throws in
      try await engine.start()
      let session = try await engine.beginIngest(id, in: name, algorithm: .sha256)
      _ = try await session.append(bytes)
      try await session.flush()
      await session.release()
    }
    if !lives { simulation.process.kill() }
    let outcome = simulation.attempt(on: other) { () async throws in
      let engine = simulation.engine(of: other)
      try await engine.start()
      return try await engine.standing(of: id, in: name)?.offset
    }
    #expect(try outcome.get().get() == (lives ? 60_000 : nil))
    withExtendedLifetime(engine) {}
  }

  /// After a power cut states are claims, which take the bytes and the lease to be proven: nothing is told until then,
  /// which could be less than what was acknowledged.
  @Test func nothingIsToldOfWhatHasToBeProven() throws {
    let simulation = SimulatedWorld(seed: 5)
    let (name, id, bytes) = (name, id, bytes)
    try simulation.run { () async throws in
      let engine = simulation.engine(uploadSyncBytes: 16_000)
      try await engine.start()
      let session = try await engine.beginIngest(id, in: name, algorithm: .sha512)
      for end in [20_000, 30_000] {
        _ = try await session.append(Array(bytes[Int(session.offset)..<end]))
        try await session.flush()
      }
      #expect(try await engine.standing(of: id, in: name)?.offset == 30_000)
    }
    let next = SimulatedWorld(seed: 6, disk: simulation.disk.afterPowerCut(keeping: .everything))
    try next.run { () async throws in
      let engine = next.engine()
      try await engine.start()
      #expect(try await engine.standing(of: id, in: name) == nil)
      let session = try #require(try await engine.resumeIngest(id, in: name))
      #expect(session.offset == 30_000)
      // It was written down with what was found.
      #expect(try await next.engine().standing(of: id, in: name)?.offset == 30_000)
      try await session.abort()
    }
  }
}

/// Files of which one directory is listed as it was once, the first time.
private final class LateList: PassingFiles {
  let files: any Files
  let path: String
  let old: [DirectoryEntry]
  let lists = Mutex(0)

  init(files: any Files, path: String, old: [DirectoryEntry]) {
    (self.files, self.path, self.old) = (files, path, old)
  }

  func entries(_ path: String) throws(FileError) -> [DirectoryEntry]? {
    let isFirst =
      path == self.path
      && lists.withLock { lists in
        lists += 1
        return lists == 1
      }
    return isFirst ? old : try files.entries(path)
  }
}
