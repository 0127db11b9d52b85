// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a cached answer is found by: the bytes that it was asked for with, so that a hit parses nothing.
public struct CacheKey: Sendable, Hashable {
  private let bytes: ArraySlice<UInt8>

  /// A key of these bytes; shares their storage. See ``detached``.
  public init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
  }

  /// The same key with storage of its own, for keeping.
  var detached: CacheKey { CacheKey(Array(bytes)[...]) }

  /// How many bytes it has.
  var count: Int { bytes.count }

  /// Hashes all bytes in one piece: element by element would cost more than the look-up.
  public func hash(into hasher: inout Hasher) {
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}
