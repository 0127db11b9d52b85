// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryStorage

/// What a cached answer stands on: a link and the version that it had before the answer was read.
public struct CacheProof: Sendable {
  let watch: any LinkWatch
  let version: LinkVersion

  /// A proof by the version that `watch` sees now, or nil when it must not be relied on: there is no link, or it was
  /// changed so recently that another change could go unseen. Made **before** the content is read.
  public init?(_ watch: any LinkWatch) {
    guard let version = watch.version(), version.isSettled else { return nil }
    self.watch = watch
    self.version = version
  }

  /// Whether nothing has changed since; one stat.
  var holds: Bool { watch.version() == version }
}
