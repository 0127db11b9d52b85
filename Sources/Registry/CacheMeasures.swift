// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What the caches of the loops hold, and how often they had what was asked for.
public struct CacheMeasures: Sendable, Hashable {
  /// Manifests that are held.
  public var manifests = 0
  /// Bytes that the held manifests take, bookkeeping included.
  public var manifestBytes = 0
  /// Blobs whose files are held open.
  public var openBlobs = 0
  /// Manifests that were asked for and held, since the start.
  public var manifestHits: UInt64 = 0
  /// Manifests that were asked for and not held, or no longer true.
  public var manifestMisses: UInt64 = 0
  /// Blobs that were asked for and held.
  public var blobHits: UInt64 = 0
  /// Blobs that were asked for and not held, or no longer linked.
  public var blobMisses: UInt64 = 0

  mutating func add(_ other: CacheMeasures) {
    manifests += other.manifests
    manifestBytes += other.manifestBytes
    openBlobs += other.openBlobs
    manifestHits &+= other.manifestHits
    manifestMisses &+= other.manifestMisses
    blobHits &+= other.blobHits
    blobMisses &+= other.blobMisses
  }
}
