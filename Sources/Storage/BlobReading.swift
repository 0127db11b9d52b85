// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI
public import GantryWorld

/// Reads blobs through the repositories that link them.
public protocol BlobReading: Sendable {
  /// The blob that `repository` links under `digest`, or nil when it links none, or its content is missing, or the link
  /// is torn (reported to the log, treated as absent). A repository never shows a blob it did not link.
  func blob(_ digest: Digest, in repository: RepositoryName) async throws(StorageError) -> StoredBlob?

  /// The size in bytes of each of these blobs, in their order, nil where ``blob(_:in:)`` would tell of none: for a
  /// manifest, which refers to many, in one step.
  func blobSizes(_ digests: [Digest], in repository: RepositoryName) async throws(StorageError) -> [UInt64?]

  /// A watch on the link that ``blob(_:in:)`` depends on.
  func watch(blob digest: Digest, in repository: RepositoryName) -> any LinkWatch
}

extension BlobReading {
  /// One blob after the other, for engines that know nothing better.
  public func blobSizes(_ digests: [Digest], in repository: RepositoryName) async throws(StorageError) -> [UInt64?] {
    var sizes: [UInt64?] = []
    for digest in digests { sizes.append(try await blob(digest, in: repository)?.size) }
    return sizes
  }
}

/// A blob that is there, whole.
public struct StoredBlob: Sendable {
  /// Where the bytes are.
  public enum Content: Sendable {
    /// In memory.
    case bytes([UInt8])
    /// In a file of exactly ``StoredBlob/size`` bytes, from offset 0.
    case file(any OpenFile)
  }

  /// The digest it was asked for by, under the algorithm that it was pushed with (clause 2.2).
  public var digest: Digest
  /// Size in bytes.
  public var size: UInt64
  /// The bytes.
  public var content: Content

  /// Makes a blob.
  public init(digest: Digest, size: UInt64, content: Content) {
    self.digest = digest
    self.size = size
    self.content = content
  }
}
