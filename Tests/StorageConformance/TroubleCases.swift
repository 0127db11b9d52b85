// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
import GantryWorld

extension StorageConformance {
  /// What holds while the storage fails, and after it.
  static let troubleCases: [ConformanceCase] = troubledIngestCases + troubledLinkCases + stepCases

  private static let troubledIngestCases: [ConformanceCase] = [
    ConformanceCase("a storage that refuses bytes keeps the offset honest, and the session goes on") { subject in
      let engine = subject.engine
      let bytes = pattern(700_000)
      try await subject.forEachReason { trouble, reason, name in
        let session = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
        _ = try await session.append(Array(bytes[..<200_000]))
        try await session.flush()
        trouble.refuse(for: reason)
        let error = try await failure {
          for start in stride(from: 200_000, to: bytes.count, by: 100_000) {
            _ = try await session.append(Array(bytes[start..<(start + 100_000)]))
          }
          try await session.flush()
        }
        let stands = session.offset
        trouble.end()
        try checkFailed(error, for: reason)
        try check(stands >= 200_000 && stands <= 700_000, "stands at \(stands)")
        await session.release()
        guard let resumed = try await subject.another().resumeIngest(upload(1), in: name) else {
          throw ConformanceFailure(description: "not resumed")
        }
        try checkEqual(resumed.offset, stands)
        _ = try await resumed.append(Array(bytes[Int(stands)...]))
        try await resumed.commit(as: Digest(of: bytes))
        try checkSame(try await engine.content(Digest(of: bytes), in: name), bytes)
      }
    },
    ConformanceCase("a commit that is refused shows nothing, and the next one succeeds") { subject in
      let engine = subject.engine
      try await subject.forEachReason { trouble, reason, name in
        for (index, size) in [1000, 200_000].enumerated() {
          let name = try repository("\(name)/\(size)")
          let bytes = pattern(size, reason.number)
          let session = try await engine.beginIngest(upload(index), in: name, algorithm: .sha256)
          _ = try await session.append(bytes)
          try await session.flush()
          trouble.refuse(for: reason)
          let error = try await failure { try await session.commit(as: Digest(of: bytes)) }
          trouble.end()
          try checkFailed(error, for: reason)
          for engine in [engine, try await subject.another()] {
            try check(try await engine.blob(Digest(of: bytes), in: name) == nil, "visible")
            try check(engine.watch(blob: Digest(of: bytes), in: name).version() == nil, "a link")
            try checkEqual(try await engine.repositories(linking: Digest(of: bytes), limit: 9), [])
            try checkEqual(try await engine.blobSizes([Digest(of: bytes)], in: name), [nil])
          }
          try await session.complete(bytes)
          try checkSame(try await engine.content(Digest(of: bytes), in: name), bytes)
          try check(engine.watch(blob: Digest(of: bytes), in: name).version() != nil, "no link")
        }
      }
    },
    ConformanceCase("what one holder could not commit another one can") { subject in
      let bytes = pattern(150_000)
      try await subject.forEachReason { trouble, reason, name in
        let session = try await subject.engine.beginIngest(upload(1), in: name, algorithm: .sha512)
        _ = try await session.append(bytes)
        try await session.flush()
        trouble.refuse(for: reason)
        let error = try await failure { try await session.commit(as: Digest(of: bytes, .sha512)) }
        trouble.end()
        try checkFailed(error, for: reason)
        await session.release()
        let other = try await subject.another()
        guard let resumed = try await other.resumeIngest(upload(1), in: name) else {
          throw ConformanceFailure(description: "not resumed")
        }
        try await resumed.complete(bytes, .sha512)
        try checkSame(try await subject.engine.content(Digest(of: bytes, .sha512), in: name), bytes)
        try await checkThrows(.sessionGone) { () throws(StorageError) in try await session.acquire() }
      }
    },
    ConformanceCase("a wrong digest stores nothing, whatever fails beside it; then the right one succeeds") { subject in
      let engine = subject.engine
      let (bytes, other) = (pattern(90_000), pattern(90_000, 1))
      try await subject.forEachReason { trouble, reason, name in
        let session = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
        _ = try await session.append(bytes)
        try await session.flush()
        let mismatch = StorageError.digestMismatch(expected: Digest(of: other), actual: Digest(of: bytes))
        trouble.refuse(for: reason)
        let error = try await failure { try await session.commit(as: Digest(of: other)) }
        trouble.end()
        if error != mismatch {
          try checkFailed(error, for: reason)
          try await checkThrows(mismatch) { () throws(StorageError) in try await session.commit(as: Digest(of: other)) }
        }
        try await checkThrows(.sessionGone) { () throws(StorageError) in
          try await session.commit(as: Digest(of: bytes))
        }
        try check(try await engine.resumeIngest(upload(1), in: name) == nil, "the session can be resumed")
        for digest in [Digest(of: bytes), Digest(of: other)] {
          try check(try await engine.blob(digest, in: name) == nil, "stored")
        }
        try await engine.push(bytes, number: 2, to: name)
        try checkSame(try await engine.content(Digest(of: bytes), in: name), bytes)
      }
    },
    ConformanceCase("an abort that failed can be repeated, and leaves nothing") { subject in
      let engine = subject.engine
      try await subject.forEachReason { trouble, reason, name in
        for isHeld in [true, false] {
          let session = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
          _ = try await session.append(pattern(100_000))
          try await session.flush()
          if !isHeld { await session.release() }
          trouble.refuse(for: reason)
          let error = try await failure { try await session.abort() }
          trouble.end()
          if error != nil { try checkFailed(error, for: reason) }
          try await session.abort()
          try await checkThrows(.sessionGone) { () throws(StorageError) in try await session.acquire() }
          try check(try await engine.resumeIngest(upload(1), in: name) == nil, "the session can be resumed")
          let again = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
          try checkEqual(again.offset, 0)
          try await again.abort()
        }
      }
    },
    ConformanceCase("a session that could not be begun is none") { subject in
      let engine = subject.engine
      try await subject.forEachReason { trouble, reason, name in
        trouble.refuse(for: reason)
        let error = try await failure { _ = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256) }
        trouble.end()
        try checkFailed(error, for: reason)
        if let found = try await engine.resumeIngest(upload(1), in: name) {
          try checkEqual(found.offset, 0)
          try await found.abort()
        }
        try await engine.push(pattern(10), number: 2, to: name)
        try checkSame(try await engine.content(Digest(of: pattern(10)), in: name), pattern(10))
      }
    },
    ConformanceCase("of two that commit one blob, the one that fails takes nothing from the other") { subject in
      let engine = subject.engine
      try await subject.forEachReason { trouble, reason, name in
        let bytes = pattern(120_000, reason.number)
        let first = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
        let second = try await engine.beginIngest(upload(2), in: name, algorithm: .sha256)
        for session in [first, second] {
          _ = try await session.append(bytes)
          try await session.flush()
        }
        trouble.refuse(for: reason)
        let error = try await failure { try await first.commit(as: Digest(of: bytes)) }
        trouble.end()
        try checkFailed(error, for: reason)
        try await second.commit(as: Digest(of: bytes))
        try checkSame(try await engine.content(Digest(of: bytes), in: name), bytes)
        // What is stored already is committed again, or not, and stays.
        trouble.refuse(for: reason)
        _ = try await failure { try await first.commit(as: Digest(of: bytes)) }
        trouble.end()
        try checkSame(try await engine.content(Digest(of: bytes), in: name), bytes)
        try await first.abort()
        try checkSame(try await subject.another().content(Digest(of: bytes), in: name), bytes)
      }
    },
    ConformanceCase("of many that commit one blob at once, those that were told so have it") { subject in
      let engine = subject.engine
      try await subject.forEachReason { trouble, reason, name in
        for number in [1, 2, 3, 5, 8, 13, 21, 34, 55] {
          let bytes = pattern(80_000, reason.number + number)
          trouble.fail(step: number, for: reason)
          let committed = try await withThrowingTaskGroup(of: RepositoryName?.self) { group in
            for index in 0..<6 {
              group.addTask {
                let place = try repository("\(name)/n\(number)/\(index % 3)")
                let error = try await failure {
                  try await engine.push(bytes, number: number * 10 + index, to: place)
                }
                return error == nil ? place : nil
              }
            }
            return try await group.reduce(into: [RepositoryName]()) { if let place = $1 { $0.append(place) } }
          }
          trouble.end()
          for place in committed { try checkSame(try await engine.content(Digest(of: bytes), in: place), bytes) }
          for index in 0..<3 {
            let place = try repository("\(name)/n\(number)/\(index)")
            let found = try await engine.content(Digest(of: bytes), in: place)
            if found != nil { try checkSame(found, bytes) }
            try await engine.push(bytes, number: number * 10 + 6 + index, to: place)
            try checkSame(try await engine.content(Digest(of: bytes), in: place), bytes)
          }
        }
      }
    },
  ]

  private static let troubledLinkCases: [ConformanceCase] = [
    ConformanceCase("a manifest that is refused moves no tag and shows no half") { subject in
      let engine = subject.engine
      try await subject.forEachReason { trouble, reason, name in
        let tags = try ["latest", "v2"].map(tag)
        let old = try await engine.push(manifest: "old", to: name)
        try await engine.setTag(tags[0], to: old, in: name)
        for text in ["new", "large" + String(repeating: " ", count: 100_000)] {
          let bytes = Array(text.utf8)
          trouble.refuse(for: reason)
          let error = try await failure {
            try await engine.putManifest(bytes, digest: Digest(of: bytes), subject: old, tags: tags, in: name)
          }
          trouble.end()
          try checkFailed(error, for: reason)
          for engine in [engine, try await subject.another()] {
            try check(try await engine.manifest(Digest(of: bytes), in: name) == nil, "there")
            try checkEqual(try await engine.hasManifest(Digest(of: bytes), in: name), false)
            try check(engine.watch(manifest: Digest(of: bytes), in: name).version() == nil, "a link")
            try checkEqual(try await engine.tag(tags[0], in: name), old)
            try check(try await engine.tag(tags[1], in: name) == nil, "the new tag is there")
            try checkEqual(try await engine.tags(in: name, after: nil, limit: 9)?.elements, [tags[0]])
            try checkEqual(try await engine.tags(pointingAt: Digest(of: bytes), in: name), [])
            try checkEqual(
              try await engine.referrers(of: old, in: name) { _ in old }.contains(Digest(of: bytes)), false)
          }
        }
        let bytes = Array("new".utf8)
        try await engine.putManifest(bytes, digest: Digest(of: bytes), subject: old, tags: tags, in: name)
        for tag in tags { try checkEqual(try await engine.tag(tag, in: name), Digest(of: bytes)) }
        try checkEqual(try await engine.manifest(Digest(of: bytes), in: name), bytes)
      }
    },
    ConformanceCase("a tag whose move is refused points where it did") { subject in
      let engine = subject.engine
      try await subject.forEachReason { trouble, reason, name in
        let (moved, fresh) = (try tag("moved"), try tag("fresh"))
        let one = try await engine.push(manifest: "1", to: name)
        let two = try await engine.push(manifest: "2", to: name)
        try await engine.setTag(moved, to: one, in: name)
        trouble.refuse(for: reason)
        // A move takes no room where there is a link already.
        let error = try await failure { try await engine.setTag(moved, to: two, in: name) }
        let other = try await failure { try await engine.setTag(fresh, to: two, in: name) }
        trouble.end()
        if error != nil { try checkFailed(error, for: reason) }
        try checkFailed(other, for: reason)
        for engine in [engine, try await subject.another()] {
          try checkEqual(try await engine.tag(moved, in: name), error == nil ? two : one)
          try checkEqual(try await engine.tags(pointingAt: one, in: name), error == nil ? [] : [moved])
          try check(try await engine.tag(fresh, in: name) == nil, "set all the same")
          try check(engine.watch(tag: fresh, in: name).version() == nil, "a link")
        }
        for tag in [moved, fresh] {
          try await engine.setTag(tag, to: two, in: name)
          try checkEqual(try await engine.tag(tag, in: name), two)
        }
      }
    },
    ConformanceCase("what could not be taken away is there, and can be taken away then") { subject in
      let engine = subject.engine
      try await subject.forEachReason { trouble, reason, name in
        let blob = try await engine.push(pattern(2000), number: 1, to: name)
        let manifest = try await engine.push(manifest: "{}", to: name)
        try await engine.setTag(try tag("t"), to: manifest, in: name)
        let removals: [(String, () async throws -> Bool, (any StorageEngine) async throws -> Bool)] = [
          (
            "tag", { try await engine.removeTag(try tag("t"), in: name) },
            { try await $0.tag(try tag("t"), in: name) != nil }
          ),
          (
            "manifest", { try await engine.removeManifest(manifest, in: name) },
            { try await $0.manifest(manifest, in: name) != nil }
          ),
          ("blob", { try await engine.unlink(blob, from: name) }, { try await $0.content(blob, in: name) != nil }),
        ]
        for (what, remove, isThere) in removals {
          trouble.refuse(for: reason)
          let error = try await failure { try check(try await remove(), "\(what): was not there") }
          trouble.end()
          if error != nil { try checkFailed(error, for: reason) }
          for engine in [engine, try await subject.another()] {
            try check(try await isThere(engine) == (error != nil), "\(what): after \(String(describing: error))")
          }
          try check(try await remove() == (error != nil), "\(what): removed twice, or never")
          try check(try await !isThere(engine), "\(what): still there")
          try check(try await !remove(), "\(what): removed twice")
        }
      }
    },
    ConformanceCase("a mount that is refused links nothing") { subject in
      let engine = subject.engine
      try await subject.forEachReason { trouble, reason, name in
        let target = try repository("\(name)/target")
        let digest = try await engine.push(pattern(70_000), number: 1, to: name)
        trouble.refuse(for: reason)
        let error = try await failure { _ = try await engine.mount(digest, from: name, into: target) }
        trouble.end()
        try checkFailed(error, for: reason)
        try check(try await engine.blob(digest, in: target) == nil, "linked")
        try check(engine.watch(blob: digest, in: target).version() == nil, "a link")
        try checkEqual(try await engine.mount(digest, from: name, into: target), true)
        try checkSame(try await engine.content(digest, in: target), pattern(70_000))
        try checkSame(try await engine.content(digest, in: name), pattern(70_000))
      }
    },
    ConformanceCase("what is there can be read while nothing can be written") { subject in
      let engine = subject.engine
      try await subject.forEachReason { trouble, reason, name in
        // Reading opens files.
        if reason == .tooManyOpenFiles { return }
        let blob = try await engine.push(pattern(100_000), number: 1, to: name)
        let manifest = try await engine.push(manifest: "{}", to: name)
        let referrer = try await engine.push(manifest: "refers", subject: manifest, to: name)
        try await engine.setTag(try tag("t"), to: manifest, in: name)
        trouble.refuse(for: reason)
        defer { trouble.end() }
        for _ in 0..<2 {
          try checkSame(try await engine.content(blob, in: name), pattern(100_000))
          try checkEqual(try await engine.blobSizes([blob, manifest], in: name), [100_000, nil])
          try check(engine.watch(blob: blob, in: name).version() != nil, "no link")
          try checkEqual(try await engine.manifest(manifest, in: name), Array("{}".utf8))
          try checkEqual(try await engine.hasManifest(manifest, in: name), true)
          try checkEqual(try await engine.tag(try tag("t"), in: name), manifest)
          try checkEqual(try await engine.tags(in: name, after: nil, limit: 9)?.elements, [try tag("t")])
          try checkEqual(try await engine.tags(pointingAt: manifest, in: name), [try tag("t")])
          let found = try await engine.referrers(of: manifest, in: name) { $0 == Array("refers".utf8) ? manifest : nil }
          try checkEqual(found, [referrer])
          let listed = try await engine.repositories(after: nil, limit: 99).elements
          try check(listed.contains(name), "listed \(listed)")
          try await engine.check()
          // Whoever fails to write does not harm who reads.
          let error = try await failure { try await engine.setTag(try tag("u"), to: referrer, in: name) }
          try checkFailed(error, for: reason)
        }
      }
    },
    ConformanceCase("a secret that could not be kept is made by the next one") { subject in
      let engine = subject.engine
      try await subject.forEachReason { trouble, reason, name in
        trouble.refuse(for: reason)
        let error = try await failure { _ = try await engine.secret(named: "\(name)", fresh: pattern(32)) }
        trouble.end()
        try checkFailed(error, for: reason)
        let made = try await engine.secret(named: "\(name)", fresh: pattern(32, 1))
        try checkEqual(try await subject.another().secret(named: "\(name)", fresh: pattern(32, 2)), made)
      }
    },
  ]
}

extension FileError.Reason {
  /// So that content differs between reasons.
  var number: Int {
    switch self {
    case .noSpace: 1
    case .failed: 2
    case .tooManyOpenFiles: 3
    default: 4
    }
  }
}

extension IngestSession {
  /// Appends what is missing of `bytes` and commits.
  func complete(_ bytes: [UInt8], _ algorithm: DigestAlgorithm = .sha256) async throws {
    try await acquire()
    if offset < UInt64(bytes.count) { _ = try await append(Array(bytes[Int(offset)...])) }
    try await commit(as: Digest(of: bytes, algorithm))
  }
}
