// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryStorage
import GantryWorld

extension StorageConformance {
  /// Every operation with every step of it failing in turn, one case for each kind.
  static let stepCases: [ConformanceCase] = deeds.map { deed in
    ConformanceCase("wherever it fails, it was done or it was not, and can be tried again: \(deed.name)") { subject in
      guard let trouble = subject.trouble else { return }
      var left: [Left] = []
      for (reasonIndex, reason) in trouble.reasons.enumerated() {
        var (number, failures) = (1, 0)
        while true {
          let name = try repository("r\(reasonIndex)/n\(number)")
          let note = "\(reason) at step \(number)"
          do {
            let play = try await deed.stage(subject.engine, name, reasonIndex << 20 | number << 8)
            trouble.fail(step: number, for: reason)
            let error = try await failure { try await play.act() }
            let hasFailed = trouble.end()
            let state = try await play.state(subject.engine)
            if let error {
              failures += 1
              try checkFailed(error, for: reason)
              try check(play.mayBe.contains(state), "shows \(state)")
            } else {
              try checkEqual(state, play.mayBe.last)
            }
            if error == nil || number % 2 == 1 {
              if error != nil { try await play.act() }
              try checkEqual(try await play.state(subject.engine), play.mayBe.last)
            } else {
              await play.leave()
              left.append(Left(note: note, play: play, state: state))
            }
            if !hasFailed { break }
          } catch {
            throw ConformanceFailure(description: "\(note): \(error)")
          }
          number += 1
          try check(number < stepsMax, "it has no end")
        }
        // Who takes no room meets no lack of it, nor a write that stops halfway.
        try check(failures > 0 || !deed.takesRoom, "\(reason): nothing failed")
      }
      // What was told of what failed stays true: nothing is done later by itself.
      let second = try await subject.another()
      for left in left {
        try check(try await left.play.state(second) == left.state, "\(left.note): another engine sees another state")
      }
      try await subject.engine.stop()
      let third = try await subject.another()
      for left in left {
        try check(try await left.play.state(third) == left.state, "\(left.note): after a restart it is another state")
      }
      try await subject.sweep()
    }
  }

  private static let stepsMax = 500

  private static let deeds: [Deed] = [
    Deed(name: "push of a small blob") { engine, name, number in push(pattern(1000), number, engine, name) },
    Deed(name: "push of a large blob") { engine, name, number in push(pattern(150_000, number), number, engine, name) },
    Deed(name: "flush") { engine, name, number in
      let session = try await engine.beginIngest(upload(number), in: name, algorithm: .sha256)
      let bytes = pattern(100_000)
      _ = try await session.append(Array(bytes[..<30_000]))
      try await session.flush()
      return Play(mayBe: ["sound"], leave: { await session.release() }) {
        try await session.acquire()
        _ = try await session.append(Array(bytes[Int(session.offset)...]))
        try await session.flush()
      } state: { engine in
        let told = session.offset
        try check(told >= 30_000 && told <= 100_000, "\(told) is told")
        await session.release()
        guard let resumed = try await engine.resumeIngest(upload(number), in: name) else { return "gone" }
        try check(resumed.offset == told, "\(told) was told, and another one resumes at \(resumed.offset)")
        await resumed.release()
        return "sound"
      }
    },
    Deed(name: "abort", takesRoom: false) { engine, name, number in
      let session = try await engine.beginIngest(upload(number), in: name, algorithm: .sha256)
      _ = try await session.append(pattern(100_000))
      try await session.flush()
      return Play(mayBe: ["there", "gone"], leave: { await session.release() }) {
        try await session.abort()
      } state: { engine in
        await session.release()
        guard let resumed = try await engine.resumeIngest(upload(number), in: name) else { return "gone" }
        await resumed.release()
        return "there"
      }
    },
    Deed(name: "commit with a wrong digest", takesRoom: false) { engine, name, number in
      let session = try await engine.beginIngest(upload(number), in: name, algorithm: .sha256)
      let (bytes, other) = (pattern(100_000), pattern(100_000, 1))
      _ = try await session.append(bytes)
      try await session.flush()
      let mismatch = StorageError.digestMismatch(expected: Digest(of: other), actual: Digest(of: bytes))
      return Play(mayBe: ["nothing"], leave: { await session.release() }) {
        let error = try await failure { try await session.commit(as: Digest(of: other)) }
        guard let error else { throw ConformanceFailure(description: "the wrong digest was taken") }
        if error != mismatch, error != .sessionGone { throw error }
      } state: { engine in
        for digest in [Digest(of: bytes), Digest(of: other)] where try await engine.blob(digest, in: name) != nil {
          return "stored"
        }
        return "nothing"
      }
    },
    Deed(name: "mount") { engine, name, _ in
      let digest = try await engine.push(pattern(100), number: 1, to: try repository("source"))
      return Play(mayBe: ["absent", "there"]) {
        try check(try await engine.mount(digest, from: try repository("source"), into: name), "not linked")
      } state: { engine in
        try await blobState(pattern(100), in: name, of: engine)
      }
    },
    Deed(name: "unlink", takesRoom: false) { engine, name, number in
      let digest = try await engine.push(pattern(100), number: number, to: name)
      return Play(mayBe: ["there", "absent"]) {
        _ = try await engine.unlink(digest, from: name)
      } state: { engine in
        try await blobState(pattern(100), in: name, of: engine)
      }
    },
    Deed(name: "push of a manifest with tags") { engine, name, number in
      let old = try await engine.push(manifest: "old", to: name)
      try await engine.setTag(try tag("a"), to: old, in: name)
      let bytes = Array("new \(number)".utf8)
      return Play(mayBe: ["-o-", "mo-", "mn-", "mnn"]) {
        let tags = try ["a", "b"].map(tag)
        try await engine.putManifest(bytes, digest: Digest(of: bytes), subject: old, tags: tags, in: name)
      } state: { engine in
        let manifest = try await engine.manifest(Digest(of: bytes), in: name)
        let referrers = try await engine.referrers(of: old, in: name) { $0 == bytes ? old : nil }
        try checkEqual(referrers, manifest == nil ? [] : [Digest(of: bytes)])
        let tags = try await ["a", "b"].asyncMap { text in
          let target = try await engine.tag(try tag(text), in: name)
          return target == nil ? "-" : target == old ? "o" : target == Digest(of: bytes) ? "n" : "?"
        }
        return (manifest == nil ? "-" : manifest == bytes ? "m" : "?") + tags.joined()
      }
    },
    Deed(name: "move of a tag", takesRoom: false) { engine, name, _ in
      let (one, two) = (try await engine.push(manifest: "1", to: name), try await engine.push(manifest: "2", to: name))
      try await engine.setTag(try tag("t"), to: one, in: name)
      return Play(mayBe: ["\(one)", "\(two)"]) {
        try await engine.setTag(try tag("t"), to: two, in: name)
      } state: { engine in
        try check(engine.watch(tag: try tag("t"), in: name).version() != nil, "no link")
        let target = try await engine.tag(try tag("t"), in: name)
        for digest in [one, two] {
          let tags = try await engine.tags(pointingAt: digest, in: name)
          try checkEqual(tags, digest == target ? [try tag("t")] : [])
        }
        return target.map { "\($0)" } ?? "nothing"
      }
    },
    Deed(name: "removal of a tag", takesRoom: false) { engine, name, _ in
      let one = try await engine.push(manifest: "1", to: name)
      try await engine.setTag(try tag("t"), to: one, in: name)
      return Play(mayBe: ["\(one)", "nothing"]) {
        _ = try await engine.removeTag(try tag("t"), in: name)
      } state: { engine in
        let target = try await engine.tag(try tag("t"), in: name)
        try checkEqual(engine.watch(tag: try tag("t"), in: name).version() != nil, target != nil)
        return target.map { "\($0)" } ?? "nothing"
      }
    },
    Deed(name: "removal of a manifest", takesRoom: false) { engine, name, number in
      let bytes = Array("\(number)".utf8)
      let old = try await engine.push(manifest: "old", to: name)
      try await engine.putManifest(bytes, digest: Digest(of: bytes), subject: old, in: name)
      return Play(mayBe: ["there", "absent"]) {
        _ = try await engine.removeManifest(Digest(of: bytes), in: name)
      } state: { engine in
        let manifest = try await engine.manifest(Digest(of: bytes), in: name)
        if let manifest { try checkEqual(manifest, bytes) }
        try checkEqual(try await engine.hasManifest(Digest(of: bytes), in: name), manifest != nil)
        let referrers = try await engine.referrers(of: old, in: name) { $0 == bytes ? old : nil }
        try checkEqual(referrers, manifest == nil ? [] : [Digest(of: bytes)])
        return manifest == nil ? "absent" : "there"
      }
    },
  ]

  /// A push that goes on with its session when it is tried again.
  private static func push(
    _ bytes: [UInt8], _ number: Int, _ engine: any StorageEngine, _ name: RepositoryName
  ) -> Play {
    let pusher = Pusher(number: number)
    return Play(mayBe: ["absent", "there"], leave: { await pusher.session?.release() }) {
      let session: any IngestSession
      if let begun = pusher.session {
        session = begun
      } else {
        pusher.number += 1
        session = try await engine.beginIngest(upload(pusher.number), in: name, algorithm: .sha256)
        pusher.session = session
      }
      try await session.acquire()
      if session.offset < UInt64(bytes.count) { _ = try await session.append(Array(bytes[Int(session.offset)...])) }
      try await session.flush()
      try await session.commit(as: Digest(of: bytes))
    } state: { engine in
      try await blobState(bytes, in: name, of: engine)
    }
  }

  private static func blobState(
    _ bytes: [UInt8], in name: RepositoryName, of engine: any StorageEngine
  ) async throws -> String {
    let content = try await engine.content(Digest(of: bytes), in: name)
    if content != nil { try checkSame(content, bytes) }
    try checkEqual(engine.watch(blob: Digest(of: bytes), in: name).version() != nil, content != nil)
    return content == nil ? "absent" : "there"
  }
}

/// One kind of operation.
private struct Deed: Sendable {
  let name: String
  /// Whether more is stored than before.
  var takesRoom = true
  /// Sets the stage in a repository of its own.
  let stage: @Sendable (any StorageEngine, RepositoryName, _ number: Int) async throws -> Play
}

/// One operation on a stage that was set.
private struct Play {
  /// The states that the operation may leave when it fails; the last one is that in which it was done.
  let mayBe: [String]
  /// Gives up.
  var leave: () async -> Void = {}
  /// Does it, or goes on with it.
  let act: () async throws -> Void
  /// What an engine shows; throws when that is no whole.
  let state: (any StorageEngine) async throws -> String
}

/// An operation that failed and was not tried again.
private struct Left {
  let note: String
  let play: Play
  let state: String
}

/// What a push needs to go on.
private final class Pusher {
  var session: (any IngestSession)?
  var number: Int

  init(number: Int) {
    self.number = number
  }
}

extension [String] {
  fileprivate func asyncMap(_ body: (String) async throws -> String) async throws -> [String] {
    var result: [String] = []
    for element in self { result.append(try await body(element)) }
    return result
  }
}
