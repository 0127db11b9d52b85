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

  /// What is next.
  enum Step: Sendable {
    /// Content of this digest and size stands in its place already. It has to be compared with what was pushed, byte
    /// for byte: a crash before there was a journal may have left it torn.
    case compare(ContentComparison)
    case done(Outcome)
  }

  let place: UploadPlace
  let digest: Digest
  let repository: RepositoryName
  /// The content's digest when it is of another algorithm than the session's.
  let otherDigest: Digest?
  /// What the blob's acknowledgement will promise.
  let durability: Durability
  /// Contents that were found whole.
  let known: KnownContents

  /// Verifies and prepares what `progress` stands for.
  ///
  /// - Parameter replaces: whether what stands in the content's place was compared and is damaged.
  func prepare(
    in tree: StoredTree, _ progress: inout IngestProgress, staging: StagingArea, replaces: Bool
  ) throws(FileError) -> Step {
    let actual = otherDigest ?? Digest(algorithm: digest.algorithm, bytes: progress.running.finished())
    guard actual == digest else {
      try tree.removeUpload(place)
      return .done(.mismatch(actual))
    }
    guard let file = progress.file, try tree.isThere(file, at: place) else { return .done(.gone) }
    if !replaces, let comparison = try comparison(with: file, progress, in: tree) {
      guard known.contains(digest, comparison.status) else { return .compare(comparison) }
      if durability == .strict { try tree.makeContentDurable(digest) }
      return .done(.ready(.blob(digest, .present, in: repository)))
    }
    let content = try content(file, in: tree, &progress, staging: staging)
    return .done(.ready(.blob(digest, content, in: repository)))
  }

  // What stands in the content's place, if it has the right size and can be relied on.
  private func comparison(
    with file: any OpenFile, _ progress: IngestProgress, in tree: StoredTree
  ) throws(FileError) -> ContentComparison? {
    guard let (standing, size) = try tree.content(digest) else { return nil }
    let path = tree.layout.blob(digest).file
    if size == progress.offset, !tree.commit.isSuspect(path) {
      return ContentComparison(pushed: file, standing: standing, status: try standing.status())
    }
    tree.report("the content \(path) is damaged and is replaced by what was pushed")
    return nil
  }

  private func content(
    _ file: any OpenFile, in tree: StoredTree, _ progress: inout IngestProgress, staging: StagingArea
  ) throws(FileError) -> JournalContent {
    if progress.offset <= JournalContent.inlineBytesMax {
      let bytes = try file.read(Int(progress.offset), at: 0)
      // What came in was digested; what is read back goes into the record.
      guard Digest(of: bytes, digest.algorithm) == digest else {
        throw FileError(.failed, operation: "read", path: place.data + ", which has other bytes than were written")
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
