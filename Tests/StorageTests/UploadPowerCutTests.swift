// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

/// Where an upload stands after a power cut, a kill, a reboot: never beyond what is whole, never before what was
/// synced, and it always ends in the right blob.
@Suite struct UploadPowerCutTests {
  private let id = UploadID(uuidBytes: .init(repeating: 7, count: 16))
  private let name: RepositoryName
  private let bytes = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &* 7) }

  init() throws {
    name = try RepositoryName(parsing: "team/app")
  }

  /// What the client knows at some moment.
  private struct Known: Sendable {
    /// Bytes that a flush acknowledged.
    var acknowledged = 0
    /// Bytes that were handed over.
    var sent = 0
    /// Whether a commit has begun, so that the session may be gone.
    var mayBeOver = false

    /// The least that is left after a power cut.
    func floor(_ syncBytes: Int) -> Int { max(0, acknowledged - max(syncBytes - 1, 0)) }
  }

  private final class Client: Sendable {
    let known = Mutex(Known())
    func note(_ body: (inout Known) -> Void) { known.withLock { body(&$0) } }
  }

  /// A moment of an upload: the disk that is left, and what the client knew then.
  private struct Remains: Sendable {
    var files: any Files
    var known: Known
    /// The least that has to be there.
    var floor: Int
    var note: String
  }

  /// Uploads in chunks of several requests, some of them sent in many pieces, and commits.
  private func upload(
    by engine: any StorageEngine, _ client: Client, commits: Digest? = nil
  ) async throws {
    func twice(_ body: () async throws -> Void) async throws {
      do { try await body() } catch { try await body() }
    }
    for (chunk, pieces) in [(3000, 1), (20_000, 4), (1, 1), (36_000, 3)] {
      let end = client.known.withLock { $0.acknowledged } + chunk
      try await twice {
        guard let session = try await engine.resumeIngest(id, in: name) else { throw StorageError.sessionGone }
        do {
          client.note { $0.sent = max($0.sent, end) }
          for start in stride(from: Int(session.offset), to: end, by: chunk / pieces) {
            _ = try await session.append(Array(bytes[start..<min(end, start + chunk / pieces)]))
          }
          try await session.flush()
        } catch {
          await session.release()
          throw error
        }
        #expect(session.offset == UInt64(end))
        client.note { $0.acknowledged = end }
        await session.release()
      }
    }
    guard let digest = commits else { return }
    client.note { ($0.mayBeOver, $0.sent) = (true, bytes.count) }
    guard let session = try await engine.resumeIngest(id, in: name) else { throw StorageError.sessionGone }
    _ = try await session.append(Array(bytes[Int(session.offset)...]))
    try await session.commit(as: digest)
  }

  /// Goes on with what is left, on a world of its own.
  private func judge(_ remains: Remains, syncBytes: Int, _ algorithm: DigestAlgorithm = .sha256) throws -> Int? {
    let simulation = SimulatedWorld(seed: 1)
    let (id, name, bytes) = (id, name, bytes)
    let world = World(
      loops: simulation.world.loops, workers: simulation.world.workers, files: remains.files,
      entropy: simulation.world.entropy, clock: simulation.world.clock)
    return try simulation.run { () async throws -> Int? in
      let engine = FilesystemStorage(root: "/data", world: world, uploadSyncBytes: UInt64(syncBytes)) { _ in }
      try await engine.start()
      let blob = try await engine.blob(Digest(of: bytes, algorithm), in: name)
      guard let session = try await engine.resumeIngest(id, in: name) else {
        #expect(remains.known.mayBeOver || remains.floor == 0, "\(remains.note): the upload is gone")
        return nil
      }
      let offset = session.offset
      // A second look finds the same.
      await session.release()
      let again = try #require(try await engine.resumeIngest(id, in: name))
      #expect(again.offset == offset, "\(remains.note): two offsets")
      // What is left of a session that was committed is nobody's any more.
      let isOver = remains.known.mayBeOver && blob != nil
      #expect(isOver || offset >= UInt64(remains.floor), "\(remains.note): \(offset) of \(remains.known)")
      #expect(offset <= UInt64(remains.known.sent), "\(remains.note): \(offset) of \(remains.known)")
      _ = try await again.append(Array(bytes[Int(min(offset, UInt64(bytes.count)))...]))
      do throws(StorageError) {
        try await again.commit(as: Digest(of: bytes, algorithm))
      } catch {
        Issue.record("\(remains.note): at \(offset) of \(remains.known): \(error)")
      }
      return Int(offset)
    }
  }

  @Test(arguments: [(0, DigestAlgorithm.sha256), (5000, .sha512), (25_000, .sha256), (1 << 30, .sha256)])
  func aPowerCutAtAnyOperationLeavesAnHonestOffset(_ syncBytes: Int, _ algorithm: DigestAlgorithm) throws {
    let simulation = SimulatedWorld(seed: 7)
    let client = Client()
    let all = Mutex<[Remains]>([])
    try simulation.run { () async throws in
      let engine = simulation.engine(uploadSyncBytes: UInt64(syncBytes))
      try await engine.start()
      await (try engine.beginIngest(id, in: name, algorithm: algorithm)).release()
      simulation.disk.observe { operation in
        guard operation.kind.isChange || operation.kind == .sync || operation.kind == .syncDirectory else { return }
        let known = client.known.withLock { $0 }
        let number = UInt64(simulation.disk.operationCount)
        var left: [Remains] = []
        for keeping in [
          CrashKeeping.synced, .names, .everything, .seeded(number), .seeded(number + 1000),
        ] {
          // A reboot that lost nothing is no power cut: every acknowledged byte is found.
          left.append(
            Remains(
              files: simulation.disk.afterPowerCut(keeping: keeping), known: known,
              floor: keeping == .everything ? known.acknowledged : known.floor(syncBytes),
              note: "\(keeping) before \(operation)"))
        }
        let killed = SameBoot(
          files: simulation.disk.afterPowerCut(keeping: .everything), boot: simulation.disk.boot)
        left.append(
          Remains(files: killed, known: known, floor: known.acknowledged, note: "killed before \(operation)"))
        all.withLock { $0 += left }
      }
      try await upload(by: engine, client, commits: Digest(of: bytes, algorithm))
      simulation.disk.observe(nil)
    }
    let moments = all.withLock { $0 }
    #expect(moments.count > 300)
    var resumed = 0
    for remains in moments where try judge(remains, syncBytes: syncBytes, algorithm) ?? 0 > 0 { resumed += 1 }
    #expect(resumed > 50)
  }

  /// A sync point in which anything fails once does not keep a later one from being durable.
  @Test(arguments: [0, 5000], [FaultPlan.Moment.before, .after])
  func aPowerCutAfterAFailureLeavesAnHonestOffset(_ syncBytes: Int, _ moment: FaultPlan.Moment) throws {
    var number = 1
    while true {
      let simulation = SimulatedWorld(seed: 7)
      let client = Client()
      let note = "\(moment) at \(number)"
      let failing = FaultPlan.failing(number, moment: moment)
      let failure = simulation.run { () async -> String? in
        do {
          let engine = simulation.engine(uploadSyncBytes: UInt64(syncBytes))
          try await engine.start()
          await (try engine.beginIngest(id, in: name, algorithm: .sha256)).release()
          simulation.disk.install(failing)
          try await upload(by: engine, client)
          return nil
        } catch {
          return "\(error)"
        }
      }
      #expect(failure == nil, "\(note): \(failure ?? "")")
      let known = client.known.withLock { $0 }
      for keeping in [CrashKeeping.synced, .seeded(UInt64(number))] {
        let remains = Remains(
          files: simulation.disk.afterPowerCut(keeping: keeping), known: known, floor: known.floor(syncBytes),
          note: "\(note), then \(keeping)")
        _ = try judge(remains, syncBytes: syncBytes)
      }
      if simulation.disk.faultCount == 0 { break }
      number += 1
    }
    #expect(number > 60)
  }

  /// A failed sync costs what came since the mark, no more, and what is sent again is durable.
  @Test func aFailedSyncSetsBackToTheMarkAndNoFurther() throws {
    let simulation = SimulatedWorld(seed: 7)
    let (id, name, bytes) = (id, name, bytes)
    try simulation.run { () async throws in
      let engine = simulation.engine(uploadSyncBytes: 0)
      try await engine.start()
      let first = try await engine.beginIngest(id, in: name, algorithm: .sha256)
      _ = try await first.append(Array(bytes[..<10_000]))
      try await first.flush()
      _ = try await first.append(Array(bytes[10_000..<20_000]))
      simulation.disk.install(FaultPlan([.init(.failed, of: [.sync], pathContains: "/data")]))
      await #expect(throws: StorageError.self) { try await first.flush() }
      #expect(first.offset == 10_000)
      await first.release()
      let second = try #require(try await engine.resumeIngest(id, in: name))
      #expect(second.offset == 10_000)
      _ = try await second.append(Array(bytes[10_000...]))
      try await second.commit(as: Digest(of: bytes))
    }
    let digest = Digest(of: bytes)
    let path = "/data/docker/registry/v2/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)/data"
    let isWhole = try SimulatedWorld.recovered(simulation.disk.afterPowerCut()).contents(of: path) == bytes
    #expect(isWhole, "the commit was acknowledged")
  }

  /// What we left in another boot is gone on with as far as its hash states are true. What Distribution left is kept
  /// whole, with a digest of its own.
  @Test(arguments: [("+00:00", true), ("+00:00", false), ("Z", false)])
  func hashStatesAreProven(_ zone: String, isTorn: Bool) throws {
    let simulation = SimulatedWorld(seed: 7)
    let (id, name, bytes) = (id, name, bytes)
    let directory = "/data/docker/registry/v2/repositories/\(name)/_uploads/\(id)"
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let session = try await engine.beginIngest(id, in: name, algorithm: .sha256)
      var states: [Int: [UInt8]] = [:]
      for end in [10_000, 30_000] {
        _ = try await session.append(Array(bytes[Int(session.offset)..<end]))
        try await session.flush()
        states[end] = simulation.disk.contents(of: "\(directory)/hashstates/sha256/\(end)")
      }
      try await session.abort()
      var data = Array(bytes[..<40_000])
      if isTorn { data.replaceSubrange(20_000..<21_000, with: [UInt8](repeating: 0, count: 1000)) }
      simulation.disk.plant(data, at: "\(directory)/data")
      simulation.disk.plant(Array("2026-01-01T00:00:00\(zone)".utf8), at: "\(directory)/startedat")
      for (end, state) in states { simulation.disk.plant(state, at: "\(directory)/hashstates/sha256/\(end)") }
      let found = try #require(try await engine.resumeIngest(id, in: name))
      #expect(found.offset == (zone == "Z" ? 40_000 : isTorn ? 10_000 : 30_000))
      _ = try await found.append(Array(bytes[Int(found.offset)...]))
      try await found.commit(as: Digest(of: bytes))
    }
    #expect(simulation.leftovers.isEmpty)
  }

  /// Syncs of each chunk after the first, which also makes the session's names durable.
  @Test(arguments: [(0, 3, 3), (300_000, 0, 0), (50_000, 0, 3)])
  func aChunkCostsFewSyncs(_ syncBytes: Int, _ fewest: Int, _ most: Int) throws {
    let simulation = SimulatedWorld(seed: 7)
    let (id, name) = (id, name)
    let counts = try simulation.run { () async throws -> [Int] in
      let engine = simulation.engine(uploadSyncBytes: UInt64(syncBytes))
      try await engine.start()
      await (try engine.beginIngest(id, in: name, algorithm: .sha256)).release()
      var counts: [Int] = []
      for _ in 0..<10 {
        simulation.disk.resetLog()
        let session = try #require(try await engine.resumeIngest(id, in: name))
        _ = try await session.append([UInt8](repeating: 1, count: 20_000))
        try await session.flush()
        await session.release()
        counts.append(simulation.disk.count(of: .sync, .syncDirectory))
      }
      try await (try engine.resumeIngest(id, in: name))?.abort()
      return counts
    }
    #expect(counts.min() == fewest && counts.dropFirst(3).max() == most, "\(counts)")
    #expect(counts.reduce(0, +) <= (syncBytes == 0 ? 10 : 200_000 / syncBytes) * 3 + 4, "\(counts)")
  }

  /// Within one long chunk there are sync points too.
  @Test func aStreamIsSyncedOnItsWay() throws {
    let simulation = SimulatedWorld(seed: 7)
    let (id, name) = (id, name)
    let piece = [UInt8](repeating: 1, count: 100_000)
    let left = try simulation.run { () async throws -> SimulatedDisk in
      let engine = simulation.engine(uploadSyncBytes: 1_000_000)
      try await engine.start()
      let session = try await engine.beginIngest(id, in: name, algorithm: .sha256)
      simulation.disk.resetLog()
      for _ in 0..<50 { _ = try await session.append(piece) }
      // The last sync point may not have come yet; nothing is flushed.
      let left = simulation.disk.afterPowerCut()
      try await session.abort()
      return left
    }
    let directory = "/data/docker/registry/v2/repositories/\(name)/_uploads/\(id)"
    #expect((1_000_000...5_000_000).contains(left.contents(of: "\(directory)/data")?.count ?? 0))
    let known = Known(acknowledged: 0, sent: 5_000_000)
    let simulated = SimulatedWorld(seed: 1)
    let world = World(
      loops: simulated.world.loops, workers: simulated.world.workers, files: left, entropy: simulated.world.entropy,
      clock: simulated.world.clock)
    let offset = try simulated.run { () async throws -> UInt64? in
      let engine = FilesystemStorage(root: "/data", world: world) { _ in }
      try await engine.start()
      return try await engine.resumeIngest(id, in: name)?.offset
    }
    #expect(try #require(offset) >= 3_000_000 && #require(offset) <= known.sent)
  }
}

/// A disk as the next process of the same boot finds it.
private struct SameBoot: PassingFiles {
  let files: any Files
  let boot: BootIdentity
}
