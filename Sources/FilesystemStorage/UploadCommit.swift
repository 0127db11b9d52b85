// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI
import GantryWorld

/// Makes a blob of an upload, as one script.
///
/// Whatever can fail for lack of room comes first: the link's contents and all directories. Then the content gets its
/// place, then the link. At each step what is referred to is durable before the reference. The session's files go last
/// and without a sync: what a power cut brings back of them is purged.
struct UploadCommit: Sendable {
  /// How it went.
  enum Outcome: Sendable {
    /// The blob is there, durable, and the session is gone.
    case done
    /// The bytes have this digest; the session is gone.
    case mismatch(Digest)
    /// The session's content was taken away by somebody else.
    case gone
    /// Not done; with `isPublished` the content has left the session for its place.
    case failed(FileError, isPublished: Bool)
  }

  let place: UploadPlace
  let digest: Digest
  let repository: RepositoryName
  /// Whether an earlier attempt put the content in its place.
  let wasPublished: Bool
  /// The content's digest when it is of another algorithm than the session's.
  let otherDigest: Digest?

  /// Verifies and commits what `progress` stands for. Throws when a mismatched session could not be removed.
  func run(in tree: StoredTree, _ progress: inout IngestProgress) throws(FileError) -> Outcome {
    let actual = otherDigest ?? Digest(algorithm: digest.algorithm, bytes: progress.running.finished())
    guard actual == digest else {
      try tree.removeUpload(place)
      return .mismatch(actual)
    }
    var isPublished = wasPublished
    do throws(FileError) {
      if !isPublished {
        guard let file = progress.file, try tree.isThere(file, at: place) else { return .gone }
      }
      try publish(in: tree, &progress, isPublished: &isPublished)
    } catch {
      return .failed(error, isPublished: isPublished)
    }
    do throws(FileError) {
      try tree.removeUpload(place)
    } catch {
      tree.report("the upload \(place.directory) is committed but could not be removed: \(error)")
    }
    return .done
  }

  // Makes the data file durable and exactly as long as what was digested: a failed write may have left more.
  private func settle(_ progress: inout IngestProgress, by commit: DurableCommit) throws(FileError) {
    guard let file = progress.file else { return }
    if try file.status().size != progress.offset {
      try file.truncate(to: progress.offset)
      progress.syncedOffset = 0
    }
    try progress.syncData(by: commit)
  }

  private func publish(
    in tree: StoredTree, _ progress: inout IngestProgress, isPublished: inout Bool
  ) throws(FileError) {
    let (blob, layer) = (tree.layout.blob(digest), tree.layout.layer(digest, in: repository))
    let link = try tree.commit.stage(digest.linkText)
    defer { tree.commit.discard(link) }
    try tree.commit.makingDirectories(of: [blob, layer]) { () throws(FileError) in
      if isPublished {
        try publishAgain(at: blob, in: tree, progress)
      } else if tree.commit.trustsSyncs, let (stored, size) = try tree.content(digest), size == progress.offset {
        // Whole, but perhaps put there a moment ago by a process that has not synced it yet.
        try tree.commit.sync(stored)
        try tree.commit.sync(blob.directory)
      } else {
        try settle(&progress, by: tree.commit)
        try moveData(to: blob, in: tree, progress, isPublished: &isPublished)
      }
      try tree.commit.publish(link, at: layer)
    }
  }

  private func moveData(
    to blob: Layout.Place, in tree: StoredTree, _ progress: IngestProgress, isPublished: inout Bool
  ) throws(FileError) {
    do throws(FileError) {
      try tree.files.rename(place.data, to: blob.file)
      isPublished = true
    } catch {
      // A device may fail after it has done what it was told.
      let moved = try tree.files.status(blob.file)?.inode
      let held = try progress.file?.status().inode
      isPublished = moved != nil && moved == held
      throw error
    }
    try tree.commit.sync(blob.directory)
  }

  // The name that an earlier attempt gave may never become durable, however often the directory is synced: the content
  // gets a new file and its name a new change.
  private func publishAgain(
    at blob: Layout.Place, in tree: StoredTree, _ progress: IngestProgress
  ) throws(FileError) {
    guard let file = progress.file else {
      throw FileError(.absent, operation: "read", path: "upload data, given back")
    }
    let copy = try tree.commit.stageCopy(of: file, count: progress.offset)
    defer { tree.commit.discard(copy) }
    try tree.commit.publish(copy, at: blob)
  }
}
