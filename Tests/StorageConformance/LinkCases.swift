// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
import GantryWorld

extension StorageConformance {
  static let linkCases: [ConformanceCase] = [
    ConformanceCase("a repository shows only what it linked") { subject in
      let engine = subject.engine
      let digest = try await engine.push(pattern(10), number: 1, to: try repository("a"))
      for text in ["b", "a/b", "aa"] {
        try check(try await engine.blob(digest, in: try repository(text)) == nil, "\(text) shows it")
        try check(engine.watch(blob: digest, in: try repository(text)).version() == nil, "\(text) has a link")
      }
    },
    ConformanceCase("the sizes of many blobs at once are those of the repository's blobs") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let one = try await engine.push(pattern(10), number: 1, to: name)
      let foreign = try await engine.push(pattern(11), number: 2, to: try repository("b"))
      let two = try await engine.push(pattern(70_000), number: 3, to: name)
      let sizes = try await engine.blobSizes([two, foreign, one, Digest(of: [0]), two], in: name)
      try checkEqual(sizes, [70_000, nil, 10, nil, 70_000])
      try checkEqual(try await engine.blobSizes([], in: name), [])
      let many = try await engine.blobSizes(Array(repeating: one, count: 200) + [two], in: name)
      try checkEqual(many, Array(repeating: 10, count: 200) + [70_000])
    },
    ConformanceCase("a mount links what the source links, and nothing else") { subject in
      let (engine, source, target) = (subject.engine, try repository("a/b"), try repository("c"))
      let digest = try await engine.push(pattern(99), number: 1, to: source)
      try checkEqual(try await engine.mount(digest, from: try repository("x"), into: target), false)
      try checkEqual(try await engine.mount(Digest(of: [0]), from: source, into: target), false)
      try check(try await engine.blob(digest, in: target) == nil, "linked by a mount that failed")
      try checkEqual(try await engine.mount(digest, from: source, into: target), true)
      try checkEqual(try await engine.mount(digest, from: source, into: target), true)
      try checkEqual(try await engine.mount(digest, from: target, into: target), true)
      try checkEqual(try await engine.content(digest, in: target), pattern(99))
    },
    ConformanceCase("unlinking takes the blob from one repository") { subject in
      let (engine, first, second) = (subject.engine, try repository("a"), try repository("b"))
      let digest = try await engine.push(pattern(99), number: 1, to: first)
      try checkEqual(try await engine.mount(digest, from: first, into: second), true)
      try checkEqual(try await engine.unlink(digest, from: first), true)
      try checkEqual(try await engine.unlink(digest, from: first), false)
      try check(try await engine.blob(digest, in: first) == nil, "still there")
      try check(engine.watch(blob: digest, in: first).version() == nil, "the link is still there")
      try checkEqual(try await engine.content(digest, in: second), pattern(99))
      try checkEqual(try await engine.mount(digest, from: first, into: second), false)
      try await engine.push(pattern(99), number: 2, to: first)
      try checkEqual(try await engine.content(digest, in: first), pattern(99))
    },
    ConformanceCase("a repository is named for a blob only while it links it") { subject in
      let (engine, first, second) = (subject.engine, try repository("a"), try repository("b"))
      let digest = try await engine.push(pattern(5), number: 1, to: first)
      _ = try await engine.mount(digest, from: first, into: second)
      let named = try await engine.repositories(linking: digest, limit: 10)
      try check(Set(named).isSubset(of: [first, second]), "named \(named)")
      try check(try await engine.repositories(linking: digest, limit: 1).count <= 1, "more than the limit")
      _ = try await engine.unlink(digest, from: first)
      _ = try await engine.unlink(digest, from: second)
      try checkEqual(try await engine.repositories(linking: digest, limit: 10), [])
      try checkEqual(try await engine.repositories(linking: Digest(of: [9]), limit: 10), [])
    },
    ConformanceCase("a secret is made once") { subject in
      let made = try await subject.engine.secret(named: "state-key", fresh: pattern(32))
      try checkEqual(made, pattern(32))
      try checkEqual(try await subject.engine.secret(named: "state-key", fresh: pattern(32, 1)), made)
      try checkEqual(try await subject.engine.secret(named: "other", fresh: [1]), [1])
      if let second = subject.makeSecond?() {
        try await second.start()
        try checkEqual(try await second.secret(named: "state-key", fresh: pattern(32, 2)), made)
      }
    },
    ConformanceCase("a secret made by many at once is one") { subject in
      let engine = subject.engine
      let all = try await withThrowingTaskGroup(of: [UInt8].self) { group in
        for number in 0..<8 { group.addTask { try await engine.secret(named: "k", fresh: pattern(32, number)) } }
        return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
      }
      try checkEqual(all.count, 1)
    },
    ConformanceCase("the storage answers once started") { subject in
      try await subject.engine.check()
    },
  ]

  static let manifestCases: [ConformanceCase] = [
    ConformanceCase("a manifest is kept byte for byte, in its repository") { subject in
      let (engine, name) = (subject.engine, try repository("a/b"))
      let digest = try await engine.push(manifest: "{ \"a\" : 1 }\n", to: name)
      try checkEqual(try await engine.manifest(digest, in: name), Array("{ \"a\" : 1 }\n".utf8))
      try checkEqual(try await engine.hasManifest(digest, in: name), true)
      try check(engine.watch(manifest: digest, in: name).version() != nil, "no watch")
      try check(try await engine.manifest(digest, in: try repository("a")) == nil, "in another repository")
      try checkEqual(try await engine.hasManifest(digest, in: try repository("a")), false)
      try check(try await engine.blob(digest, in: name) == nil, "a manifest is no blob of the repository")
      try await engine.push(manifest: "{ \"a\" : 1 }\n", to: name)
      let long = try await engine.push(manifest: String(repeating: " ", count: 4 << 20), to: name)
      try checkEqual(try await engine.manifest(long, in: name)?.count, 4 << 20)
    },
    ConformanceCase("a manifest may be named by sha512") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let bytes = Array("{}".utf8)
      try await engine.putManifest(bytes, digest: Digest(of: bytes, .sha512), subject: nil, in: name)
      try checkEqual(try await engine.manifest(Digest(of: bytes, .sha512), in: name), bytes)
      try checkEqual(try await engine.hasManifest(Digest(of: bytes), in: name), false)
      try await engine.setTag(try tag("t"), to: Digest(of: bytes, .sha512), in: name)
      try checkEqual(try await engine.tag(try tag("t"), in: name), Digest(of: bytes, .sha512))
    },
    ConformanceCase("a removed manifest is gone from its repository alone") { subject in
      let (engine, first, second) = (subject.engine, try repository("a"), try repository("b"))
      let digest = try await engine.push(manifest: "{}", to: first)
      try await engine.push(manifest: "{}", to: second)
      try checkEqual(try await engine.removeManifest(digest, in: first), true)
      try checkEqual(try await engine.removeManifest(digest, in: first), false)
      try check(try await engine.manifest(digest, in: first) == nil, "still there")
      try check(engine.watch(manifest: digest, in: first).version() == nil, "the link is still there")
      try checkEqual(try await engine.hasManifest(digest, in: second), true)
      try await engine.push(manifest: "{}", to: first)
      try checkEqual(try await engine.manifest(digest, in: first), Array("{}".utf8))
    },
    ConformanceCase("referrers are those whose manifest is there, in byte order") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let subjectDigest = Digest(of: Array("subject".utf8))
      let other = Digest(of: Array("other".utf8))
      @Sendable func subjectOf(_ bytes: [UInt8]) -> Digest? {
        let text = String(decoding: bytes, as: UTF8.self)
        return text.hasPrefix("refers") ? subjectDigest : text.hasPrefix("other") ? other : nil
      }
      try checkEqual(try await engine.referrers(of: subjectDigest, in: name, subjectOf: subjectOf), [])
      var digests: [Digest] = []
      for number in 0..<30 {
        digests.append(try await engine.push(manifest: "refers \(number)", subject: subjectDigest, to: name))
        if number % 10 == 0 {
          try checkEqual(
            try await engine.referrers(of: subjectDigest, in: name, subjectOf: subjectOf), digests.sorted())
        }
      }
      let one = try await engine.push(manifest: "other", subject: other, to: name)
      try await engine.push(manifest: "plain", to: name)
      try checkEqual(try await engine.referrers(of: subjectDigest, in: name, subjectOf: subjectOf), digests.sorted())
      try checkEqual(try await engine.referrers(of: other, in: name, subjectOf: subjectOf), [one])
      try checkEqual(try await engine.referrers(of: other, in: try repository("b"), subjectOf: subjectOf), [])
      let removed = digests.removeFirst()
      _ = try await engine.removeManifest(removed, in: name)
      try checkEqual(try await engine.referrers(of: subjectDigest, in: name, subjectOf: subjectOf), digests.sorted())
      try await engine.push(manifest: "refers 0", subject: subjectDigest, to: name)
      digests.append(removed)
      try checkEqual(try await engine.referrers(of: subjectDigest, in: name, subjectOf: subjectOf), digests.sorted())
    },
    ConformanceCase("referrers that another engine stored are found") { subject in
      guard let second = subject.makeSecond?() else { return }
      try await second.start()
      let (engine, name) = (subject.engine, try repository("a"))
      let subjectDigest = Digest(of: Array("subject".utf8))
      @Sendable func subjectOf(_ bytes: [UInt8]) -> Digest? { bytes.first == UInt8(ascii: "r") ? subjectDigest : nil }
      var digests: [Digest] = []
      for number in 0..<40 {
        digests.append(try await engine.push(manifest: "r\(number)", subject: subjectDigest, to: name))
      }
      try checkEqual(try await second.referrers(of: subjectDigest, in: name, subjectOf: subjectOf), digests.sorted())
      digests.append(try await second.push(manifest: "r by the second", subject: subjectDigest, to: name))
      try checkEqual(try await engine.referrers(of: subjectDigest, in: name, subjectOf: subjectOf), digests.sorted())
      _ = try await second.removeManifest(digests.removeFirst(), in: name)
      try checkEqual(try await engine.referrers(of: subjectDigest, in: name, subjectOf: subjectOf), digests.sorted())
    },
  ]
}
