// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
import GantryWorld

extension StorageConformance {
  static let tagCases: [ConformanceCase] = [
    ConformanceCase("a manifest and its tags come together") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let (one, two) = (pattern(20), pattern(21))
      let tags = try ["latest", "v1", "v1.0"].map(tag)
      try await engine.putManifest(one, digest: Digest(of: one), subject: nil, tags: tags, in: name)
      for tag in tags { try checkEqual(try await engine.tag(tag, in: name), Digest(of: one)) }
      try await engine.putManifest(
        two, digest: Digest(of: two), subject: nil, tags: [tags[0], tags[0]], in: name)
      try checkEqual(try await engine.tag(tags[0], in: name), Digest(of: two))
      try checkEqual(try await engine.tags(pointingAt: Digest(of: one), in: name), Array(tags[1...]))
      try checkEqual(try await engine.manifest(Digest(of: two), in: name), two)
      try checkEqual(try await engine.tag(tags[0], in: try repository("b")), nil)
    },
    ConformanceCase("a tag points where it was set last") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let (one, two) = (try await engine.push(manifest: "1", to: name), try await engine.push(manifest: "2", to: name))
      try check(try await engine.tag(try tag("latest"), in: name) == nil, "set by nobody")
      try checkEqual(try await engine.removeTag(try tag("latest"), in: name), false)
      try await engine.setTag(try tag("latest"), to: one, in: name)
      try checkEqual(try await engine.tag(try tag("latest"), in: name), one)
      let before = engine.watch(tag: try tag("latest"), in: name).version()
      try check(before != nil, "no watch")
      try checkEqual(engine.watch(tag: try tag("latest"), in: name).version(), before)
      try await engine.setTag(try tag("latest"), to: two, in: name)
      try checkEqual(try await engine.tag(try tag("latest"), in: name), two)
      try check(engine.watch(tag: try tag("latest"), in: name).version() != before, "the watch saw nothing")
      try check(try await engine.tag(try tag("latest"), in: try repository("b")) == nil, "in another repository")
      try check(try await engine.tag(try tag("Latest"), in: name) == nil, "tags fold case")
    },
    ConformanceCase("a removed tag is gone, and can be set again") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let one = try await engine.push(manifest: "1", to: name)
      for _ in 0..<3 {
        try await engine.setTag(try tag("t"), to: one, in: name)
        try checkEqual(try await engine.removeTag(try tag("t"), in: name), true)
        try checkEqual(try await engine.removeTag(try tag("t"), in: name), false)
        try check(try await engine.tag(try tag("t"), in: name) == nil, "still there")
        try check(engine.watch(tag: try tag("t"), in: name).version() == nil, "the link is still there")
      }
      try checkEqual(try await engine.tags(in: name, after: nil, limit: 10)?.elements, [])
      try checkEqual(try await engine.hasManifest(one, in: name), true)
    },
    ConformanceCase("a tag changes only where its condition holds") { subject in
      let (engine, name, t) = (subject.engine, try repository("a"), try tag("t"))
      let (one, two) = (try await engine.push(manifest: "1", to: name), try await engine.push(manifest: "2", to: name))
      let never = Digest(of: Array("never pushed".utf8))
      func set(_ digest: Digest, _ condition: TagCondition) async throws -> Bool {
        try await engine.setTag(t, to: digest, in: name, provided: condition)
      }
      func remove(_ condition: TagCondition) async throws -> Bool {
        try await engine.removeTag(t, in: name, provided: condition)
      }
      try checkEqual(try await set(never, .hasManifest(never)), false)
      try checkEqual(try await set(one, .pointsAt(one)), false)
      try check(try await engine.tag(t, in: name) == nil, "set though nothing held")
      try checkEqual(try await set(one, .hasManifest(one)), true)
      try checkEqual(try await remove(.pointsAt(two)), false)
      try checkEqual(try await remove(.dangles(one)), false)
      try checkEqual(try await engine.tag(t, in: name), one)
      try checkEqual(try await engine.removeManifest(one, in: name), true)
      try checkEqual(try await set(one, .hasManifest(one)), false)
      try checkEqual(try await remove(.dangles(two)), false)
      try checkEqual(try await remove(.dangles(one)), true)
      try checkEqual(try await set(two, .nothing), true)
      try checkEqual(try await remove(.pointsAt(two)), true)
      try check(try await engine.tag(t, in: name) == nil, "still there")
    },
    ConformanceCase("the tags of a digest are all that point at it now") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let (one, two) = (try await engine.push(manifest: "1", to: name), try await engine.push(manifest: "2", to: name))
      for text in ["a", "b", "c"] { try await engine.setTag(try tag(text), to: one, in: name) }
      try await engine.setTag(try tag("b"), to: two, in: name)
      try checkEqual(Set(try await engine.tags(pointingAt: one, in: name)), [try tag("a"), try tag("c")])
      try checkEqual(try await engine.tags(pointingAt: two, in: name), [try tag("b")])
      try checkEqual(try await engine.tags(pointingAt: two, in: try repository("none")), [])
    },
    ConformanceCase("a tag set by many at once points at one of theirs") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      var digests: [Digest] = []
      for number in 0..<8 { digests.append(try await engine.push(manifest: "\(number)", to: name)) }
      let all = digests
      try await withThrowingTaskGroup(of: Void.self) { group in
        for digest in all { group.addTask { try await engine.setTag(try tag("t"), to: digest, in: name) } }
        try await group.waitForAll()
      }
      guard let last = try await engine.tag(try tag("t"), in: name) else {
        throw ConformanceFailure(description: "no tag")
      }
      try check(all.contains(last), "points at \(last)")
    },
  ]

  static let listCases: [ConformanceCase] = [
    ConformanceCase("tags come in byte order, page by page") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      try check(try await engine.tags(in: name, after: nil, limit: 10) == nil, "an unknown repository has tags")
      let one = try await engine.push(manifest: "1", to: name)
      try checkEqual(try await engine.tags(in: name, after: nil, limit: 10)?.elements, [])
      let texts = ["b", "A", "a", "a.b", "a-b", "a_b", "1.0", "1.10", "1.9", "1.0-rc", "Z", "_x"]
      for text in texts { try await engine.setTag(try tag(text), to: one, in: name) }
      let sorted = ["1.0", "1.0-rc", "1.10", "1.9", "A", "Z", "_x", "a", "a-b", "a.b", "a_b", "b"]
      for limit in [1, 2, 5, 11, 12, 100] {
        var (listed, last): ([String], String?) = ([], nil)
        while true {
          guard let page = try await engine.tags(in: name, after: last, limit: limit) else {
            throw ConformanceFailure(description: "unknown")
          }
          try check(page.elements.count <= limit, "a page of \(page.elements.count)")
          listed += page.elements.map(\.description)
          last = listed.last
          try checkEqual(page.hasMore, listed.count < sorted.count)
          if !page.hasMore { break }
        }
        try checkEqual(listed, sorted)
      }
      let after = try await engine.tags(in: name, after: "1.0-zz", limit: 2)
      try checkEqual(after?.elements.map(\.description), ["1.10", "1.9"])
      try checkEqual(try await engine.tags(in: name, after: "zzz", limit: 2)?.elements, [])
      let none = try await engine.tags(in: name, after: nil, limit: 0)
      try checkEqual(none?.elements, [])
      try checkEqual(none?.hasMore, true)
    },
    ConformanceCase("repositories come in catalog order, page by page") { subject in
      let engine = subject.engine
      let sorted = ["a", "a/b", "a/b/c", "a/b-c", "a-b", "a-b/c", "a.b", "a0", "ab", "ab/c/d/e", "b/x/y", "z"]
      var order = FixedOrder()
      for text in sorted.shuffled(using: &order) {
        try await engine.push(manifest: text, to: try repository(text))
      }
      // Neither a blob nor an upload makes a repository, and a repository outlives its manifests.
      try await engine.push(pattern(1), number: 1, to: try repository("b"))
      let session = try await engine.beginIngest(upload(2), in: try repository("b/x"), algorithm: .sha256)
      _ = try await engine.removeManifest(Digest(of: Array("z".utf8)), in: try repository("z"))
      for limit in [1, 2, 5, 11, 12, 100] {
        var (listed, last): ([String], String?) = ([], nil)
        while true {
          let page = try await engine.repositories(after: last, limit: limit)
          try check(page.elements.count <= limit, "a page of \(page.elements.count)")
          listed += page.elements.map(\.description)
          last = listed.last
          try checkEqual(page.hasMore, listed.count < sorted.count)
          if !page.hasMore { break }
        }
        try checkEqual(listed, sorted)
      }
      for last in [
        "", "a/", "a/b/", "a/a", "a/b/c/d", "a/bb", "a.", "ab/c", "ab/c/d/e/f", "b", "c", "zz", "ü", "a//b", "/",
      ] {
        let page = try await engine.repositories(after: last, limit: 100)
        try checkEqual(page.elements.map(\.description), sorted.filter { RepositoryName.precedes(last, $0) })
      }
      try await session.abort()
    },
    ConformanceCase("a repository that has only a tag is listed") { subject in
      try await subject.engine.setTag(try tag("t"), to: Digest(of: [1]), in: try repository("only/tagged"))
      let page = try await subject.engine.repositories(after: nil, limit: 10)
      try checkEqual(page.elements.map(\.description), ["only/tagged"])
      try checkEqual(page.hasMore, false)
    },
  ]

  static let purgeCases: [ConformanceCase] = [
    ConformanceCase("a purge removes what is old and held by nobody, step by step") { subject in
      let engine = subject.engine
      let names = ["a", "a/b", "a-b", "c"]
      var sessions: [any IngestSession] = []
      for number in 0..<12 {
        let session = try await engine.beginIngest(
          upload(number), in: try repository(names[number % 4]), algorithm: .sha256)
        _ = try await session.append([1])
        try await session.flush()
        if number != 5 { await session.release() }
        sessions.append(session)
      }
      let long = WallTime(seconds: sessions[0].startedAt.seconds + 3600)
      let early = WallTime(seconds: sessions[0].startedAt.seconds - 3600)
      for (cutoff, dryRun, expected) in [(early, false, 0), (long, true, 11), (long, false, 11), (long, false, 0)] {
        var (removed, cursor): (Set<UploadID>, String?) = ([], nil)
        repeat {
          let step = try await engine.purgeIngests(startedBefore: cutoff, from: cursor, limit: 4, dryRun: dryRun)
          try check(step.removed.count <= 4, "more than the limit")
          try check(step.removed.allSatisfy { removed.insert($0).inserted }, "named twice")
          cursor = step.next
        } while cursor != nil
        try checkEqual(removed.count, expected)
        try check(!removed.contains(upload(5)), "the session that is held was purged")
      }
      for (number, session) in sessions.enumerated() where number != 5 {
        try await checkThrows(.sessionGone) { () throws(StorageError) in try await session.acquire() }
      }
      _ = try await sessions[5].append([2])
      try await sessions[5].commit(as: Digest(of: [1, 2]))
    }
  ]
}

/// An order that is none, and always the same.
private struct FixedOrder: RandomNumberGenerator {
  private var state: UInt64 = 88_172_645_463_325_252

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
