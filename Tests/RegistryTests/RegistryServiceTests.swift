// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryMemoryStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

@testable import GantryRegistry

/// The registry on simulated loops: the seed chooses every interleaving.
struct RegistryServiceTests {
  static let name = try! RepositoryName(parsing: "a/b")  // Safe because: the literal is a name.

  static func tag(_ text: String) -> GantryOCI.Tag {
    try! GantryOCI.Tag(parsing: text)  // Safe because: the tests name literals only.
  }

  static func service(
    _ simulation: SimulatedWorld, policy: RegistryPolicy = RegistryPolicy(allowsDeletion: true)
  ) -> RegistryService {
    RegistryService(
      world: simulation.world, storage: MemoryStorage(clock: simulation.world.clock), policy: policy)
  }

  static func index(_ note: Int) -> [UInt8] {
    Array("{\"schemaVersion\":2,\"mediaType\":\"\(MediaType.ociIndex)\",\"manifests\":[],\"x\":\(note)}".utf8)
  }

  /// Runs `bodies` side by side, spread over the loops, and waits for all of them.
  static func together(_ simulation: SimulatedWorld, _ bodies: [@Sendable () async -> Void]) async {
    let tasks = bodies.enumerated().map { index, body in
      spawn(on: simulation.world.loops[index % simulation.world.loops.count]) { await body() }
    }
    for task in tasks { await task.value }
  }

  @Test(arguments: 0..<40) func aTagIsCreatedOnce(_ seed: UInt64) {
    let simulation = SimulatedWorld(seed: seed, loops: 3, workerDelay: .microseconds(1) ... .milliseconds(2))
    let service = Self.service(simulation)
    let won = Mutex<[Int]>([])
    let refused = Atomic(0)
    simulation.run {
      await Self.together(
        simulation,
        (0..<8).map { number in
          { @Sendable in
            let push = ManifestPush(
              bytes: Self.index(number), contentType: .ociIndex, reference: .tag(Self.tag("once")),
              condition: WriteCondition(forbidden: .anything))
            do throws(RegistryError) {
              _ = try await service.putManifest(push, in: Self.name)
              won.withLock { $0.append(number) }
            } catch {
              if case .conditionFailed = error { refused.add(1, ordering: .relaxed) }
            }
          }
        })
    }
    let winners = won.withLock { $0 }
    #expect(winners.count == 1 && refused.load(ordering: .relaxed) == 7)
    let found = try? simulation.run {
      try await service.manifest(.tag(Self.tag("once")), in: Self.name).manifest.bytes
    }
    #expect(found == winners.first.map(Self.index))
    simulation.run { await Self.expectIdle(service) }
  }

  static func expectIdle(_ service: RegistryService) async {
    for table in service.uploads { #expect(await table.count == 0) }
    for table in service.repositories { #expect(await table.count == 0) }
    #expect(await service.locks.count == 0)
  }

  @Test(arguments: 0..<40) func conditionalMovesLoseNothing(_ seed: UInt64) {
    // Each client reads the tag and moves it on condition that it did not move: a counter without a lock.
    let simulation = SimulatedWorld(seed: seed, loops: 2, workerDelay: .microseconds(1) ... .milliseconds(1))
    let service = Self.service(simulation)
    let tag = Reference.tag(Self.tag("count"))
    simulation.run {
      await Self.together(
        simulation,
        (0..<4).map { _ in
          { @Sendable in
            var done = false
            while !done {
              let current = try? await service.manifest(tag, in: Self.name).manifest
              let next = Self.count(current?.bytes) + 1
              let condition =
                current.map { WriteCondition(required: .oneOf([$0.digest])) } ?? WriteCondition(forbidden: .anything)
              let push = ManifestPush(
                bytes: Self.index(next), contentType: .ociIndex, reference: tag, condition: condition)
              done = (try? await service.putManifest(push, in: Self.name)) != nil
            }
          }
        })
    }
    let last = try? simulation.run { try await service.manifest(tag, in: Self.name).manifest.bytes }
    #expect(Self.count(last) == 4)
  }

  static func count(_ bytes: [UInt8]?) -> Int {
    guard let bytes else { return 0 }
    let text = String(decoding: bytes, as: UTF8.self)
    return Int(text.dropLast().split(separator: ":").last ?? "") ?? -1
  }

  @Test(arguments: 0..<40) func anUploadIsTakenOverWhereItStands(_ seed: UInt64) {
    let simulation = SimulatedWorld(seed: seed, loops: 2)
    let service = Self.service(simulation)
    simulation.run {
      let loops = simulation.world.loops
      do {
        let first = try await service.beginUpload(in: Self.name, algorithm: .sha256, home: loops[0])
        _ = try await first.append([1, 2, 3])
        // Elsewhere: refused, and the first goes on.
        do throws(RegistryError) {
          let other = try await service.claimUpload(first.status.id, in: Self.name, startingAt: 0, home: loops[1])
          Issue.record("a claim elsewhere is granted")
          await other.end()
        } catch {
          guard case .uploadOutOfOrder(let stands, 0) = error else {
            Issue.record("\(error)")
            return
          }
          #expect(stands.offset == 3)
        }
        _ = try await first.append([4])
        #expect(try await service.uploadStatus(first.status.id, in: Self.name, home: loops[1]).offset == 4)
        let second = try await service.claimUpload(first.status.id, in: Self.name, startingAt: 4, home: loops[1])
        do throws(RegistryError) {
          _ = try await first.append([9])
          Issue.record("a superseded request may not append")
        } catch {
          guard case .uploadSuperseded = error else {
            Issue.record("\(error)")
            return
          }
        }
        await first.end()
        _ = try await second.append([5])
        #expect(second.offset == 5)
        let digest = contentDigest(of: [1, 2, 3, 4, 5], .sha256)
        try await second.commit(as: digest)
        await second.end()
        #expect(try await service.blob(digest, in: Self.name).blob.size == 5)
      } catch {
        Issue.record("\(error)")
      }
      await Self.expectIdle(service)
    }
  }

  @Test(arguments: 0..<40) func onlyOneRequestFinishesAnUpload(_ seed: UInt64) {
    let simulation = SimulatedWorld(seed: seed, loops: 3, workerDelay: .microseconds(1) ... .milliseconds(1))
    let service = Self.service(simulation)
    let digest = contentDigest(of: [1, 2, 3], .sha512)
    let finished = Atomic(0)
    simulation.run {
      let loops = simulation.world.loops
      guard let begun = try? await service.beginUpload(in: Self.name, algorithm: .sha512, home: loops[0]),
        (try? await begun.append([1, 2, 3])) != nil, (try? await begun.flush()) != nil
      else {
        Issue.record("an upload begins")
        return
      }
      await begun.end()
      let id = begun.status.id
      await Self.together(
        simulation,
        (0..<6).map { number in
          { @Sendable in
            guard
              let lease = try? await service.claimUpload(
                id, in: Self.name, startingAt: 3, home: simulation.world.loops[number % 3])
            else { return }
            if (try? await lease.commit(as: digest)) != nil { finished.add(1, ordering: .relaxed) }
            await lease.end()
          }
        })
      #expect(finished.load(ordering: .relaxed) == 1)
      #expect((try? await service.blob(digest, in: Self.name).blob.size) == 3)
      await Self.expectIdle(service)
    }
  }

  @Test(arguments: 0..<20) func aBlobLockIsHeldByOneInOrder(_ seed: UInt64) {
    let simulation = SimulatedWorld(seed: seed, loops: 2)
    let locks = BlobLocks(loops: simulation.world.loops)
    let owners = OwnerID.Source()
    let digest = contentDigest(of: [1], .sha256)
    let inside = Atomic(0)
    simulation.run {
      await Self.together(
        simulation,
        (0..<10).map { _ in
          { @Sendable in
            let owner = owners.next()
            await locks.take(digest, owner)
            #expect(inside.add(1, ordering: .relaxed).newValue == 1)
            await simulation.pause(for: .milliseconds(1))
            inside.subtract(1, ordering: .relaxed)
            await locks.leave(digest, owner)
          }
        })
      #expect(await locks.count == 0)
    }
  }

  @Test func forgottenUploadsArePurged() {
    let purging = UploadPurging(
      age: .seconds(3600), interval: .seconds(600), firstDelayMax: .seconds(60), isDryRun: false)
    let simulation = SimulatedWorld(seed: 7, loops: 2)
    let service = Self.service(simulation, policy: RegistryPolicy(purging: purging))
    simulation.run {
      await service.start()
      let home = simulation.world.loops[0]
      var ids: [UploadID] = []
      for _ in 0..<200 {
        guard let lease = try? await service.beginUpload(in: Self.name, algorithm: .sha256, home: home) else {
          Issue.record("an upload begins")
          return
        }
        ids.append(lease.status.id)
        await lease.end()
      }
      await simulation.pause(for: .seconds(3000))
      #expect((try? await service.uploadStatus(ids[0], in: Self.name, home: home)) != nil)
      guard let young = try? await service.beginUpload(in: Self.name, algorithm: .sha256, home: home) else { return }
      await young.end()
      await simulation.pause(for: .seconds(1500))
      for id in ids { #expect((try? await service.uploadStatus(id, in: Self.name, home: home)) == nil) }
      #expect((try? await service.uploadStatus(young.status.id, in: Self.name, home: home)) != nil)
      await service.stop()
      await simulation.pause(for: .seconds(9000))
      #expect((try? await service.uploadStatus(young.status.id, in: Self.name, home: home)) != nil, "it was stopped")
    }
  }

  @Test func keysAreEqualWhenAllTheirBytesAre() {
    for count in 0..<40 {
      let bytes = (0..<count).map { UInt8($0 + 1) }
      let key = CacheKey(bytes[...])
      #expect(key == CacheKey(([0, 0, 0] + bytes)[3...]))
      #expect(key != CacheKey((bytes + [9])[...]))
      for at in 0..<count {
        var other = bytes
        other[at] ^= 0x80
        #expect(key != CacheKey(other[...]), "byte \(at) of \(count)")
      }
    }
  }

  @Test func theCacheServesOnlyWhatIsStillTrue() {
    let simulation = SimulatedWorld(seed: 3)
    let service = Self.service(simulation)
    simulation.run {
      let cache = service.cache(on: simulation.world.loops[0])
      let tag = Reference.tag(Self.tag("t"))
      let key = CacheKey(Array("/v2/a/b/manifests/t".utf8)[...])
      do {
        for number in 1...3 {
          let push = ManifestPush(bytes: Self.index(number), contentType: .ociIndex, reference: tag)
          _ = try await service.putManifest(push, in: Self.name)
          #expect(await cache.manifest(key) == nil)
          let answer = try await service.manifest(tag, in: Self.name)
          guard let proof = answer.proof else {
            Issue.record("memory is settled at once")
            return
          }
          await cache.keep(key, answer.manifest, proof: proof, prepared: Prepared())
          #expect(await cache.manifest(key)?.manifest.bytes == Self.index(number))
        }
        try await service.deleteManifest(tag, in: Self.name)
        #expect(await cache.manifest(key) == nil)
        // What nobody asks for is let go.
        _ = try await service.putManifest(
          ManifestPush(bytes: Self.index(9), contentType: .ociIndex, reference: tag), in: Self.name)
        let answer = try await service.manifest(tag, in: Self.name)
        weak var kept: Prepared?
        if let proof = answer.proof {
          let prepared = Prepared()
          kept = prepared
          await cache.keep(key, answer.manifest, proof: proof, prepared: prepared)
        }
        await simulation.pause(for: .seconds(200))
        #expect(kept == nil)
      } catch {
        Issue.record("\(error)")
      }
    }
  }

  @Test func aDeletionThatIsCutOffLeavesNoTagPointingNowhere() {
    let simulation = SimulatedWorld(seed: 5)
    let storage = CutStorage(MemoryStorage(clock: simulation.world.clock))
    let service = RegistryService(
      world: simulation.world, storage: storage, policy: RegistryPolicy(allowsDeletion: true))
    simulation.run {
      do {
        let push = ManifestPush(bytes: Self.index(1), contentType: .ociIndex, reference: .tag(Self.tag("t")))
        let digest = try await service.putManifest(push, in: Self.name).digest
        for call in [CutStorage.Call.removeTag, .removeManifest] {
          storage.cut = call
          await #expect(throws: RegistryError.self) {
            try await service.deleteManifest(.digest(digest), in: Self.name)
          }
          let target = try await storage.tag(Self.tag("t"), in: Self.name)
          let isThere = try await storage.hasManifest(digest, in: Self.name)
          #expect(target == nil || isThere, "cut off at \(call)")
        }
        storage.cut = nil
        try await service.deleteManifest(.digest(digest), in: Self.name)
        #expect(try await storage.hasManifest(digest, in: Self.name) == false)
      } catch {
        Issue.record("\(error)")
      }
    }
  }

  @Test func missingReferencesAreLookedForUpToALimit() {
    let simulation = SimulatedWorld(seed: 6)
    let service = Self.service(simulation)
    let layers = (0..<1200).map { number in
      "{\"digest\":\"\(contentDigest(of: Array("\(number)".utf8), .sha256))\",\"size\":1}"
    }
    let text = "{\"schemaVersion\":2,\"config\":\(layers[0]),\"layers\":[\(layers.joined(separator: ","))]}"
    let found = simulation.run { () -> Int in
      let push = ManifestPush(
        bytes: Array(text.utf8), contentType: .ociManifest, reference: .tag(Self.tag("t")))
      do throws(RegistryError) {
        _ = try await service.putManifest(push, in: Self.name)
        return 0
      } catch {
        guard case .referencesMissing(let digests) = error else { return -1 }
        return digests.count
      }
    }
    #expect(found == 1000)
  }

  final class Prepared: Sendable {}

  @Test(arguments: [
    (ManifestValidation.IndexChildren.all, 2), (.none, 0),
    (.platforms([Platform(architecture: "arm64", os: "linux")]), 1),
  ])
  func childrenOfAnIndexAreAskedForAsConfigured(_ children: ManifestValidation.IndexChildren, _ missing: Int) {
    let simulation = SimulatedWorld(seed: 3)
    let policy = RegistryPolicy(validation: ManifestValidation(indexChildren: children))
    let service = Self.service(simulation, policy: policy)
    let entries = ["amd64", "arm64"].enumerated().map { number, architecture in
      "{\"mediaType\":\"\(MediaType.ociManifest)\",\"digest\":\"\(contentDigest(of: [UInt8(number)], .sha256))\","
        + "\"size\":1,\"platform\":{\"architecture\":\"\(architecture)\",\"os\":\"linux\"}}"
    }
    let text = "{\"schemaVersion\":2,\"manifests\":[\(entries.joined(separator: ","))]}"
    let found = simulation.run { () -> Int in
      let push = ManifestPush(
        bytes: Array(text.utf8), contentType: .ociIndex, reference: .tag(Self.tag("t")))
      do throws(RegistryError) {
        _ = try await service.putManifest(push, in: Self.name)
        return 0
      } catch {
        guard case .referencesMissing(let digests) = error else { return -1 }
        return digests.count
      }
    }
    #expect(found == missing)
  }
}
