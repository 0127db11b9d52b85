// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld

/// The disk that a crash left, and what has to be on it.
struct StorageCrash: Sendable {
  let disk: SimulatedDisk
  let expectation: StorageExpectation
  let note: String
  let isPowerCut: Bool

  /// Starts a new engine and judges what it tells; what is wrong, if anything is. With `steps`, the power goes
  /// after so many file operations of that start, or right after it, and another one starts: in the same boot as what
  /// was killed, nothing that was written is lost until then.
  func judge(cuttingAgainAfter steps: Int?, seed: UInt64) -> String? {
    guard let steps else { return judge(disk) }
    let world = SimulatedWorld(seed: seed | 1 << 63, disk: disk)
    world.crash(afterOperations: steps, keeping: .seeded(seed))
    let outcome = world.attempt(on: world.process) { () async throws(StorageError) in
      try await FilesystemStorage(root: StorageStock.root, world: world.world) { _ in }.start()
    }
    world.disk.observe(nil)
    switch outcome {
    case .success(.success): return judge(world.disk.afterPowerCut())
    // The start is over with its process.
    case .success(.failure), .failure:
      return judge(world.disk.afterKill()).map { "the power cut after \(steps): \($0)" }
    }
  }

  private func judge(_ disk: SimulatedDisk) -> String? {
    // Processes draw their names from the seed, and no two have the same.
    let world = SimulatedWorld(seed: 1 << 62, disk: disk)
    let expectation = expectation
    let outcome = world.attempt(on: world.process) { () async -> String? in
      let engine = FilesystemStorage(root: StorageStock.root, world: world.world) { _ in }
      do {
        try await engine.start()
        if let fault = try await StorageReading(engine: engine).verdict(by: expectation) { return fault }
        return DiskCheck(world.disk).findings().first
      } catch {
        return "a new engine: \(error)"
      }
    }
    switch outcome {
    case .success(.success(let verdict)): return verdict
    case .failure(let stall): return "a new engine cannot go on: \(stall)"
    }
  }
}

/// Reads everything of a small storage world.
struct StorageReading {
  let engine: FilesystemStorage

  /// What is wrong with what is there, if anything is.
  func verdict(by expectation: StorageExpectation) async throws -> String? {
    for repository in [StorageStock.home, StorageStock.other] {
      for bytes in [StorageStock.large, StorageStock.small] {
        let digest = StorageStock.digest(of: bytes)
        let blob = try await engine.blob(digest, in: repository)
        if let blob, try content(of: blob) != bytes { return "the blob \(digest) has other bytes" }
        let key = Ledger.Key.blob(repository.description, digest.description)
        if let fault = expectation.verdict(on: key, blob.map { _ in Ledger.there }) { return fault }
      }
    }
    let home = StorageStock.home
    var digests: [Digest] = []
    for bytes in StorageStock.manifests {
      let digest = StorageStock.digest(of: bytes)
      let manifest = try await engine.manifest(digest, in: home)
      if let manifest {
        if manifest != bytes { return "the manifest \(digest) has other bytes" }
        digests.append(digest)
      }
      let key = Ledger.Key.manifest(home.description, digest.description)
      if let fault = expectation.verdict(on: key, manifest.map { _ in Ledger.there }) { return fault }
    }
    let target = try await engine.tag(StorageStock.tag, in: home)
    let key = Ledger.Key.tag(home.description, StorageStock.tag.description)
    if let fault = expectation.verdict(on: key, target?.description) { return fault }
    if let target, !digests.contains(target) { return "the tag means \(target), which is not there" }
    return nil
  }

  private func content(of blob: StoredBlob) throws -> [UInt8] {
    switch blob.content {
    case .file(let file): try file.read(Int(blob.size), at: 0)
    case .bytes(let bytes): bytes
    }
  }
}
