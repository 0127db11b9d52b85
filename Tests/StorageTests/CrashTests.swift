// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

extension Digest {
  init(of bytes: [UInt8], _ algorithm: DigestAlgorithm = .sha256) {
    self.init(algorithm: algorithm, bytes: digest(bytes, algorithm == .sha256 ? .sha256 : .sha512))
  }
}

/// What a client was told is stored.
private struct Acknowledged: Sendable {
  var blobs: [Digest: RepositoryName] = [:]
  var manifests: [Digest: RepositoryName] = [:]
  var tags: [GantryOCI.Tag: (Digest, RepositoryName)] = [:]
}

/// Acknowledgements as they come.
private final class Ledger: Sendable {
  private let state = Mutex(Acknowledged())

  var now: Acknowledged { state.withLock { $0 } }

  func note(_ body: (inout Acknowledged) -> Void) { state.withLock { body(&$0) } }
}

/// The invariants of the tree, on any state of the disk that an engine has recovered.
private func checkTree(
  _ disk: SimulatedDisk, _ acknowledged: Acknowledged, _ note: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let tree = disk.tree
  let base = "/data/docker/registry/v2"
  func content(_ digest: Digest) -> [UInt8]? {
    tree["\(base)/blobs/\(digest.algorithm.name)/\(digest.hex.prefix(2))/\(digest.hex)/data"] ?? nil
  }
  func link(_ path: String) -> Digest? {
    guard let bytes = tree["\(base)/repositories/\(path)/link"] ?? nil else { return nil }
    return try? Digest(parsing: String(decoding: bytes, as: UTF8.self))
  }
  for (path, node) in tree {
    if path.hasPrefix("\(base)/blobs/"), let bytes = node {
      let parts = path.split(separator: "/")
      let digest = try Digest(parsing: "\(parts[parts.count - 4]):\(parts[parts.count - 2])")
      #expect(Digest(of: bytes, digest.algorithm) == digest, "\(note): \(path)", sourceLocation: sourceLocation)
    }
    if path.hasPrefix("\(base)/repositories/"), path.hasSuffix("/link"), let bytes = node {
      let digest = try Digest(parsing: String(decoding: bytes, as: UTF8.self))
      #expect(content(digest) != nil, "\(note): \(path) dangles", sourceLocation: sourceLocation)
      if path.contains("/tags/") {
        let revision = "\(path.split(separator: "/")[5])/_manifests/revisions/\(digest.algorithm.name)/\(digest.hex)"
        #expect(link(revision) == digest, "\(note): \(path) without revision", sourceLocation: sourceLocation)
      }
    }
  }
  for (digest, name) in acknowledged.blobs {
    let path = "\(name)/_layers/\(digest.algorithm.name)/\(digest.hex)"
    #expect(link(path) == digest, "\(note): lost \(digest)", sourceLocation: sourceLocation)
  }
  for (digest, name) in acknowledged.manifests {
    let path = "\(name)/_manifests/revisions/\(digest.algorithm.name)/\(digest.hex)"
    #expect(link(path) == digest, "\(note): lost manifest", sourceLocation: sourceLocation)
  }
  for (tag, target) in acknowledged.tags {
    #expect(
      link("\(target.1)/_manifests/tags/\(tag)/current") == target.0, "\(note): lost \(tag)",
      sourceLocation: sourceLocation)
  }
}

private let name: RepositoryName = {
  // Safe because: the text is a constant that follows the grammar.
  try! RepositoryName(parsing: "team")
}()

/// One push as a client makes it, each part tried again once when it fails; notes what was acknowledged.
private func push(to engine: any StorageEngine, _ acknowledged: Ledger) async throws {
  func twice(_ body: () async throws -> Void) async throws {
    do { try await body() } catch { try await body() }
  }
  var number: UInt8 = 0
  let (layer, other) = (Array("layer".utf8), [UInt8](repeating: 3, count: 200_000))
  try await twice {
    number += 1
    let id = UploadID(uuidBytes: .init(repeating: number, count: 16))
    let session = try await engine.beginIngest(id, in: name, algorithm: .sha256)
    // The session survives a failure at any step: what is left is asked of it.
    let bytes = layer + other
    try await twice {
      try await session.acquire()
      _ = try await session.append(Array(bytes[Int(session.offset)...]))
      try await session.flush()
    }
    await session.release()
    try await twice {
      do throws(StorageError) { try await session.acquire() } catch .sessionGone {}
      if session.offset < UInt64(bytes.count) { _ = try await session.append(Array(bytes[Int(session.offset)...])) }
      try await session.commit(as: Digest(of: bytes))
    }
    acknowledged.note { $0.blobs[Digest(of: bytes)] = name }
  }
  let manifest = Array("{}".utf8)
  try await twice {
    try await engine.putManifest(manifest, digest: Digest(of: manifest), subject: nil, in: name)
  }
  acknowledged.note { $0.manifests[Digest(of: manifest)] = name }
  let tag = try GantryOCI.Tag(parsing: "latest")
  try await twice { try await engine.setTag(tag, to: Digest(of: manifest), in: name) }
  acknowledged.note { $0.tags[tag] = (Digest(of: manifest), name) }
}

@Suite struct CrashTests {
  /// Before every operation of a push, and of the checkpoint behind it, the tree that a power cut and the recovery
  /// after it would leave is judged: nothing that was acknowledged is lost, nothing refers to what is missing, in the
  /// least that strict POSIX promises and in what a lucky disk keeps.
  @Test func everyPrefixOfAPushIsSound() throws {
    let simulation = SimulatedWorld(seed: 7)
    let acknowledged = Ledger()
    let trees = Mutex<[(SimulatedDisk, Acknowledged, String)]>([])
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      simulation.disk.observe { operation in
        guard operation.kind.isChange || operation.kind == .sync || operation.kind == .syncDirectory else { return }
        for keeping in [CrashKeeping.synced, .names, .contents, .everything] {
          let tree = simulation.disk.afterPowerCut(keeping: keeping)
          trees.withLock { $0.append((tree, acknowledged.now, "\(keeping) before \(operation)")) }
        }
      }
      try await push(to: engine, acknowledged)
      try await engine.stop()
      simulation.disk.observe(nil)
    }
    let all = trees.withLock { $0 }
    #expect(all.count > 100)
    for (disk, known, note) in all { try checkTree(SimulatedWorld.recovered(disk), known, note) }
    // A clean stop leaves a tree that needs no recovery.
    try checkTree(simulation.disk.afterPowerCut(), acknowledged.now, "at the end")
  }

  /// Every operation of a push fails once, with each reason and in each way that a device fails; the client tries once
  /// more and succeeds, and then the power goes.
  @Test(arguments: [FaultPlan.Moment.before, .halfway, .after])
  func everyOperationFailsOnce(_ moment: FaultPlan.Moment) throws {
    for reason in [FileError.Reason.failed, .noSpace, .tooManyOpenFiles] {
      var number = 1
      while true {
        let simulation = SimulatedWorld(seed: 7)
        let acknowledged = Ledger()
        let failing = FaultPlan.failing(number, with: reason, moment: moment)
        let note = "\(reason) \(moment) at \(number)"
        let failure = simulation.run { () async -> String? in
          let engine = simulation.engine()
          do {
            try await engine.start()
            simulation.disk.install(failing)
            try await push(to: engine, acknowledged)
            return nil
          } catch {
            return "\(error)"
          }
        }
        #expect(failure == nil, "\(note): the second attempt failed: \(failure ?? "")")
        try checkTree(SimulatedWorld.recovered(simulation.disk.afterPowerCut()), acknowledged.now, note)
        try checkTree(simulation.disk, acknowledged.now, note)
        if simulation.disk.faultCount == 0 { break }
        number += 1
      }
      #expect(number > 60)
    }
  }

  @Test func aPushTakesFewSyncs() throws {
    let simulation = SimulatedWorld(seed: 7)
    try simulation.run { () async throws in
      let engine = simulation.engine()
      try await engine.start()
      let acknowledged = Ledger()
      // A first blob of the same shard makes the directories that last.
      var (first, second): ([UInt8], [UInt8]?) = ([0], nil)
      for number in 1..<5000 where second == nil {
        let bytes = Array("\(number)".utf8)
        if Digest(of: bytes).hex.prefix(2) == Digest(of: first).hex.prefix(2) { second = bytes }
      }
      try await push(to: engine, acknowledged)
      for (index, bytes) in [first, try #require(second)].enumerated() {
        simulation.disk.resetLog()
        let id = UploadID(uuidBytes: .init(repeating: UInt8(10 + index), count: 16))
        let session = try await engine.beginIngest(id, in: name, algorithm: .sha256)
        _ = try await session.append(bytes)
        try await session.commit(as: Digest(of: bytes))
      }
      #expect(simulation.disk.count(of: .sync, .syncDirectory) == 1)
      first = Array("another manifest".utf8)
      simulation.disk.resetLog()
      try await engine.putManifest(first, digest: Digest(of: first), subject: nil, in: name)
      try await engine.setTag(try GantryOCI.Tag(parsing: "new"), to: Digest(of: first), in: name)
      // One for each of two records, and one for a directory of the content's that is shared by many and new here.
      #expect(simulation.disk.count(of: .sync, .syncDirectory) == 3)
    }
  }

  /// A commit that failed is tried again on the same session, which succeeds; only bytes that a failed sync may have
  /// lost are sent again.
  @Test(arguments: [FaultPlan.Moment.before, .after])
  func aFailedCommitIsTriedAgain(_ moment: FaultPlan.Moment) throws {
    let bytes = [UInt8](repeating: 3, count: 100_000)
    var number = 1
    while true {
      let simulation = SimulatedWorld(seed: 7)
      let failing = FaultPlan.failing(number, moment: moment)
      let note = "\(moment) at \(number)"
      try simulation.run { () async throws in
        let engine = simulation.engine()
        try await engine.start()
        let id = UploadID(uuidBytes: .init(repeating: 1, count: 16))
        let session = try await engine.beginIngest(id, in: name, algorithm: .sha256)
        _ = try await session.append(bytes)
        simulation.disk.install(failing)
        do throws(StorageError) {
          try await session.commit(as: Digest(of: bytes))
        } catch {
          if session.offset < UInt64(bytes.count) {
            try await session.acquire()
            _ = try await session.append(Array(bytes[Int(session.offset)...]))
          }
          do throws(StorageError) {
            try await session.commit(as: Digest(of: bytes))
          } catch {
            Issue.record("\(note): the second attempt failed: \(error)")
          }
        }
        simulation.disk.install(FaultPlan())
        #expect(try await engine.blob(Digest(of: bytes), in: name)?.size == 100_000, "\(note)")
      }
      var acknowledged = Acknowledged()
      acknowledged.blobs[Digest(of: bytes)] = name
      try checkTree(SimulatedWorld.recovered(simulation.disk.afterPowerCut()), acknowledged, note)
      if simulation.disk.faultCount == 0 { break }
      number += 1
    }
    #expect(number > 25)
  }
}
