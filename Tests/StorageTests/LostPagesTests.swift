// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

/// A sync that fails may take the pages with it that it could not write, at once or when the kernel needs the room.
@Suite struct LostPagesTests {
  private static let tags = "\(treeBase)/repositories/team/_manifests/tags"

  private static func digest(_ text: String) -> Digest { Digest(of: Array(text.utf8)) }

  private static func content(_ digest: Digest) -> String {
    "\(treeBase)/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)/data"
  }

  /// What a checkpoint lost can be read again as soon as the checkpoint is given up, and is durable after the next one.
  @Test(arguments: ["/tags/latest/current/", "/revisions/", "/blobs/"])
  func whatACheckpointLostIsWrittenOfTheJournal(_ place: String) throws {
    let simulation = SimulatedWorld(seed: 1)
    let disk = simulation.disk
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "latest")
      let digest = try await engine.put("two", as: "latest")
      disk.install(FaultPlan([.init(.failed, of: [.sync], pathContains: place, times: 4)]))
      await simulation.pause(for: .seconds(11))
      #expect(disk.failedSyncCount > 0)
      #expect(simulation.segments.contains { $0.hasSuffix(".suspect") }, "the checkpoint failed")
      disk.install(FaultPlan())
      disk.forgetLostPages()
      #expect(try await engine.tag(try tagged("latest"), in: repository) == digest)
      #expect(try await engine.manifest(digest, in: repository) == Array("two".utf8))
      await simulation.pause(for: .seconds(60))
      #expect(simulation.segments.isEmpty)
      let left = try SimulatedWorld.recovered(disk.afterPowerCut())
      #expect(left.contents(of: "\(Self.tags)/latest/current/link") == Array("\(digest)".utf8))
      #expect(left.contents(of: Self.content(digest)) == Array("two".utf8))
    }
  }

  /// As above, when the process dies over the failed sync: the next one finds the pages gone, and writes what was
  /// acknowledged last, not what the tag meant before.
  @Test func whatADeadCheckpointLostIsWhatCameLast() throws {
    let simulation = SimulatedWorld(seed: 1)
    let second = simulation.startProcess()
    let disk = simulation.disk
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      try await engine.put("two", as: "t")
      disk.install(FaultPlan([.init(.failed, of: [.sync], pathContains: "/tags/t/current/")]))
      disk.observe { operation in
        if operation.kind == .rename, operation.target?.hasSuffix(".suspect") == true { simulation.process.kill() }
      }
    }
    _ = simulation.attempt(on: second) { () async -> Void in
      await SimulatedClock(loop: second.loops[0]).pause(for: .seconds(11))
    }
    disk.observe(nil)
    #expect(disk.failedSyncCount == 1)
    disk.forgetLostPages()
    #expect(simulation.content(ofTag: "t") != "\(Self.digest("two"))", "the pages are gone")
    let outcome = simulation.attempt(on: second) { () async throws in
      try await simulation.engine(of: second).start()
    }
    if case .success(let result) = outcome { try result.get() }
    #expect(simulation.content(ofTag: "t") == "\(Self.digest("two"))")
    #expect(simulation.segments.isEmpty)
  }

  /// A checkpoint failed and nothing could be written anew; then the same was pushed once more, which a later segment
  /// says. The file is the one that may be lost all the same.
  @Test func whatIsSaidAgainIsMadeAnewAllTheSame() throws {
    let simulation = SimulatedWorld(seed: 1)
    let disk = simulation.disk
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      disk.install(
        FaultPlan([
          .init(.failed, of: [.sync], pathContains: "/team/", times: 1),
          .init(.failed, of: [.read], pathContains: ".suspect", times: 1),
        ]))
      await simulation.pause(for: .seconds(11))
      #expect(disk.failedSyncCount == 1 && disk.faultCount == 2)
      try await engine.put("one", as: "t")
      await simulation.pause(for: .seconds(60))
      #expect(simulation.segments.isEmpty)
    }
    for link in ["tags/t/current/link", "revisions/sha256/\(Self.digest("one").hex)/link"] {
      let left = try SimulatedWorld.recovered(disk.afterPowerCut())
      let path = "\(treeBase)/repositories/team/_manifests/\(link)"
      #expect(left.contents(of: path) == Array("\(Self.digest("one"))".utf8), "\(link)")
    }
  }

  /// Neither the sync of an upload nor the cut that makes up for it succeeds, and the process dies: whoever goes on
  /// commits nothing that is not there.
  @Test(arguments: [0, 5_000, 1 << 20], [true, false])
  func whatAnUploadLostIsNotCommittedByAnother(_ syncBytes: Int, forgets: Bool) throws {
    let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    let id = UploadID(uuidBytes: .init(repeating: 1, count: 16))
    let simulation = SimulatedWorld(seed: 1)
    let second = simulation.startProcess()
    let disk = simulation.disk
    // Large enough to be synced by itself.
    let more = [UInt8](repeating: 5, count: 80_000)
    try simulation.run { () async throws in
      let engine = simulation.engine(uploadSyncBytes: UInt64(syncBytes))
      try await engine.start()
      let session = try await engine.beginIngest(id, in: repository, algorithm: .sha256)
      _ = try await session.append(Array(bytes[..<8_000]))
      try await session.flush()
      _ = try await session.append(Array(bytes[8_000...]))
      disk.install(
        FaultPlan([
          .init(.failed, of: [.sync], pathContains: "/_uploads/"),
          .init(.failed, of: [.truncate], pathContains: "/_uploads/", times: 1_000),
        ]))
      do throws(StorageError) {
        try await session.flush()
        _ = try await session.append(more)
        try await session.commit(as: Digest(of: bytes + more))
        Issue.record("no sync failed")
      } catch {
        // As it should.
      }
    }
    simulation.process.kill()
    disk.install(FaultPlan())
    #expect(disk.failedSyncCount == 1)
    if forgets { disk.forgetLostPages() }
    let outcome = simulation.attempt(on: second) { () async throws in
      let engine = simulation.engine(of: second)
      try await engine.start()
      let session = try #require(try await engine.resumeIngest(id, in: repository))
      // What was acknowledged is there, unless it was what the sync has lost.
      if !forgets || syncBytes < 8_000 { #expect(session.offset >= 8_000) }
      _ = try await session.append(Array((bytes + more)[Int(session.offset)...]))
      try await session.commit(as: Digest(of: bytes + more))
      try await engine.stop()
    }
    if case .success(let result) = outcome { try result.get() }
    let left = try SimulatedWorld.recovered(disk.afterPowerCut())
    #expect(left.contents(of: Self.content(Digest(of: bytes + more))) == bytes + more, "the commit was acknowledged")
  }

  /// A sync that failed in another process, which then died, changes nothing of the data file. A session that is kept
  /// in memory does not take the bytes for sound all the same, on whichever machine it is.
  @Test(arguments: [(0, 0), (0, 1), (1 << 20, 0), (1 << 20, 1)], [true, false])
  func whatAnotherProcessLostIsNotCommitted(_ setting: (syncBytes: Int, machine: Int), isKept: Bool) throws {
    let (syncBytes, machine) = setting
    let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    let id = UploadID(uuidBytes: .init(repeating: 1, count: 16))
    for forgetsEarly in [true, false] {
      let simulation = SimulatedWorld(seed: 1)
      let (disk, other) = (simulation.disk, simulation.startProcess(machine: machine))
      try simulation.run { () async throws in
        let (one, two) = (
          simulation.engine(uploadSyncBytes: UInt64(syncBytes)),
          simulation.engine(of: other, uploadSyncBytes: UInt64(syncBytes))
        )
        try await one.start()
        try await two.start()
        let kept = try await one.beginIngest(id, in: repository, algorithm: .sha256)
        _ = try await kept.append(Array(bytes[..<90_000]))
        try await kept.flush()
        await kept.release()
        let second = try #require(try await two.resumeIngest(id, in: repository))
        _ = try await second.append(Array(bytes[90_000...]))
        disk.install(
          FaultPlan([
            .init(.failed, of: [.sync], pathContains: "/_uploads/"),
            .init(.failed, of: [.truncate], pathContains: "/_uploads/", times: 1_000),
          ]))
        await #expect(throws: StorageError.self) { try await second.commit(as: Digest(of: bytes)) }
        other.kill()
        disk.install(FaultPlan())
        if forgetsEarly { disk.forgetLostPages() }
        let session: any IngestSession
        if isKept {
          session = kept
          try await kept.acquire()
        } else {
          session = try #require(try await one.resumeIngest(id, in: repository))
        }
        _ = try await session.append(Array(bytes[Int(session.offset)...]))
        try await session.commit(as: Digest(of: bytes))
      }
      if !forgetsEarly { disk.forgetLostPages() }
      let left = try SimulatedWorld.recovered(disk.afterPowerCut())
      #expect(left.contents(of: Self.content(Digest(of: bytes))) == bytes, "acknowledged; early: \(forgetsEarly)")
    }
  }

  /// An upload whose own bytes were damaged on the disk harms nothing that is there, and is not acknowledged.
  @Test(arguments: [1_000, 100_000], [true, false])
  func aDamagedUploadReplacesNothing(_ size: Int, isThere: Bool) throws {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    let id = UploadID(uuidBytes: .init(repeating: 9, count: 16))
    let simulation = SimulatedWorld(seed: 1)
    // Large content that is nowhere else is not read back: its sync tells.
    if size > 65_536, !isThere { return }
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      if isThere { try await engine.push(bytes, number: 1) }
      let session = try await engine.beginIngest(id, in: repository, algorithm: .sha256)
      _ = try await session.append(bytes)
      try await session.flush()
      let path = try #require(simulation.disk.tree.keys.first { $0.contains("/_uploads/") && $0.hasSuffix("/data") })
      try simulation.disk.open(path, .readWrite).write([1, 2, 3], at: 500)
      await #expect(throws: StorageError.self) { try await session.commit(as: Digest(of: bytes)) }
      let stored = simulation.disk.contents(of: Self.content(Digest(of: bytes)))
      #expect(stored == (isThere ? bytes : nil))
    }
  }

  /// A failed sync of a session's start does not end the session when the kernel drops its page.
  @Test func aSessionOutlivesAFailedSyncOfItsStart() throws {
    let id = UploadID(uuidBytes: .init(repeating: 9, count: 16))
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine(uploadSyncBytes: 0)
      try await engine.start()
      let session = try await engine.beginIngest(id, in: repository, algorithm: .sha256)
      _ = try await session.append([1, 2, 3])
      simulation.disk.install(FaultPlan([.init(.failed, of: [.sync], pathContains: "/startedat")]))
      await #expect(throws: StorageError.self) { try await session.flush() }
      simulation.disk.forgetLostPages()
      try await session.flush()
      await session.release()
      #expect(try await simulation.engine().resumeIngest(id, in: repository)?.offset == 3)
    }
  }
}
