// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// How much each loop remembers of what it served.
public struct CacheLimits: Sendable, Hashable {
  /// Bytes of manifests, keys and bookkeeping included. 16 MiB hold some thousand manifests.
  public var manifestBytesMax: Int
  /// Manifests; bounds the bookkeeping when they are tiny.
  public var manifestsMax: Int
  /// Open blob files. Each holds a descriptor, and the disk space of a blob that was removed meanwhile.
  public var openBlobsMax: Int
  /// What was not asked for during this time is let go.
  public var idleMax: Duration

  /// Limits, each with its default.
  public init(
    manifestBytesMax: Int = 16 * 1024 * 1024, manifestsMax: Int = 4096, openBlobsMax: Int = 256,
    idleMax: Duration = .seconds(60)
  ) {
    precondition(manifestBytesMax >= 0 && manifestsMax >= 0 && openBlobsMax >= 0, "limits are not negative")
    self.manifestBytesMax = manifestBytesMax
    self.manifestsMax = manifestsMax
    self.openBlobsMax = openBlobsMax
    self.idleMax = idleMax
  }
}
