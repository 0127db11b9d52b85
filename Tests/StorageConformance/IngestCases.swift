// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
import GantryWorld
import Synchronization

extension StorageConformance {
  static let ingestCases: [ConformanceCase] = [
    ConformanceCase("a blob is invisible until it is committed") { subject in
      let (engine, name) = (subject.engine, try repository("a/b"))
      let bytes = pattern(1000)
      let session = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
      try checkEqual(session.offset, 0)
      _ = try await session.append(Array(bytes[..<600]))
      _ = try await session.append(Array(bytes[600...]))
      try checkEqual(session.offset, 1000)
      try await session.flush()
      try check(try await engine.blob(Digest(of: bytes), in: name) == nil, "visible before the commit")
      try check(engine.watch(blob: Digest(of: bytes), in: name).version() == nil, "watch before the commit")
      try await session.commit(as: Digest(of: bytes))
      try checkSame(try await engine.content(Digest(of: bytes), in: name), bytes)
      try check(engine.watch(blob: Digest(of: bytes), in: name).version() != nil, "no watch after the commit")
    },
    ConformanceCase("an empty blob is a blob") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      try await engine.push([], number: 1, to: name)
      try checkEqual(try await engine.content(Digest(of: []), in: name), [])
    },
    ConformanceCase("bytes in any pieces become the same blob, in either algorithm") { subject in
      let name = try repository("a")
      let bytes = pattern(1_500_000)
      for (number, algorithm) in DigestAlgorithm.allCases.enumerated() {
        for (index, size) in [1_000_000, 262_144, 65_537, 4096].enumerated() {
          let session = try await subject.engine.beginIngest(
            upload(number * 10 + index), in: name, algorithm: algorithm)
          var buffer: [UInt8] = []
          for start in stride(from: 0, to: bytes.count, by: size) {
            buffer.append(contentsOf: bytes[start..<min(start + size, bytes.count)])
            buffer = try await session.append(buffer)
            try check(buffer.isEmpty, "the array for reuse is not empty")
          }
          try checkEqual(session.offset, 1_500_000)
          try await session.commit(as: Digest(of: bytes, algorithm))
          try checkSame(try await subject.engine.content(Digest(of: bytes, algorithm), in: name), bytes)
        }
      }
    },
    ConformanceCase("a digest of the other algorithm is verified too") { subject in
      let name = try repository("a")
      let bytes = pattern(100_000)
      let session = try await subject.engine.beginIngest(upload(1), in: name, algorithm: .sha256)
      _ = try await session.append(bytes)
      try await session.commit(as: Digest(of: bytes, .sha512))
      let blob = try await subject.engine.blob(Digest(of: bytes, .sha512), in: name)
      try checkEqual(blob?.digest, Digest(of: bytes, .sha512))
      try checkEqual(blob?.size, 100_000)
      try check(try await subject.engine.blob(Digest(of: bytes), in: name) == nil, "linked under another digest")
    },
    ConformanceCase("a wrong digest ends the session and stores nothing; then the right one succeeds") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let (bytes, other) = (pattern(5000), pattern(5000, 1))
      let session = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
      _ = try await session.append(bytes)
      try await checkThrows(.digestMismatch(expected: Digest(of: other), actual: Digest(of: bytes))) {
        () throws(StorageError) in try await session.commit(as: Digest(of: other))
      }
      try await checkThrows(.sessionGone) { () throws(StorageError) in try await session.commit(as: Digest(of: bytes)) }
      try await checkThrows(.sessionGone) { () throws(StorageError) in _ = try await session.append([1]) }
      try check(try await engine.resumeIngest(upload(1), in: name) == nil, "the session can be resumed")
      try check(try await engine.blob(Digest(of: other), in: name) == nil, "the wrong digest is there")
      try check(try await engine.blob(Digest(of: bytes), in: name) == nil, "the bytes were stored")
      try await engine.push(bytes, number: 2, to: name)
      try checkSame(try await engine.content(Digest(of: bytes), in: name), bytes)
    },
    ConformanceCase("a blob that exists can be committed again, here and elsewhere") { subject in
      let (engine, bytes) = (subject.engine, pattern(70_000))
      for (number, text) in ["a", "a", "b"].enumerated() {
        try await engine.push(bytes, number: number, to: try repository(text))
        try checkSame(try await engine.content(Digest(of: bytes), in: try repository(text)), bytes)
      }
    },
    ConformanceCase("abort removes the session, and does nothing the second time") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let session = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
      try await session.abort()
      try await session.abort()
      await session.release()
      try check(try await engine.resumeIngest(upload(1), in: name) == nil, "resumed after an abort")
      let second = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
      _ = try await second.append(pattern(200_000))
      try await second.abort()
      try await checkThrows(.sessionGone) { () throws(StorageError) in try await second.flush() }
      try await checkThrows(.sessionGone) { () throws(StorageError) in try await second.acquire() }
    },
    ConformanceCase("abort after a commit leaves the blob alone") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let bytes = pattern(10)
      let session = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
      _ = try await session.append(bytes)
      try await session.commit(as: Digest(of: bytes))
      try await session.abort()
      try checkSame(try await engine.content(Digest(of: bytes), in: name), bytes)
    },
    ConformanceCase("an id is begun once") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let session = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
      var failure: StorageError?
      do throws(StorageError) {
        _ = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
      } catch {
        failure = error
      }
      guard case .failed(let reason) = failure, reason.reason == .exists else {
        throw ConformanceFailure(description: "begun twice: \(String(describing: failure))")
      }
      try await session.abort()
    },
    ConformanceCase("one digest committed by many at once is one blob for each") { subject in
      let engine = subject.engine
      let bytes = pattern(300_000)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<12 {
          group.addTask {
            try await engine.push(bytes, number: number, to: try repository(number % 2 == 0 ? "even" : "odd"))
          }
        }
        try await group.waitForAll()
      }
      for text in ["even", "odd"] {
        try checkSame(try await engine.content(Digest(of: bytes), in: try repository(text)), bytes)
      }
    },
  ]

  static let leaseCases: [ConformanceCase] = [
    ConformanceCase("a session is resumed at what was flushed, with its algorithm and start") { subject in
      let (engine, name) = (subject.engine, try repository("a/b/c"))
      let bytes = pattern(400_000)
      for (number, algorithm) in DigestAlgorithm.allCases.enumerated() {
        let session = try await engine.beginIngest(upload(number), in: name, algorithm: algorithm)
        _ = try await session.append(Array(bytes[..<150_001]))
        try await session.flush()
        let startedAt = session.startedAt
        await session.release()
        guard let resumed = try await engine.resumeIngest(upload(number), in: name) else {
          throw ConformanceFailure(description: "not resumed")
        }
        try checkEqual(resumed.offset, 150_001)
        try checkEqual(resumed.algorithm, algorithm)
        try checkEqual(resumed.startedAt, startedAt)
        try checkEqual(resumed.id, upload(number))
        try checkEqual(resumed.repository, name)
        _ = try await resumed.append(Array(bytes[150_001...]))
        try await resumed.commit(as: Digest(of: bytes, algorithm))
        try checkSame(try await engine.content(Digest(of: bytes, algorithm), in: name), bytes)
      }
    },
    ConformanceCase("what was never begun is not resumed") { subject in
      try check(try await subject.engine.resumeIngest(upload(9), in: try repository("a")) == nil, "resumed")
      let session = try await subject.engine.beginIngest(upload(1), in: try repository("a"), algorithm: .sha256)
      try check(
        try await subject.engine.resumeIngest(upload(1), in: try repository("b")) == nil, "of another repository")
      try await session.abort()
    },
    ConformanceCase("a session has one holder at a time") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let session = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
      try await checkThrows(.sessionBusy) { () throws(StorageError) in
        _ = try await engine.resumeIngest(upload(1), in: name)
      }
      await session.release()
      guard let other = try await engine.resumeIngest(upload(1), in: name) else {
        throw ConformanceFailure(description: "not resumed")
      }
      try await checkThrows(.sessionBusy) { () throws(StorageError) in try await session.acquire() }
      try await checkThrows(.sessionBusy) { () throws(StorageError) in _ = try await session.append([1]) }
      try await checkThrows(.sessionBusy) { () throws(StorageError) in try await session.abort() }
      _ = try await other.append([1, 2, 3])
      try await other.flush()
      await other.release()
      try await session.acquire()
      try checkEqual(session.offset, 3)
      await session.release()
      try await other.commit(as: Digest(of: [1, 2, 3]))
      try await checkThrows(.sessionGone) { () throws(StorageError) in try await session.acquire() }
      try await session.abort()
    },
    ConformanceCase("an append to a session that has moved takes nothing") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let session = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
      _ = try await session.append([1])
      try await session.flush()
      await session.release()
      guard let other = try await engine.resumeIngest(upload(1), in: name) else {
        throw ConformanceFailure(description: "not resumed")
      }
      _ = try await other.append([2])
      try await other.flush()
      await other.release()
      try await checkThrows(.sessionBusy) { () throws(StorageError) in _ = try await session.append([9]) }
      try checkEqual(session.offset, 2)
      _ = try await session.append([3])
      try await session.commit(as: Digest(of: [1, 2, 3]))
      try checkEqual(try await engine.content(Digest(of: [1, 2, 3]), in: name), [1, 2, 3])
    },
    ConformanceCase("where a session stands is told without its lease") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let other = try await subject.another()
      let bytes = pattern(150_000)
      for (number, algorithm) in DigestAlgorithm.allCases.enumerated() {
        try check(try await other.standing(of: upload(number), in: name) == nil, "stands before it began")
        let session = try await engine.beginIngest(upload(number), in: name, algorithm: algorithm)
        try checkEqual(try await other.standing(of: upload(number), in: name)?.offset, 0)
        for end in [40_000, 40_001, 100_000] {
          _ = try await session.append(Array(bytes[Int(session.offset)..<end]))
          try await session.flush()
          for engine in [engine, other] {
            let standing = try await engine.standing(of: upload(number), in: name)
            try checkEqual(standing, IngestStanding(offset: UInt64(end), startedAt: session.startedAt))
          }
        }
        try check(try await other.standing(of: upload(number), in: try repository("b")) == nil, "in another repository")
        _ = try await session.append(Array(bytes[100_000...]))
        let ahead = try await other.standing(of: upload(number), in: name)?.offset ?? 0
        try check(ahead >= 100_000 && ahead <= 150_000, "stands at \(ahead)")
        // It was held all the while, and nobody was disturbed.
        try await checkThrows(.sessionBusy) { () throws(StorageError) in
          _ = try await other.resumeIngest(upload(number), in: name)
        }
        try await session.flush()
        await session.release()
        try checkEqual(try await other.standing(of: upload(number), in: name)?.offset, 150_000)
        if algorithm == .sha256 {
          try await session.commit(as: Digest(of: bytes))
        } else {
          try await session.abort()
        }
        try check(try await other.standing(of: upload(number), in: name) == nil, "stands when it is over")
      }
    },
    ConformanceCase("what is told of a session that goes on is between what was flushed and what was appended") {
      subject in
      let (engine, name) = (subject.engine, try repository("a"))
      let other = try await subject.another()
      let progress = Progress()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          defer { progress.isOver.store(true, ordering: .sequentiallyConsistent) }
          let session = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
          for number in 1...60 {
            progress.appended.store(number * 1000, ordering: .sequentiallyConsistent)
            _ = try await session.append(pattern(1000, number))
            try await session.flush()
            progress.flushed.store(number * 1000, ordering: .sequentiallyConsistent)
          }
        }
        group.addTask {
          var last: UInt64 = 0
          while !progress.isOver.load(ordering: .sequentiallyConsistent) {
            let floor = progress.flushed.load(ordering: .sequentiallyConsistent)
            guard let told = try await other.standing(of: upload(1), in: name)?.offset else {
              try check(floor == 0, "nothing is told")
              continue
            }
            let ceiling = progress.appended.load(ordering: .sequentiallyConsistent)
            try check(told >= floor && told <= ceiling, "told \(told), flushed \(floor), appended \(ceiling)")
            try check(told >= last, "told \(last), then \(told)")
            last = told
          }
        }
        try await group.waitForAll()
      }
      try await engine.resumeIngest(upload(1), in: name)?.abort()
    },
    ConformanceCase("the lease goes with the last reference") { subject in
      let (engine, name) = (subject.engine, try repository("a"))
      func beginAndDrop() async throws {
        let session = try await engine.beginIngest(upload(1), in: name, algorithm: .sha256)
        _ = try await session.append([7])
        try await session.flush()
      }
      try await beginAndDrop()
      guard let resumed = try await engine.resumeIngest(upload(1), in: name) else {
        throw ConformanceFailure(description: "not resumed")
      }
      try checkEqual(resumed.offset, 1)
      try await resumed.abort()
    },
    ConformanceCase("release and append in turns keep the digest") { subject in
      let name = try repository("a")
      let bytes = pattern(200_000)
      let session = try await subject.engine.beginIngest(upload(1), in: name, algorithm: .sha512)
      for start in stride(from: 0, to: bytes.count, by: 33_333) {
        try await session.acquire()
        try checkEqual(session.offset, UInt64(start))
        _ = try await session.append(Array(bytes[start..<min(start + 33_333, bytes.count)]))
        try await session.flush()
        await session.release()
        await session.release()
      }
      try await session.commit(as: Digest(of: bytes, .sha512))
      try checkSame(try await subject.engine.content(Digest(of: bytes, .sha512), in: name), bytes)
    },
    ConformanceCase("two engines on one storage hand a session to and fro") { subject in
      guard let makeSecond = subject.makeSecond else { return }
      let engines = [subject.engine, makeSecond()]
      try await engines[1].start()
      let name = try repository("a")
      let bytes = pattern(100_000)
      let first = try await engines[0].beginIngest(upload(1), in: name, algorithm: .sha256)
      await first.release()
      for (index, start) in stride(from: 0, to: bytes.count, by: 30_000).enumerated() {
        guard let session = try await engines[(index + 1) % 2].resumeIngest(upload(1), in: name) else {
          throw ConformanceFailure(description: "not resumed")
        }
        try checkEqual(session.offset, UInt64(start))
        try await checkThrows(.sessionBusy) { () throws(StorageError) in
          _ = try await engines[index % 2].resumeIngest(upload(1), in: name)
        }
        _ = try await session.append(Array(bytes[start..<min(start + 30_000, bytes.count)]))
        try await session.flush()
        await session.release()
      }
      try await first.commit(as: Digest(of: bytes))
      try checkSame(try await engines[1].content(Digest(of: bytes), in: name), bytes)
    },
  ]
}

/// How far a session has come.
private final class Progress: Sendable {
  let flushed = Atomic<Int>(0)
  let appended = Atomic<Int>(0)
  let isOver = Atomic(false)
}
