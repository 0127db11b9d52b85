// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

/// A catalog whose directories are kept is never older than they are.
@Suite struct CatalogTests {
  private func list(
    _ engine: FilesystemStorage, after last: String? = nil, limit: Int = 100
  ) async throws -> (names: [String], hasMore: Bool) {
    let page = try await engine.repositories(after: last, limit: limit)
    return (page.elements.map(\.description), page.hasMore)
  }

  private func add(_ text: String, to engine: FilesystemStorage) async throws {
    try await engine.setTag(tagged("t"), to: Digest(of: [1]), in: named(text))
  }

  @Test("What is unchanged is not read again, and pages are the same")
  func pages() throws {
    let simulation = SimulatedWorld(seed: 3)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let names = ["a", "a/b", "a/b/c", "a-b/c", "b", "c/d", "d"]
      for text in names.reversed() { try await add(text, to: engine) }
      await simulation.pause(for: .milliseconds(200))
      let sorted = names.sorted { RepositoryName.precedes($0, $1) }
      #expect(try await list(engine) == (sorted, false))
      let reads = Reports()
      simulation.disk.observe { operation in
        if operation.kind == .entries { reads.add(operation.path) }
      }
      #expect(try await list(engine) == (sorted, false))
      #expect(try await list(engine, limit: 3) == (Array(sorted[..<3]), true))
      for (index, last) in sorted.enumerated() {
        #expect(try await list(engine, after: last) == (Array(sorted[(index + 1)...]), false))
      }
      #expect(try await list(engine, after: "a/bb", limit: 2) == (["a-b/c", "b"], true))
      #expect(reads.all == [])
      simulation.disk.observe(nil)
      try await engine.stop()
    }
  }

  @Test("A kept catalog knows what others do to the repositories, at once")
  func others() throws {
    let simulation = SimulatedWorld(seed: 4)
    try simulation.run { () async throws in
      let (engine, second) = (simulation.engine(), simulation.engine())
      try await engine.start()
      try await second.start()
      for text in ["a", "b/c"] { try await add(text, to: engine) }
      func keep() async throws {
        await simulation.pause(for: .milliseconds(200))
        for _ in 0..<2 { _ = try await list(engine) }
      }
      try await keep()
      try await add("b/d", to: second)
      #expect(try await list(engine).names == ["a", "b/c", "b/d"])
      try await keep()
      try await add("b", to: second)
      #expect(try await list(engine).names == ["a", "b", "b/c", "b/d"])
      // Within one tick of the clock: a listing as young as that is not believed.
      try await add("a/x", to: second)
      #expect(try await list(engine).names == ["a", "a/x", "b", "b/c", "b/d"])
      try await add("a/y", to: second)
      #expect(try await list(engine).names == ["a", "a/x", "a/y", "b", "b/c", "b/d"])
      try await keep()
      let base = "\(treeBase)/repositories"
      try simulation.world.files.rename("\(base)/a", to: "\(base)/z")
      #expect(try await list(engine).names == ["b", "b/c", "b/d", "z", "z/x", "z/y"])
      try await keep()
      try simulation.world.files.rename("\(base)/b/_manifests", to: "\(base)/b/_gone")
      #expect(try await list(engine).names == ["b/c", "b/d", "z", "z/x", "z/y"])
      try await engine.stop()
      try await second.stop()
    }
  }
}
