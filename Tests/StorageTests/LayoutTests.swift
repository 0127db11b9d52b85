// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

private let base = "/data/docker/registry/v2"
// SHA-256 and SHA-512 of "abc" (FIPS 180-4), and of "{}".
private let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
private let abc512 =
  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
  + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
private let braces = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
private let uuid = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"

private func name(_ text: String) throws -> RepositoryName { try RepositoryName(parsing: text) }

private func tag(_ text: String) throws -> GantryOCI.Tag { try GantryOCI.Tag(parsing: text) }

/// What lies on disk, against Distribution's `paths.go`.
@Suite struct LayoutTests {
  @Test func aPushLooksAsDistributionWritesIt() throws {
    let simulation = SimulatedWorld(seed: 3)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      for (number, text) in ["sha256:\(abc)", "sha512:\(abc512)"].enumerated() {
        let digest = try Digest(parsing: text)
        let session = try await engine.beginIngest(
          UploadID(uuidBytes: .init(repeating: UInt8(number), count: 16)), in: try name("library/x"),
          algorithm: digest.algorithm)
        _ = try await session.append(Array("abc".utf8))
        try await session.commit(as: digest)
      }
      let manifest = try Digest(parsing: "sha256:\(braces)")
      try await engine.putManifest(Array("{}".utf8), digest: manifest, subject: nil, in: try name("library/x"))
      try await engine.setTag(try tag("latest"), to: manifest, in: try name("library/x"))
      try await engine.stop()
    }
    let repository = "\(base)/repositories/library/x"
    let expected: [String: String] = [
      "\(base)/blobs/sha256/ba/\(abc)/data": "abc",
      "\(base)/blobs/sha512/dd/\(abc512)/data": "abc",
      "\(base)/blobs/sha256/44/\(braces)/data": "{}",
      "\(repository)/_layers/sha256/\(abc)/link": "sha256:\(abc)",
      "\(repository)/_layers/sha512/\(abc512)/link": "sha512:\(abc512)",
      "\(repository)/_manifests/revisions/sha256/\(braces)/link": "sha256:\(braces)",
      "\(repository)/_manifests/tags/latest/current/link": "sha256:\(braces)",
      "\(repository)/_manifests/tags/latest/index/sha256/\(braces)/link": "sha256:\(braces)",
    ]
    let found = simulation.disk.tree.compactMapValues { $0.map { String(decoding: $0, as: UTF8.self) } }
    #expect(found.filter { $0.key.hasPrefix("\(base)/") } == expected)
    #expect(Set(found.keys.filter { !$0.hasPrefix("\(base)/") }.map { $0.hasSuffix(".lock") }) == [true])
  }

  @Test func anUploadLooksAsDistributionWritesIt() throws {
    let simulation = SimulatedWorld(seed: 3)
    let place = "\(base)/repositories/a/_uploads/\(uuid)"
    for algorithm in DigestAlgorithm.allCases {
      try simulation.run { () async throws in
        let engine = simulation.engine()
        try await engine.start()
        let session = try await engine.beginIngest(
          try UploadID(parsing: uuid), in: try name("a"), algorithm: algorithm)
        #expect(simulation.disk.contents(of: "\(place)/data") == [])
        let stamp = String(decoding: try #require(simulation.disk.contents(of: "\(place)/startedat")), as: UTF8.self)
        #expect(stamp.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00/) != nil, "\(stamp)")
        for part in ["ab", "c"] {
          _ = try await session.append(Array(part.utf8))
          try await session.flush()
        }
        await session.release()
        #expect(simulation.disk.contents(of: "\(place)/data") == Array("abc".utf8))
        var running = RunningDigest(algorithm == .sha256 ? .sha256 : .sha512)
        running.update(Array("abc".utf8))
        let states = simulation.disk.tree.filter { $0.key.hasPrefix("\(place)/hashstates/") && $0.value != nil }
        // The one before stays, and lends its file to the next.
        var before = RunningDigest(algorithm == .sha256 ? .sha256 : .sha512)
        before.update(Array("ab".utf8))
        let directory = "\(place)/hashstates/\(algorithm.name)"
        #expect(states == ["\(directory)/2": before.goState, "\(directory)/3": running.goState])
        try await session.abort()
      }
      #expect(simulation.leftovers.isEmpty)
    }
  }

  /// Uploads that Distribution began: with its hash states, without any, with torn or misleading ones.
  @Test(arguments: [
    ["0", "3"], [], ["0"], ["3 torn"], ["9"], ["3 of sha512"], ["3", "5"], ["2 lying"],
    ["x", "-1", "99999999999999999999"],
  ])
  func anUploadOfDistributionGoesOn(_ states: [String]) throws {
    let simulation = SimulatedWorld(seed: 3)
    let place = "\(base)/repositories/a/b/_uploads/\(uuid)"
    let content = Array("hello".utf8)
    simulation.disk.plant(content, at: "\(place)/data")
    simulation.disk.plant(Array("2026-01-02T03:04:05Z".utf8), at: "\(place)/startedat")
    for state in states {
      let words = state.split(separator: " ")
      let offset = Int(words[0]).map { min(max($0, 0), 4) } ?? 0
      var running = RunningDigest(words.last == "sha512" ? .sha512 : .sha256)
      running.update(content[..<(words.last == "lying" ? 4 : offset)])
      let bytes = words.last == "torn" ? Array(running.goState.dropLast()) : running.goState
      simulation.disk.plant(bytes, at: "\(place)/hashstates/sha256/\(words[0])")
    }
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let found = try await engine.resumeIngest(try UploadID(parsing: uuid), in: try name("a/b"))
      let session = try #require(found)
      #expect(session.offset == 5)
      #expect(session.algorithm == .sha256)
      #expect(session.startedAt == WallTime(seconds: 1_767_323_045))
      _ = try await session.append(Array(" world".utf8))
      try await session.flush()
      try await session.commit(as: Digest(of: Array("hello world".utf8)))
      #expect(try await engine.blob(Digest(of: Array("hello world".utf8)), in: try name("a/b"))?.size == 11)
    }
    #expect(simulation.leftovers.isEmpty)
  }

  /// sha512 as Distribution 3 keeps it: the link below `_layers/sha512` names the sha256 content. Schema 1 signatures
  /// of 2.8 are passed over.
  @Test func treesOfDistributionAreRead() throws {
    let simulation = SimulatedWorld(seed: 3)
    let disk = simulation.disk
    disk.plant(Array("abc".utf8), at: "\(base)/blobs/sha256/ba/\(abc)/data")
    disk.plant(Array("{}".utf8), at: "\(base)/blobs/sha256/44/\(braces)/data")
    for path in ["_layers/sha256/\(abc)", "_layers/sha512/\(abc512)"] {
      disk.plant(Array("sha256:\(abc)".utf8), at: "\(base)/repositories/a/\(path)/link")
    }
    let revision = "_manifests/revisions/sha256/\(braces)"
    for path in [
      revision, "\(revision)/signatures/sha256/\(abc)", "_manifests/tags/v1/current",
      "_manifests/tags/v1/index/sha256/\(braces)",
    ] {
      disk.plant(Array("sha256:\(braces)".utf8), at: "\(base)/repositories/a/\(path)/link")
    }
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      for text in ["sha256:\(abc)", "sha512:\(abc512)"] {
        let blob = try await engine.blob(try Digest(parsing: text), in: try name("a"))
        #expect(blob?.digest.description == text)
        #expect(blob?.size == 3)
        #expect(try await engine.mount(try Digest(parsing: text), from: try name("a"), into: try name("b")))
      }
      let manifest = try Digest(parsing: "sha256:\(braces)")
      #expect(try await engine.manifest(manifest, in: try name("a")) == Array("{}".utf8))
      #expect(try await engine.tag(try tag("v1"), in: try name("a")) == manifest)
      #expect(try await engine.tags(in: try name("a"), after: nil, limit: 9)?.elements == [try tag("v1")])
      #expect(try await engine.referrers(of: manifest, in: try name("a")) { _ in manifest } == [manifest])
      #expect(try await engine.removeTag(try tag("v1"), in: try name("a")))
      #expect(try await engine.removeManifest(manifest, in: try name("a")))
    }
    #expect(disk.contents(of: "\(base)/repositories/b/_layers/sha512/\(abc512)/link") == Array("sha256:\(abc)".utf8))
    #expect(!disk.tree.keys.contains("\(base)/repositories/a/_manifests/tags/v1"))
    #expect(disk.tree.keys.contains("\(base)/repositories/a/_manifests/tags"))
  }

  /// What a crash of Distribution 2.8 leaves is reported and absent, never an error.
  @Test func tornFilesAreAbsent() throws {
    let simulation = SimulatedWorld(seed: 3)
    let (disk, reports) = (simulation.disk, Reports())
    let repository = "\(base)/repositories/a"
    disk.plant(Array("abc".utf8), at: "\(base)/blobs/sha256/ba/\(abc)/data")
    disk.plant([], at: "\(base)/blobs/sha256/44/\(braces)/data")
    disk.plant([], at: "\(repository)/_layers/sha256/\(abc)/link")
    disk.plant(Array("sha256:\(braces)".utf8), at: "\(repository)/_layers/sha256/\(braces)/link")
    disk.plant(Array("sha256:\(braces)".utf8), at: "\(repository)/_manifests/revisions/sha256/\(braces)/link")
    disk.plant(Array("sha256:\(braces)".utf8), at: "\(repository)/_manifests/revisions/sha256/\(abc)/link")
    for (text, link) in [("empty", ""), ("short", "sha256:ba78"), ("long", "sha256:\(abc)\n"), ("other", "hello")] {
      disk.plant(Array(link.utf8), at: "\(repository)/_manifests/tags/\(text)/current/link")
    }
    disk.plant([1], at: "\(repository)/_manifests/tags/half/index/sha256/\(abc)/link")
    disk.plant([1], at: "\(repository)/_uploads/\(uuid)/data")
    disk.plant(Array("yesterday".utf8), at: "\(repository)/_uploads/\(uuid)/startedat")
    try simulation.run { () async throws in
      let engine = simulation.engine(reports: reports)
      try await engine.start()
      let a = try name("a")
      for hex in [abc, braces] {
        let digest = try Digest(parsing: "sha256:\(hex)")
        let blob = try await engine.blob(digest, in: a)
        #expect(blob == nil)
        #expect(try await engine.manifest(digest, in: a) == nil)
      }
      for text in ["empty", "short", "long", "other", "half"] {
        #expect(try await engine.tag(try tag(text), in: a) == nil, "\(text)")
      }
      let listed = try await engine.tags(in: a, after: nil, limit: 10)?.elements.map(\.description)
      #expect(listed == [])
      #expect(try await engine.tags(pointingAt: try Digest(parsing: "sha256:\(abc)"), in: a) == [])
      let upload = try await engine.resumeIngest(try UploadID(parsing: uuid), in: a)
      #expect(upload == nil)
      let purged = try await engine.purgeIngests(
        startedBefore: WallTime(seconds: .max), from: nil, limit: 10, dryRun: false)
      #expect(purged.removed.map(\.description) == [uuid], "nobody can take it up, and it goes with the old ones")
      // Pushing again mends them.
      try await engine.putManifest(
        Array("{}".utf8), digest: try Digest(parsing: "sha256:\(braces)"), subject: nil, in: a)
      #expect(try await engine.manifest(try Digest(parsing: "sha256:\(braces)"), in: a) == Array("{}".utf8))
      try await engine.setTag(try tag("empty"), to: try Digest(parsing: "sha256:\(braces)"), in: a)
      #expect(try await engine.tag(try tag("empty"), in: a)?.hex == braces)
    }
    #expect(reports.all.count >= 8)
    #expect(reports.all.allSatisfy { $0.contains("damaged") || $0.contains("missing") })
  }

  @Test func aStartRemovesWhatTheDeadLeftAndNothingElse() throws {
    let simulation = SimulatedWorld(seed: 3)
    let temporary = "/data/gantry/temporary"
    for dead in ["dead.lock", "dead-1", "dead-22", "unknown-7"] {
      simulation.disk.plant([1], at: "\(temporary)/\(dead)")
    }
    simulation.disk.plant([1], at: "\(temporary)/README")
    let other = simulation.startProcess()
    let process = simulation.process
    func start(_ process: SimulatedProcess) throws -> FilesystemStorage {
      let engine = simulation.engine(of: process)
      guard case .success(let result) = simulation.attempt(on: process, { () async throws in try await engine.start() })
      else { throw ConformanceStall() }
      try result.get()
      return engine
    }
    let first = try start(process)
    let files = simulation.disk.tree.keys.filter { $0.hasPrefix("\(temporary)/") }
    #expect(files.count == 2 && files.contains("\(temporary)/README"))
    let lock = try #require(files.first { $0.hasSuffix(".lock") })
    simulation.disk.plant([1], at: "\(lock.dropLast(5))-1")
    let second = try start(other)
    #expect(
      simulation.disk.tree.keys.contains("\(lock.dropLast(5))-1"), "the temporary file of a living process is gone")
    withExtendedLifetime((first, second)) { process.kill() }
    _ = try start(simulation.startProcess())
    #expect(!simulation.disk.tree.keys.contains { $0.hasPrefix("\(lock.dropLast(5))") })
  }
}

private struct ConformanceStall: Error {}
