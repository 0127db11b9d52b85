// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryMemoryStorage
import GantryOCI
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

@testable import GantryRegistry

/// A request on an upload that another one still holds: here, or in another process.
struct UploadPatienceTests {
  private static let name = RegistryServiceTests.name

  /// The client's connection was cut, and its last bytes are still being read: the status waits for them, so that the
  /// next chunk begins where it says and is not refused.
  @Test(arguments: 0..<40) func theStatusAfterACutIsTheEnd(_ seed: UInt64) throws {
    let simulation = SimulatedWorld(seed: seed, loops: 2)
    let service = RegistryServiceTests.service(simulation)
    try simulation.run { () async throws in
      let loops = simulation.world.loops
      let dying = Dying()
      let arrives = spawn(on: loops[0]) {
        await dying.receive(by: service, loops[0]) { lease in
          for _ in 0..<5 {
            await simulation.pause(for: .milliseconds(Int64(10 + seed)))
            _ = try? await lease.append([1])
          }
        }
      }
      let id = await dying.begun(simulation)
      await simulation.pause(for: .milliseconds(15))
      let stands = try await service.uploadStatus(id, in: Self.name, home: loops[1])
      #expect(stands.offset == 5, "asked too early")
      await arrives.value
      let next = try await service.claimUpload(id, in: Self.name, startingAt: stands.offset, home: loops[1])
      _ = try await next.append([2])
      await next.end()
      await RegistryServiceTests.expectIdle(service)
    }
  }

  /// A chunk that begins where the cut one ends is taken when that has ended; one that begins elsewhere is refused.
  @Test(arguments: 0..<20) func aClaimWaitsForTheBytesBeforeIt(_ seed: UInt64) throws {
    let simulation = SimulatedWorld(seed: seed, loops: 2)
    let service = RegistryServiceTests.service(simulation)
    try simulation.run { () async throws in
      let loops = simulation.world.loops
      let dying = Dying()
      let arrives = spawn(on: loops[0]) {
        await dying.receive(by: service, loops[0]) { lease in
          for _ in 0..<3 {
            await simulation.pause(for: .milliseconds(20))
            _ = try? await lease.append([1])
          }
        }
      }
      let id = await dying.begun(simulation)
      let next = try await service.claimUpload(id, in: Self.name, startingAt: 3, home: loops[1])
      #expect(next.status.offset == 3)
      await next.end()
      await arrives.value
      do throws(RegistryError) {
        await (try service.claimUpload(id, in: Self.name, startingAt: 2, home: loops[1])).end()
        Issue.record("a claim elsewhere is granted")
      } catch {
        guard case .uploadOutOfOrder(let stands, 2) = error, stands.offset == 3 else {
          Issue.record("\(error)")
          return
        }
      }
    }
  }

  /// A request whose client is dead, and has not said so, keeps nobody for long, nor does one that goes on for ever.
  @Test(arguments: [false, true]) func nobodyWaitsForEver(isSending: Bool) throws {
    let simulation = SimulatedWorld(seed: 1, loops: 2)
    let service = RegistryServiceTests.service(simulation)
    try simulation.run { () async throws in
      let loops = simulation.world.loops
      let dying = Dying()
      let arrives = spawn(on: loops[0]) {
        await dying.receive(by: service, loops[0]) { lease in
          while !dying.isOver.load(ordering: .relaxed) {
            await simulation.pause(for: .milliseconds(10))
            if isSending { _ = try? await lease.append([1]) }
          }
        }
      }
      let id = await dying.begun(simulation)
      let before = simulation.wallClock.now
      _ = try await service.uploadStatus(id, in: Self.name, home: loops[1])
      let after = simulation.wallClock.now
      let waited = (after.seconds - before.seconds) * 1000 + Int64(after.nanoseconds - before.nanoseconds) / 1_000_000
      #expect(isSending ? (900...1300).contains(waited) : (90...200).contains(waited), "\(waited) ms")
      dying.isOver.store(true, ordering: .relaxed)
      await arrives.value
    }
  }

  /// The lease of another process is waited for as well; of one that is kept it is told where the upload stands.
  @Test(arguments: [100, 600, 5000]) func anotherProcessIsWaitedFor(_ milliseconds: Int64) throws {
    let simulation = SimulatedWorld(seed: 3, loops: 1)
    let second = simulation.startProcess()
    try simulation.run { () async throws in
      let services = try await simulation.services(beside: second)
      let other = services[1]
      let held = try await services[0].beginUpload(in: Self.name, algorithm: .sha256, home: simulation.world.loops[0])
      _ = try await held.append([1, 2, 3])
      let id = held.status.id
      let result = Mutex<Result<UInt64, RegistryError>?>(nil)
      let asks = spawn(on: second.loops[0]) {
        do throws(RegistryError) {
          let lease = try await other.claimUpload(id, in: Self.name, startingAt: 3, home: second.loops[0])
          let offset = lease.status.offset
          await lease.end()
          result.withLock { $0 = .success(offset) }
        } catch {
          result.withLock { $0 = .failure(error) }
        }
      }
      await simulation.pause(for: .milliseconds(milliseconds))
      try await held.flush()
      await held.end()
      await asks.value
      switch (result.withLock { $0 }, milliseconds) {
      case (.success(3), ..<1000): break
      case (.failure(.uploadHeldElsewhere(let stands)), 1000...): #expect(stands.offset <= 3)
      case (let found, _): Issue.record("\(String(describing: found))")
      }
    }
  }

  /// Many requests on an upload that another process keeps wait no longer than one.
  @Test func manyWaitForAnotherProcessAsLongAsOne() throws {
    let simulation = SimulatedWorld(seed: 3, loops: 1)
    let second = simulation.startProcess()
    try simulation.run { () async throws in
      let services = try await simulation.services(beside: second)
      let other = services[1]
      let held = try await services[0].beginUpload(in: Self.name, algorithm: .sha256, home: simulation.world.loops[0])
      _ = try await held.append([1, 2, 3])
      let id = held.status.id
      let before = simulation.wallClock.now
      let claims = (0..<5).map { _ in
        spawn(on: second.loops[0]) {
          await #expect(throws: RegistryError.self) {
            await (try other.claimUpload(id, in: Self.name, startingAt: 3, home: second.loops[0])).end()
          }
        }
      }
      for claim in claims { await claim.value }
      let after = simulation.wallClock.now
      let waited = (after.seconds - before.seconds) * 1000 + Int64(after.nanoseconds - before.nanoseconds) / 1_000_000
      #expect((900...1300).contains(waited), "\(waited) ms")
      try await held.flush()
      await held.end()
      // Free again, it is taken at once.
      let lease = try await other.claimUpload(id, in: Self.name, startingAt: 3, home: second.loops[0])
      #expect(lease.status.offset == 3)
      await lease.end()
    }
  }
}

/// What is told of an upload whose lease another process keeps.
struct UploadHeldElsewhereTests {
  private static let name = RegistryServiceTests.name

  /// A status is not refused, and tells no less than was acknowledged; a claim, wherever it begins, is told the same,
  /// and nothing is taken from whoever works on the upload.
  @Test(arguments: 0..<8) func itStandsAtLeastWhereItWasAcknowledged(_ seed: UInt64) throws {
    let simulation = SimulatedWorld(seed: seed, loops: 1, interleavesScripts: seed % 2 == 1)
    let second = simulation.startProcess()
    try simulation.run { () async throws in
      let services = try await simulation.services(beside: second)
      let other = services[1]
      let held = try await services[0].beginUpload(in: Self.name, algorithm: .sha256, home: simulation.world.loops[0])
      let bytes = (0..<90_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      _ = try await held.append(Array(bytes[..<30_000]))
      try await held.flush()
      _ = try await held.append(Array(bytes[30_000..<60_000]))
      let id = held.status.id
      let told = Mutex<[UInt64]>([])
      let asks = spawn(on: second.loops[0]) {
        for start in [0, 30_000, 60_000, nil] as [UInt64?] {
          do throws(RegistryError) {
            let stands = try await other.uploadStatus(id, in: Self.name, home: second.loops[0])
            told.withLock { $0.append(stands.offset) }
            await (try other.claimUpload(id, in: Self.name, startingAt: start, home: second.loops[0])).end()
            Issue.record("a claim at \(String(describing: start)) was granted")
          } catch {
            guard case .uploadHeldElsewhere(let stands) = error else {
              Issue.record("\(error)")
              continue
            }
            told.withLock { $0.append(stands.offset) }
          }
        }
      }
      await asks.value
      let offsets = told.withLock { $0 }
      #expect(offsets.count == 8 && offsets.allSatisfy { (30_000...60_000).contains($0) }, "\(offsets)")
      _ = try await held.append(Array(bytes[60_000...]))
      try await held.flush()
      await held.end()
      let goesOn = spawn(on: second.loops[0]) {
        do throws(RegistryError) {
          let lease = try await other.claimUpload(id, in: Self.name, startingAt: 90_000, home: second.loops[0])
          try await lease.commit(as: RandomImage.Content(.ociLayer, bytes).digest)
          await lease.end()
        } catch {
          Issue.record("\(error)")
        }
      }
      await goesOn.value
    }
  }
}

/// The request whose connection was cut: it receives on.
private final class Dying: Sendable {
  let isOver = Atomic(false)
  private let id = Mutex<UploadID?>(nil)

  /// Begins an upload, receives, and ends the request.
  func receive(by service: RegistryService, _ loop: any LoopExecutor, _ body: (UploadLease) async -> Void) async {
    do throws(RegistryError) {
      let lease = try await service.beginUpload(in: RegistryServiceTests.name, algorithm: .sha256, home: loop)
      id.withLock { $0 = lease.status.id }
      await body(lease)
      await lease.end()
    } catch {
      Issue.record("\(error)")
    }
  }

  func begun(_ simulation: SimulatedWorld) async -> UploadID {
    while true {
      if let id = id.withLock({ $0 }) { return id }
      await simulation.pause(for: .milliseconds(1))
    }
  }
}

extension SimulatedWorld {
  /// A service in the first process and one in another, on one directory.
  fileprivate func services(beside second: SimulatedProcess) async throws -> [RegistryService] {
    var services: [RegistryService] = []
    for world in [world, second.world] {
      let storage = FilesystemStorage(root: "/data", world: world) { _ in }
      try await storage.start()
      services.append(RegistryService(world: world, storage: storage, policy: RegistryPolicy()))
    }
    return services
  }
}
