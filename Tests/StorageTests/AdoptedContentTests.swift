// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

/// A commit gives an upload's data file a second name. From then on its bytes belong to the blob, whatever becomes of
/// the upload and whoever goes on with it.
@Suite struct AdoptedContentTests {
  private let name: RepositoryName
  private static let id = UploadID(uuidBytes: .init(repeating: 1, count: 16))
  private static let content = RandomImage.Content(.ociLayer, (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7) })

  init() throws {
    name = try RepositoryName(parsing: "app")
  }

  /// What is left of a committed upload when its removal fails, or its process dies over it, from nothing of it gone to
  /// all but its start.
  @Test(arguments: 0..<5, [false, true])
  func whatIsLeftOfACommittedUploadCannotHarmTheBlob(skipping skip: Int, elsewhere: Bool) throws {
    let simulation = SimulatedWorld(seed: 3)
    try simulation.run { [name] () async throws in
      let engine = FilesystemStorage(root: "/registry", world: simulation.world) { _ in }
      try await engine.start()
      let first = try await engine.beginIngest(Self.id, in: name, algorithm: .sha256)
      _ = try await first.append(Self.content.bytes)
      try await first.flush()
      simulation.disk.install(
        FaultPlan([.init(.failed, of: [.remove, .removeDirectory], pathContains: "_uploads", skip: skip, times: 100)]))
      try await first.commit(as: Self.content.digest)
      simulation.disk.install(FaultPlan())

      let next =
        elsewhere ? FilesystemStorage(root: "/registry", world: simulation.world) { _ in } : engine
      if elsewhere { try await next.start() }
      if let session = try await next.resumeIngest(Self.id, in: name) {
        _ = try await session.append(Array("more".utf8))
        try await session.flush()
        await session.release()
      }
      let blob = try #require(try await next.blob(Self.content.digest, in: name))
      if case .file(let file) = blob.content {
        #expect(try file.read(200_000, at: 0) == Self.content.bytes)
      } else {
        Issue.record("content is in a file")
      }
    }
  }

  /// The journal has it, the tree does not: the answer was a failure, and the client does something else.
  @Test(arguments: ["link", "rename"])
  func aFailedCommitLeavesTheJournalWhatItHolds(_ failing: String) throws {
    let simulation = SimulatedWorld(seed: 4)
    try simulation.run { [name] () async throws in
      let engine = FilesystemStorage(root: "/registry", world: simulation.world) { _ in }
      try await engine.start()
      let session = try await engine.beginIngest(Self.id, in: name, algorithm: .sha256)
      _ = try await session.append(Self.content.bytes)
      try await session.flush()
      let kinds: Set<FileOperation.Kind> = failing == "link" ? [.link] : [.rename]
      simulation.disk.install(
        FaultPlan([
          .init(.failed, of: kinds, pathContains: failing == "link" ? "blobs/sha256" : "_layers", times: 100)
        ]))
      await #expect(throws: StorageError.self) { try await session.commit(as: Self.content.digest) }
      simulation.disk.install(FaultPlan())
      _ = try await session.append(Array("more".utf8))
      try await session.flush()
      await session.release()
      try await engine.stop()
      let left = simulation.disk.afterPowerCut()
      let recovered = try SimulatedWorld.recovered(left, root: "/registry")
      let path =
        "/registry/docker/registry/v2/blobs/sha256/\(Self.content.digest.hex.prefix(2))/"
        + "\(Self.content.digest.hex)/data"
      for disk in [recovered, simulation.disk] {
        let there = disk.contents(of: path)
        #expect(there == nil || there == Self.content.bytes, "what has a blob's name is that blob")
      }
      #expect(failing == "link" || recovered.contents(of: path) != nil, "what was to be harmed was there")
    }
  }
}
