// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

@Suite struct FailedSyncTests {
  /// The kernel tells of a lost write once. Whoever opens the file next syncs without an error and over nothing.
  @Test func whatASyncLostIsNotCommittedByTheNextSession() throws {
    let name = try RepositoryName(parsing: "app")
    let bytes = Array("whole".utf8)
    let digest = RandomImage.Content(.ociLayer, bytes).digest
    let id = UploadID(uuidBytes: .init(repeating: 1, count: 16))
    let simulation = SimulatedWorld(seed: 7)
    try simulation.run { () async throws in
      let engine = FilesystemStorage(root: "/registry", world: simulation.world, uploadSyncBytes: 0) { _ in }
      try await engine.start()
      let first = try await engine.beginIngest(id, in: name, algorithm: .sha256)
      _ = try await first.append(bytes)
      simulation.disk.install(FaultPlan([.init(.failed, of: [.sync], pathContains: "_uploads")]))
      await #expect(throws: StorageError.self) { try await first.flush() }
      await first.release()

      let second = try #require(try await engine.resumeIngest(id, in: name))
      _ = try await second.append(Array(bytes[Int(second.offset)...]))
      try await second.commit(as: digest)
    }
    let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut(), root: "/registry")
    let path = "/registry/docker/registry/v2/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)/data"
    #expect(left.contents(of: path) == bytes, "the commit was acknowledged")
  }

  /// A process that saw a sync fail has to cut off what may be lost, but nothing that another one acknowledged since.
  @Test func whatAnotherProcessAcknowledgedIsNotCutOff() throws {
    let name = try RepositoryName(parsing: "app")
    let bytes = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let id = UploadID(uuidBytes: .init(repeating: 1, count: 16))
    let simulation = SimulatedWorld(seed: 7)
    try simulation.run { () async throws in
      func engine() -> FilesystemStorage {
        FilesystemStorage(root: "/registry", world: simulation.world, uploadSyncBytes: 0) { _ in }
      }
      let (one, other) = (engine(), engine())
      try await one.start()
      try await other.start()
      let first = try await one.beginIngest(id, in: name, algorithm: .sha256)
      _ = try await first.append(Array(bytes[..<10_000]))
      try await first.flush()
      _ = try await first.append(Array(bytes[10_000..<20_000]))
      simulation.disk.install(FaultPlan([.init(.failed, of: [.sync], pathContains: "_uploads")]))
      await #expect(throws: StorageError.self) { try await first.flush() }
      await first.release()
      let second = try #require(try await other.resumeIngest(id, in: name))
      #expect(second.offset == 10_000)
      _ = try await second.append(Array(bytes[10_000..<40_000]))
      try await second.flush()
      await second.release()
      try await first.acquire()
      #expect(first.offset == 40_000, "what was acknowledged is gone")
      _ = try await first.append(Array(bytes[40_000...]))
      try await first.commit(as: Digest(of: bytes))
      #expect(try await one.blob(Digest(of: bytes), in: name)?.size == 50_000)
      try await one.stop()
      try await other.stop()
    }
    let digest = Digest(of: bytes)
    let path = "/registry/docker/registry/v2/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)/data"
    #expect(simulation.disk.contents(of: path) == bytes)
  }

  /// A second push of content that only the journal holds so far must not be able to harm it: neither a sync that fails
  /// under it nor the attempt to write it anew.
  @Test(arguments: [FileOperation.Kind.sync, .create, .write, .rename, .read, .syncDirectory])
  func aSecondPushThatFailsLosesNothingOfTheFirst(kind: FileOperation.Kind) throws {
    let name = try RepositoryName(parsing: "app")
    let bytes = Array("whole".utf8)
    let digest = RandomImage.Content(.ociLayer, bytes).digest
    let simulation = SimulatedWorld(seed: 7)
    try simulation.run { () async throws in
      let engine = FilesystemStorage(root: "/registry", world: simulation.world, uploadSyncBytes: 0) { _ in }
      try await engine.start()
      func push(_ number: UInt8, _ plan: FaultPlan) async throws {
        let id = UploadID(uuidBytes: .init(repeating: number, count: 16))
        let session = try await engine.beginIngest(id, in: name, algorithm: .sha256)
        _ = try await session.append(bytes)
        simulation.disk.install(plan)
        defer { simulation.disk.install(FaultPlan()) }
        try await session.commit(as: digest)
      }
      try await push(1, FaultPlan())
      let plan = FaultPlan([
        .init(.failed, of: [.sync], pathContains: digest.hex), .init(.failed, of: [kind], pathContains: digest.hex),
        .init(.failed, of: [kind], pathContains: "temporary"),
      ])
      if kind == .read {
        // What cannot be read is replaced by what is pushed.
        try await push(2, plan)
      } else {
        await #expect(throws: StorageError.self) { try await push(2, plan) }
      }
      try await push(3, FaultPlan())
      try await engine.stop()
    }
    let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut(), root: "/registry")
    let path = "/registry/docker/registry/v2/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)/data"
    #expect(left.contents(of: path) == bytes, "the first push was acknowledged, and so was the third")
  }

  /// A push whose sync failed takes back the directories that it made, also from under another push that knows them to
  /// be durable. The next one makes them anew.
  @Test func directoriesThatWereTakenBackAreMadeAnew() throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = FilesystemStorage(root: "/registry", world: simulation.world) { _ in }
      try await engine.start()
      func push(_ number: UInt8, to name: String) async throws {
        let id = UploadID(uuidBytes: .init(repeating: number, count: 16))
        let session = try await engine.beginIngest(id, in: try RepositoryName(parsing: name), algorithm: .sha256)
        try await session.abort()
      }
      try await push(1, to: "team/app")
      for directory in ["/team/app/_uploads", "/team/app", "/team"] {
        #expect(try simulation.disk.removeDirectory("/registry/docker/registry/v2/repositories\(directory)"))
      }
      try await push(2, to: "team/other")
      try await push(3, to: "team/app")
      try await engine.stop()
    }
  }
}
