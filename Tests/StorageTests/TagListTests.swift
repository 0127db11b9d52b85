// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

/// A list of tags that is kept is never older than its directory.
@Suite struct TagListTests {
  private let name: RepositoryName
  private let tags = "/data/docker/registry/v2/repositories/a/b/_manifests/tags"

  init() throws {
    name = try RepositoryName(parsing: "a/b")
  }

  private func tag(_ text: String) throws -> GantryOCI.Tag { try GantryOCI.Tag(parsing: text) }

  private func list(
    _ engine: FilesystemStorage, after last: String? = nil, limit: Int = 100
  ) async throws -> (tags: [String], hasMore: Bool) {
    let page = try #require(try await engine.tags(in: name, after: last, limit: limit))
    return (page.elements.map(\.description), page.hasMore)
  }

  /// Lists, waits until what was listed can be kept, and lists again.
  private func keep(_ engine: FilesystemStorage, in simulation: SimulatedWorld) async throws {
    await simulation.pause(for: .milliseconds(200))
    _ = try await list(engine)
  }

  @Test("Pages of a kept list are as pages of the directory", arguments: [false, true])
  func pages(_ isKept: Bool) throws {
    let simulation = SimulatedWorld(seed: 3)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      for text in ["b", "a", "d", "c", "B"] { try await engine.setTag(tag(text), to: Digest(of: [1]), in: name) }
      if isKept { try await keep(engine, in: simulation) }
      #expect(try await list(engine) == (["B", "a", "b", "c", "d"], false))
      #expect(try await list(engine, limit: 2) == (["B", "a"], true))
      #expect(try await list(engine, after: "a", limit: 2) == (["b", "c"], true))
      #expect(try await list(engine, after: "a0", limit: 3) == (["b", "c", "d"], false))
      #expect(try await list(engine, after: "d") == ([], false))
      #expect(try await list(engine, after: "é", limit: .max) == ([], false))
      let other = try RepositoryName(parsing: "a/c")
      #expect(try await engine.tags(in: other, after: nil, limit: 1) == nil)
      try await engine.stop()
    }
  }

  @Test("A kept list knows what others do to the tags, at once")
  func others() throws {
    let simulation = SimulatedWorld(seed: 4)
    try simulation.run { () async throws in
      let (engine, second) = (simulation.engine(), simulation.engine())
      try await engine.start()
      try await second.start()
      for text in ["a", "b"] { try await engine.setTag(tag(text), to: Digest(of: [1]), in: name) }
      try await keep(engine, in: simulation)
      try await second.setTag(tag("c"), to: Digest(of: [2]), in: name)
      #expect(try await list(engine).tags == ["a", "b", "c"])
      try await keep(engine, in: simulation)
      #expect(try await second.removeTag(tag("a"), in: name))
      #expect(try await list(engine).tags == ["b", "c"])
      try await keep(engine, in: simulation)
      #expect(try await engine.removeTag(tag("b"), in: name))
      #expect(try await list(engine).tags == ["c"])
      try await engine.stop()
      try await second.stop()
    }
  }

  @Test("A name gets into a kept list with its link, and out of it when the link has been gone for a while")
  func links() throws {
    let simulation = SimulatedWorld(seed: 6)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      try await engine.setTag(tag("a"), to: Digest(of: [1]), in: name)
      let files = simulation.world.files
      _ = try files.makeDirectory("\(tags)/late")
      _ = try files.makeDirectory("\(tags)/late/current")
      try await keep(engine, in: simulation)
      #expect(try await list(engine).tags == ["a"])
      simulation.disk.plant(Array("\(Digest(of: [1]))".utf8), at: "\(tags)/late/current/link")
      #expect(try await list(engine).tags == ["a", "late"])
      #expect(try files.remove("\(tags)/late/current/link"))
      await simulation.pause(for: .seconds(6))
      #expect(try await list(engine).tags == ["a"])
      try await engine.stop()
    }
  }
}
