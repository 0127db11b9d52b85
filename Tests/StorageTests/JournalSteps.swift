// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryOCI
import GantryStorage
import GantryTestKit
import GantryWorld
import Synchronization

let repository = named("team")
let journalDirectory = "/data/gantry/journal/"
let treeBase = "/data/docker/registry/v2"

func named(_ text: String) -> RepositoryName {
  // Safe because: the texts here are constants that follow the grammar.
  try! RepositoryName(parsing: text)
}

func tagged(_ text: String) throws -> GantryOCI.Tag { try GantryOCI.Tag(parsing: text) }

extension FilesystemStorage {
  /// Stores a manifest of that text and points the tag at it.
  @discardableResult
  func put(_ text: String, as tag: String, in name: RepositoryName = repository) async throws -> Digest {
    let digest = Digest(of: Array(text.utf8))
    try await putManifest(Array(text.utf8), digest: digest, subject: nil, in: name)
    try await setTag(try tagged(tag), to: digest, in: name)
    return digest
  }

  func push(_ bytes: [UInt8], number: UInt8, in name: RepositoryName = repository) async throws {
    let id = UploadID(uuidBytes: .init(repeating: number, count: 16))
    let session = try await beginIngest(id, in: name, algorithm: .sha256)
    _ = try await session.append(bytes)
    try await session.commit(as: Digest(of: bytes))
  }
}

extension SimulatedWorld {
  var segments: [String] {
    disk.tree.keys.filter { $0.hasPrefix(journalDirectory) && !$0.hasSuffix(".lock") }.sorted()
  }

  func content(ofTag tag: String) -> String? {
    disk.contents(of: "\(treeBase)/repositories/team/_manifests/tags/\(tag)/current/link")
      .map { String(decoding: $0, as: UTF8.self) }
  }
}

extension CrashKeeping {
  /// What a disk may keep of that which was not synced: each kind of thing, and by chance so often.
  static func manners(chances: UInt64) -> [CrashKeeping] {
    [.synced, .names, .contents, .everything] + (1...chances).map { .seeded($0) }
  }
}

/// A value that tasks and observers change.
final class Noted<Value: Sendable>: Sendable {
  private let state: Mutex<Value>

  init(_ value: Value) { state = Mutex(value) }

  var now: Value { state.withLock { $0 } }

  func change(_ body: (inout Value) -> Void) { state.withLock { body(&$0) } }
}
