// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryMemoryStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

/// What counts towards the limit of the storage in memory, and when there is room again.
@Suite struct MemoryLimitTests {
  private let name: RepositoryName
  private let bytes = [UInt8](repeating: 7, count: 10_000)

  init() throws {
    name = try RepositoryName(parsing: "team")
  }

  private func upload(_ number: UInt8) -> UploadID { UploadID(uuidBytes: .init(repeating: number, count: 16)) }

  private func push(_ bytes: [UInt8], _ number: UInt8, to name: RepositoryName, of engine: MemoryStorage) async throws {
    let session = try await engine.beginIngest(upload(number), in: name, algorithm: .sha256)
    _ = try await session.append(bytes)
    try await session.commit(as: Digest(of: bytes))
  }

  private func expectFull(_ body: () async throws -> Void) async {
    let error = await #expect(throws: StorageError.self) { try await body() }
    guard case .noSpace = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// An upload's bytes have room again when it ends: aborted, purged, committed under a wrong digest.
  @Test func uploadsGiveBackWhatTheyTook() throws {
    let simulation = SimulatedWorld(seed: 1)
    let (name, bytes) = (name, bytes)
    try simulation.run { () async throws in
      let engine = MemoryStorage(clock: simulation.wallClock, bytesMax: 15_000)
      for end in 0..<3 {
        let session = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
        _ = try await session.append(bytes)
        await expectFull { _ = try await session.append(bytes) }
        #expect(session.offset == 10_000, "nothing half done")
        switch end {
        case 0: try await session.abort()
        case 1:
          await session.release()
          let later = WallTime(seconds: session.startedAt.seconds + 10)
          let step = try await engine.purgeIngests(startedBefore: later, from: nil, limit: 9, dryRun: false)
          #expect(step.removed.count == 1)
        default: await #expect(throws: StorageError.self) { try await session.commit(as: Digest(of: [])) }
        }
        #expect(engine.bytesUsed == 0)
      }
    }
  }

  /// Content is kept once for all who link it, and goes with the last link.
  @Test func contentGoesWithItsLastLink() throws {
    let simulation = SimulatedWorld(seed: 1)
    let (name, bytes) = (name, bytes)
    let other = try RepositoryName(parsing: "other")
    try simulation.run { () async throws in
      let engine = MemoryStorage(clock: simulation.wallClock, bytesMax: 30_000)
      try await push(bytes, 1, to: name, of: engine)
      let one = engine.bytesUsed
      #expect(one > 10_000 && one < 12_000)
      try await push(bytes, 1, to: name, of: engine)
      #expect(engine.bytesUsed == one, "a second push of the same")
      #expect(try await engine.mount(Digest(of: bytes), from: name, into: other))
      #expect(engine.bytesUsed < one + 2000, "a second copy")
      #expect(try await engine.unlink(Digest(of: bytes), from: name))
      #expect(try await engine.blob(Digest(of: bytes), in: other)?.size == 10_000)
      #expect(engine.bytesUsed == one)
      #expect(try await engine.unlink(Digest(of: bytes), from: other))
      #expect(engine.bytesUsed == 0)
    }
  }

  /// What is a blob and a manifest is kept until it is neither; a repository that had manifests is listed for good.
  @Test func manifestsAndTagsCount() throws {
    let simulation = SimulatedWorld(seed: 1)
    let (name, bytes) = (name, bytes)
    try simulation.run { () async throws in
      let engine = MemoryStorage(clock: simulation.wallClock, bytesMax: 14_000)
      let tags = try ["a", "b", "c", "d", "e", "f", "g", "h"].map { try GantryOCI.Tag(parsing: $0) }
      let digest = Digest(of: bytes)
      await expectFull { try await engine.putManifest(bytes, digest: digest, subject: nil, tags: tags, in: name) }
      #expect(engine.bytesUsed == 0)
      #expect(try await engine.repositories(after: nil, limit: 9).elements.isEmpty, "half of it is there")
      engine.limit(to: 30_000)
      try await engine.putManifest(bytes, digest: digest, subject: nil, tags: [tags[0]], in: name)
      try await push(bytes, 1, to: name, of: engine)
      #expect(try await engine.removeManifest(digest, in: name))
      #expect(try await engine.blob(digest, in: name)?.size == 10_000)
      #expect(try await engine.tag(tags[0], in: name) == digest, "a tag may point at nothing")
      #expect(try await engine.unlink(digest, from: name))
      #expect(try await engine.removeTag(tags[0], in: name))
      #expect(engine.bytesUsed < 1024)
      #expect(try await engine.repositories(after: nil, limit: 9).elements == [name])
    }
  }

  /// Below a limit that was lowered, nothing is added, and all that does not grow goes on.
  @Test func aLimitThatIsLoweredTakesNothingAway() throws {
    let simulation = SimulatedWorld(seed: 1)
    let (name, bytes) = (name, bytes)
    try simulation.run { () async throws in
      let engine = MemoryStorage(clock: simulation.wallClock)
      try await push(bytes, 1, to: name, of: engine)
      let session = try await engine.beginIngest(upload(2), in: name, algorithm: .sha256)
      _ = try await session.append([1, 2, 3])
      engine.limit(to: 100)
      #expect(try await engine.blob(Digest(of: bytes), in: name)?.size == 10_000)
      await expectFull { _ = try await session.append([4]) }
      await expectFull { _ = try await engine.secret(named: "k", fresh: [1]) }
      try await session.commit(as: Digest(of: [1, 2, 3]))
      #expect(try await engine.blob(Digest(of: [1, 2, 3]), in: name)?.size == 3)
    }
  }
}
