// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

@testable import GantryRegistry

/// Requests that race for one upload, or for one blob: defined, whichever comes first (docs/HTTP_API.md).
struct UploadRaceTests {
  private static let name = RegistryServiceTests.name
  private static let bytes = [UInt8](repeating: 7, count: 200_000)

  private func withService(
    _ seed: UInt64, _ body: @escaping @Sendable (SimulatedWorld, RegistryService) async throws -> Void
  ) throws -> SimulatedWorld {
    let simulation = SimulatedWorld(seed: seed, loops: 3, workerDelay: .microseconds(1) ... .milliseconds(2))
    try simulation.run { () async throws in
      let storage = FilesystemStorage(root: "/data", world: simulation.world) { _ in }
      try await storage.start()
      let service = RegistryService(
        world: simulation.world, storage: storage, policy: RegistryPolicy(allowsDeletion: true))
      try await body(simulation, service)
      await RegistryServiceTests.expectIdle(service)
      try await storage.stop()
    }
    return simulation
  }

  private static func copies(_ digest: Digest, _ simulation: SimulatedWorld) -> Int {
    simulation.disk.tree.count { path, content in content != nil && path.hasSuffix("/\(digest.hex)/data") }
  }

  private func leftovers(_ simulation: SimulatedWorld) -> [String] {
    simulation.disk.tree.keys.filter { path in
      path.contains("/_uploads/") || path.contains("/gantry/staging/")
        || path.contains("/gantry/temporary/") && !path.hasSuffix(".lock")
    }
  }

  /// A herd pushes one blob: each is told that it is there, one copy is kept, nothing else.
  @Test(arguments: 0..<10) func aBlobCommittedByManyIsOneCopy(_ seed: UInt64) throws {
    let digest = contentDigest(of: Self.bytes, .sha256)
    let done = Atomic(0)
    let simulation = try withService(seed) { simulation, service in
      await RegistryServiceTests.together(
        simulation,
        (0..<8).map { number in
          { @Sendable in
            guard
              let lease = try? await service.beginUpload(
                in: Self.name, algorithm: .sha256, home: simulation.world.loops[number % 3])
            else { return }
            _ = try? await lease.append(Self.bytes)
            if (try? await lease.commit(as: digest)) != nil { done.add(1, ordering: .relaxed) }
            await lease.end()
          }
        })
      let size = try await service.blob(digest, in: Self.name).blob.size
      #expect(size == 200_000)
    }
    #expect(done.load(ordering: .relaxed) == 8)
    #expect(Self.copies(digest, simulation) == 1)
    #expect(simulation.disk.usedBytes < 2 * Self.bytes.count, "more than one copy is kept")
    #expect(leftovers(simulation).isEmpty)
  }

  /// A commit races a cancel: the upload has ended, and the blob is there exactly if the commit said so.
  @Test(arguments: 0..<60) func aCommitRacesACancel(_ seed: UInt64) throws {
    let digest = contentDigest(of: Self.bytes, .sha256)
    let committed = Atomic(false)
    let cancelled = Atomic(false)
    let simulation = try withService(seed) { simulation, service in
      let loops = simulation.world.loops
      let begun = try await service.beginUpload(in: Self.name, algorithm: .sha256, home: loops[0])
      _ = try await begun.append(Self.bytes)
      try await begun.flush()
      await begun.end()
      let id = begun.status.id
      let bodies: [@Sendable () async -> Void] = [
        {
          guard
            let lease = try? await service.claimUpload(
              id, in: Self.name, startingAt: UInt64(Self.bytes.count), home: loops[0])
          else { return }
          if (try? await lease.commit(as: digest)) != nil { committed.store(true, ordering: .relaxed) }
          await lease.end()
        },
        {
          await simulation.pause(for: .microseconds(Int64(seed) * 100))
          guard let lease = try? await service.claimUpload(id, in: Self.name, startingAt: nil, home: loops[1]) else {
            return
          }
          if (try? await lease.cancel()) != nil { cancelled.store(true, ordering: .relaxed) }
          await lease.end()
        },
      ]
      await RegistryServiceTests.together(simulation, bodies)
      let isThere = (try? await service.blob(digest, in: Self.name)) != nil
      #expect(isThere == committed.load(ordering: .relaxed))
      #expect((try? await service.uploadStatus(id, in: Self.name, home: loops[2])) == nil)
    }
    #expect(committed.load(ordering: .relaxed) != cancelled.load(ordering: .relaxed), "exactly one of them wins")
    #expect(leftovers(simulation).isEmpty)
  }

  /// A mount races the deletion of its source: it is made or not, and what was made can be read, whole.
  @Test(arguments: 0..<40) func aMountRacesADeletion(_ seed: UInt64) throws {
    let digest = contentDigest(of: Self.bytes, .sha256)
    let other = try RepositoryName(parsing: "other")
    let mounted = Atomic(false)
    _ = try withService(seed) { simulation, service in
      let lease = try await service.beginUpload(in: Self.name, algorithm: .sha256, home: simulation.world.loops[0])
      _ = try await lease.append(Self.bytes)
      try await lease.commit(as: digest)
      await lease.end()
      let bodies: [@Sendable () async -> Void] = [
        {
          let isMounted = (try? await service.mount(digest, from: Self.name, into: other)) == true
          mounted.store(isMounted, ordering: .relaxed)
        },
        {
          await simulation.pause(for: .microseconds(Int64(seed) * 50))
          _ = try? await service.deleteBlob(digest, in: Self.name)
        },
      ]
      await RegistryServiceTests.together(simulation, bodies)
      let found = try? await service.blob(digest, in: other).blob.size
      #expect(found == (mounted.load(ordering: .relaxed) ? 200_000 : nil))
      #expect((try? await service.blob(digest, in: Self.name)) == nil)
    }
  }

  /// A purge looks at a bounded number of sessions in each script, and at none twice.
  @Test func aPurgeGoesInSteps() throws {
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let storage = FilesystemStorage(root: "/data", world: simulation.world) { _ in }
      try await storage.start()
      for number in 0..<1000 {
        await
          (try storage.beginIngest(
            UploadID(uuidBytes: (0..<16).map { UInt8(truncatingIfNeeded: number >> (8 * (15 - $0))) }), in: Self.name,
            algorithm: .sha256)).release()
      }
      #expect(simulation.disk.openFileCount < 10, "sessions that nobody uses hold no descriptors")
      #expect(simulation.disk.lockCount < 3, "nor locks")
      await simulation.pause(for: .seconds(10))
      for isDryRun in [true, false] {
        var (cursor, removed, steps): (String?, [UploadID], Int) = (nil, [], 0)
        repeat {
          simulation.disk.resetLog()
          let step = try await storage.purgeIngests(
            startedBefore: simulation.wallClock.now, from: cursor, limit: 64, dryRun: isDryRun)
          #expect(step.removed.count <= 64)
          #expect(simulation.disk.operationCount < 64 * 16 + 100, "a step is bounded")
          (cursor, removed, steps) = (step.next, removed + step.removed, steps + 1)
        } while cursor != nil
        #expect(Set(removed).count == 1000 && removed.count == 1000 && steps >= 15)
      }
      try await storage.stop()
    }
    #expect(leftovers(simulation).isEmpty)
  }
}
