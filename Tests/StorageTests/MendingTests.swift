// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

/// What another registry has left torn, or not durable, becomes whole and durable by what is pushed next.
@Suite struct MendingTests {
  private static func content(_ digest: Digest) -> String {
    "\(treeBase)/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)/data"
  }

  /// Content of the right size and of other bytes is replaced by the next push of it, and not acknowledged as it is.
  @Test(arguments: [1_000, 100_000])
  func aPushMendsTornContent(_ size: Int) throws {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    let digest = Digest(of: bytes)
    var torn = bytes
    for index in (size / 2)..<size { torn[index] = 0 }
    let simulation = SimulatedWorld(seed: 1)
    simulation.disk.plant(torn, at: Self.content(digest))
    let reports = Reports()
    try simulation.run { () async throws in
      let engine = simulation.engine(reports: reports)
      try await engine.start()
      try await engine.push(bytes, number: 1)
      #expect(simulation.disk.contents(of: Self.content(digest)) == bytes)
    }
    #expect(reports.all.contains { $0.contains("\(digest) is damaged") })
    let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut())
    #expect(left.contents(of: Self.content(digest)) == bytes)
  }

  /// What is there is not written twice.
  @Test func wholeContentIsLeftAlone() throws {
    let bytes = [UInt8](repeating: 4, count: 100_000)
    let simulation = SimulatedWorld(seed: 1)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.push(bytes, number: 1)
      let before = try simulation.disk.status(Self.content(Digest(of: bytes)))
      try await engine.push(bytes, number: 2, in: named("other"))
      #expect(try simulation.disk.status(Self.content(Digest(of: bytes)))?.inode == before?.inode)
    }
  }

  /// A link that another registry has made a moment ago is durable once it is linked again.
  @Test func aLinkThatIsMountedOntoItselfIsDurable() throws {
    let bytes = [UInt8](repeating: 4, count: 100_000)
    let digest = Digest(of: bytes)
    let simulation = SimulatedWorld(seed: 1)
    let layers = "\(treeBase)/repositories/team/_layers/sha256"
    simulation.disk.plant(bytes, at: Self.content(digest))
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let directories = "\(layers)/\(digest.hex)".split(separator: "/")
      for count in 1...directories.count {
        _ = try simulation.disk.makeDirectory("/" + directories.prefix(count).joined(separator: "/"))
      }
      let link = try simulation.disk.open("\(layers)/\(digest.hex)/link", .createNew(mode: 0o644))
      try link.write(Array("\(digest)".utf8), at: 0)
      #expect(try await engine.mount(digest, from: repository, into: repository))
    }
    let left = try SimulatedWorld.recovered(simulation.disk.afterPowerCut())
    #expect(left.contents(of: "\(layers)/\(digest.hex)/link") == Array("\(digest)".utf8))
  }
}
