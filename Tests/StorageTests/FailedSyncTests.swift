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
}
