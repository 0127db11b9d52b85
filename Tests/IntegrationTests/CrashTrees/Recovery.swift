// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Glibc

/// Gantry's storage, started on a tree that a power cut left: recovery as the product does it, in this process.
struct Recovery {
  private let storage: FilesystemStorage
  private let simulation = SimulatedWorld(seed: 1)

  init(of disk: SimulatedDisk, root: String) throws {
    let outside = simulation.world
    let world = World(
      loops: outside.loops, workers: outside.workers, files: FilesAfterCut(disk: disk), entropy: outside.entropy,
      clock: outside.clock)
    let storage = FilesystemStorage(root: root, world: world) { _ in }
    self.storage = storage
    try simulation.run { () async throws in try await storage.start() }
  }

  /// The bytes that the storage gives for a target; nil when it has none.
  func bytes(of target: Target) throws -> [UInt8]? {
    let storage = storage
    return try simulation.run { () async throws -> [UInt8]? in
      let name = try RepositoryName(parsing: target.repository)
      switch target.kind {
      case .blob:
        guard let blob = try await storage.blob(Digest(parsing: target.reference), in: name) else { return nil }
        switch blob.content {
        case .bytes(let bytes): return bytes
        case .file(let file): return try file.read(Int(blob.size), at: 0)
        }
      case .manifest: return try await storage.manifest(Digest(parsing: target.reference), in: name)
      case .tag:
        guard let digest = try await storage.tag(GantryOCI.Tag(parsing: target.reference), in: name) else { return nil }
        return try await storage.manifest(digest, in: name)
      }
    }
  }
}

/// The disk on the machine that was traced, switched on again.
private struct FilesAfterCut: GantryWorld.Files {
  let disk: SimulatedDisk
  let boot = BootIdentity(node: FilesAfterCut.node, boot: "after the cut")

  private static let node: String = {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }()

  func open(_ path: String, _ access: FileAccess) throws(FileError) -> any OpenFile { try disk.open(path, access) }
  func status(_ path: String) throws(FileError) -> FileStatus? { try disk.status(path) }
  func makeDirectory(_ path: String) throws(FileError) -> Bool { try disk.makeDirectory(path) }
  func rename(_ source: String, to target: String) throws(FileError) { try disk.rename(source, to: target) }
  func link(_ path: String, as newPath: String) throws(FileError) -> Bool { try disk.link(path, as: newPath) }
  func remove(_ path: String) throws(FileError) -> Bool { try disk.remove(path) }
  func removeDirectory(_ path: String) throws(FileError) -> Bool { try disk.removeDirectory(path) }
  func entries(_ path: String) throws(FileError) -> [DirectoryEntry]? { try disk.entries(path) }
  func syncDirectory(_ path: String) throws(FileError) { try disk.syncDirectory(path) }
}
