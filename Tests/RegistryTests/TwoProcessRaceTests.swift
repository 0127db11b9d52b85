// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

@testable import GantryRegistry

/// Two processes on one directory change the tags of one manifest at the same time. Turns in a repository are kept
/// within a process only; between processes the journal's lock decides.
struct TwoProcessRaceTests {
  private static let name = RegistryServiceTests.name

  private static func push(_ text: String, as reference: Reference) -> ManifestPush {
    ManifestPush(
      bytes: Array(
        #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex)","manifests":[],"annotations":{"x":"\#(text)"}}"#.utf8),
      contentType: .ociIndex, reference: reference)
  }

  private func withTwo(
    _ seed: UInt64, _ body: @escaping @Sendable (SimulatedWorld, RegistryService, RegistryService) async throws -> Void
  ) throws {
    let simulation = SimulatedWorld(
      seed: seed, loops: 2, workerDelay: .microseconds(1) ... .milliseconds(2), interleavesScripts: true)
    try simulation.run { () async throws in
      var engines: [FilesystemStorage] = []
      for _ in 0..<2 {
        engines.append(FilesystemStorage(root: "/data", world: simulation.world) { _ in })
        try await engines[engines.count - 1].start()
      }
      let services = engines.map {
        RegistryService(world: simulation.world, storage: $0, policy: RegistryPolicy(allowsDeletion: true))
      }
      try await body(simulation, services[0], services[1])
      for engine in engines { try await engine.stop() }
    }
  }

  /// Whoever comes last: the tag is there with its manifest, or neither is.
  @Test(arguments: 0..<60 as Range<UInt64>) func aPushRacesTheDeletionOfItsManifest(_ seed: UInt64) throws {
    try withTwo(seed) { simulation, one, other in
      let tag = try Tag(parsing: "t")
      let digest = try await one.putManifest(Self.push("m", as: .tag(tag)), in: Self.name).digest
      let bodies: [@Sendable () async -> Void] = [
        {
          // May be refused, or come first.
          _ = try? await one.putManifest(Self.push("m", as: .tag(tag)), in: Self.name)
        },
        {
          await simulation.pause(for: .microseconds(Int64(seed) * 60))
          _ = try? await other.deleteManifest(.digest(digest), in: Self.name)
        },
      ]
      await RegistryServiceTests.together(simulation, bodies)
      let tags = try await one.tags(in: Self.name, after: nil, limit: 10).elements
      let isThere = (try? await one.manifest(.digest(digest), in: Self.name)) != nil
      #expect(tags.isEmpty == !isThere, "seed \(seed): tags \(tags), manifest \(isThere)")
    }
  }

  /// A tag that another process has moved away in time is not taken with the manifest that it pointed at.
  @Test(arguments: 0..<60 as Range<UInt64>) func aMoveRacesTheDeletionOfTheOldManifest(_ seed: UInt64) throws {
    try withTwo(seed) { simulation, one, other in
      let tag = try Tag(parsing: "t")
      let old = try await one.putManifest(Self.push("old", as: .tag(tag)), in: Self.name).digest
      let bodies: [@Sendable () async -> Void] = [
        {
          await simulation.pause(for: .microseconds(Int64(seed) * 60))
          _ = try? await other.deleteManifest(.digest(old), in: Self.name)
        },
        {
          let moved = try? await one.putManifest(Self.push("new", as: .tag(tag)), in: Self.name)
          #expect(moved != nil)
        },
      ]
      await RegistryServiceTests.together(simulation, bodies)
      #expect(
        (try? await one.manifest(.tag(tag), in: Self.name)) != nil, "seed \(seed): an acknowledged move is lost")
    }
  }
}
