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

  /// Compares eight bytes at a time, for the same reason as below.
  public static func == (left: CacheKey, right: CacheKey) -> Bool {
    let (left, right) = (left.bytes.span.bytes, right.bytes.span.bytes)
    guard left.byteCount == right.byteCount else { return false }
    var offset = 0
    while left.byteCount - offset >= 8 {
      // Both ranges are checked, and any eight bytes are a number: all that the names of the calls warn of.
      let isSame =
        unsafe left.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
        == right.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
      guard isSame else { return false }
      offset += 8
    }
    while offset < left.byteCount {
      guard
        unsafe left.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
          == right.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
      else { return false }
      offset += 1
    }
    return true
  }

  /// Hashes all bytes in one piece: element by element would cost more than the look-up.
  public func hash(into hasher: inout Hasher) {
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}
