// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

/// Two machines that share a directory, each with a boot of its own.
@Suite struct TwoMachinesTests {
  private static func digest(_ text: String) -> String { "\(Digest(of: Array(text.utf8)))" }

  private static let link = "\(treeBase)/repositories/team/_manifests/tags/t/current/link"

  /// A machine that starts while a process of the other one lives applies nothing of the journal again: what stands in
  /// place counts, as on one machine. When none lives a power cut may have been there, and all is applied.
  @Test(arguments: [true, false])
  func whatALivingMachineHasWrittenStands(lives: Bool) throws {
    let simulation = SimulatedWorld(seed: 1)
    let other = simulation.startProcess(machine: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      try await engine.put("two", as: "t")
    }
    // A registry without a journal has removed it since.
    _ = try simulation.disk.remove(Self.link)
    if !lives { simulation.process.kill() }
    let outcome = simulation.attempt(on: other) { () async throws in
      try await simulation.engine(of: other).start()
    }
    if case .success(let result) = outcome { try result.get() }
    #expect(simulation.content(ofTag: "t") == (lives ? nil : Self.digest("two")))
  }

  /// While a journal is applied again, whoever reads sees nothing that a later record has taken back.
  @Test func applyingAgainShowsNothingOlder() throws {
    let simulation = SimulatedWorld(seed: 1)
    let other = simulation.startProcess(machine: 1)
    let disk = simulation.disk
    let large = [UInt8](repeating: 7, count: 100_000)
    let layer = "\(treeBase)/repositories/team/_layers/sha256/\(Digest(of: large).hex)/link"
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.put("one", as: "t")
      _ = try await engine.removeTag(try tagged("t"), in: repository)
      try await engine.put("two", as: "t")
      try await engine.put("three", as: "t")
      try await engine.push(large, number: 1)
      _ = try await engine.unlink(Digest(of: large), from: repository)
    }
    simulation.process.kill()
    let seen = Noted<Set<String?>>([])
    disk.observe { operation in
      guard operation.kind.isChange else { return }
      let target = disk.contents(of: Self.link).map { String(decoding: $0, as: UTF8.self) }
      seen.change { $0.insert(target) }
      if disk.contents(of: layer) != nil { seen.change { $0.insert("a blob that was removed") } }
    }
    let outcome = simulation.attempt(on: other) { () async throws in
      try await simulation.engine(of: other).start()
    }
    if case .success(let result) = outcome { try result.get() }
    disk.observe(nil)
    #expect(seen.now == [Self.digest("three")])
    #expect(simulation.segments.isEmpty)
  }

  /// Uploads go from one machine to the other and lose nothing, at the price of being digested again.
  @Test func anUploadGoesOnAtTheOtherMachine() throws {
    let bytes = (0..<120_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    let id = UploadID(uuidBytes: .init(repeating: 1, count: 16))
    let simulation = SimulatedWorld(seed: 1)
    let other = simulation.startProcess(machine: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let session = try await engine.beginIngest(id, in: repository, algorithm: .sha256)
      _ = try await session.append(Array(bytes[..<50_000]))
      try await session.flush()
      await session.release()
    }
    let outcome = simulation.attempt(on: other) { () async throws in
      let engine = simulation.engine(of: other)
      try await engine.start()
      let session = try #require(try await engine.resumeIngest(id, in: repository))
      #expect(session.offset == 50_000)
      _ = try await session.append(Array(bytes[50_000...]))
      try await session.commit(as: Digest(of: bytes))
      try await engine.stop()
    }
    if case .success(let result) = outcome { try result.get() }
    let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut())
    #expect(left.tree.values.contains { $0 == bytes })
  }
}
