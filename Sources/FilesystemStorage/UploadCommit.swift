// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI
import GantryWorld

/// Makes a blob of an upload: verifies it and makes its content durable, as one script. What comes out is a record for
/// the journal, which gives content and link their places.
///
/// The session keeps its data file until the record is applied, so a failure at any step leaves it as it was.
struct UploadCommit: Sendable {
  /// How it went.
  enum Outcome: Sendable {
    /// The content is safe; this record makes a blob of it.
    case ready(JournalRecord)
    /// The bytes have this digest; the session is gone.
    case mismatch(Digest)
    /// The session's content was taken away by somebody else.
    case gone
  }

  let place: UploadPlace
  let digest: Digest
  let repository: RepositoryName
  /// The content's digest when it is of another algorithm than the session's.
  let otherDigest: Digest?
  /// What the blob's acknowledgement will promise.
  let durability: Durability

  /// Verifies and prepares what `progress` stands for.
  func prepare(
    in tree: StoredTree, _ progress: inout IngestProgress, staging: StagingArea
  ) throws(FileError) -> Outcome {
    let actual = otherDigest ?? Digest(algorithm: digest.algorithm, bytes: progress.running.finished())
    guard actual == digest else {
      try tree.removeUpload(place)
      return .mismatch(actual)
    }
    guard let file = progress.file, try tree.isThere(file, at: place) else { return .gone }
    return .ready(.blob(digest, try content(file, in: tree, &progress, staging: staging), in: repository))
  }

  private func content(
    _ file: any OpenFile, in tree: StoredTree, _ progress: inout IngestProgress, staging: StagingArea
  ) throws(FileError) -> JournalContent {
    if let (standing, size) = try tree.content(digest), try isWhole(standing, size, file, progress, in: tree) {
      if durability == .strict { try tree.makeContentDurable(digest) }
      return .present
    }
    if progress.offset <= JournalContent.inlineBytesMax {
      let bytes = try file.read(Int(progress.offset), at: 0)
      guard bytes.count == progress.offset else {
        throw FileError(.failed, operation: "read", path: place.data + ", shorter than it was")
      }
      return .inline(bytes)
    }
    try settle(file, &progress, in: tree)
    do throws(FileError) {
      return .staged(try staging.adopt(place.data, size: progress.offset))
    } catch  where error.reason == .unsupported {
      // Without second names the content is copied to its place, durable before anything refers to it.
      let blob = tree.layout.blob(digest)
      let copy = try tree.commit.stageCopy(of: file, count: progress.offset)
      defer { tree.commit.discard(copy) }
      try tree.commit.makingDirectories(of: [blob]) { () throws(FileError) in
        try tree.commit.publish(copy, at: blob)
      }
      return .present
    }
  }

  // Whether what stands there is what was pushed, byte for byte: a crash before there was a journal may have left it
  // torn, and a push is what mends it.
  private func isWhole(
    _ standing: any OpenFile, _ size: UInt64, _ file: any OpenFile, _ progress: IngestProgress, in tree: StoredTree
  ) throws(FileError) -> Bool {
    var offset: UInt64 = 0
    while size == progress.offset, offset < size {
      let count = Int(min(size - offset, Self.comparedBytes))
      let piece = try file.read(count, at: offset)
      guard piece.count == count, try standing.read(count, at: offset) == piece else { break }
      offset += UInt64(count)
    }
    if size == progress.offset, offset == size { return true }
    tree.report("the content of \(digest) is damaged and is replaced by what was pushed")
    return false
  }

  private static let comparedBytes: UInt64 = 1 << 20

  // Makes the data file durable and exactly as long as what was digested: a failed write may have left more.
  private func settle(
    _ file: any OpenFile, _ progress: inout IngestProgress, in tree: StoredTree
  ) throws(FileError) {
    if try file.status().size != progress.offset {
      try file.truncate(to: progress.offset)
      progress.syncedOffset = 0
    }
    guard progress.syncedOffset != progress.offset else { return }
    try tree.writeNote(at: place, markedOffset: progress.markedOffset, isSyncing: true)
    try progress.syncData(by: tree.commit)
    // Should the journal refuse it, the session goes on.
    try tree.writeNote(at: place, markedOffset: progress.markedOffset, isSyncing: false)
    progress.isNoted = true
  }
}
