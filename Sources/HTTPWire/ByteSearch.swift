// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Searches of long runs of bytes, eight at a time.
enum ByteSearch {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let highs: UInt64 = 0x8080_8080_8080_8080

  /// The position of the first such byte from `start` to below `end`, else `end`.
  @inline(__always)
  static func first(_ byte: UInt8, in bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
    var index = start
    while end - index >= 8 {
      let differing = word(bytes, index) ^ (ones &* UInt64(byte))
      let zeros = (differing &- ones) & ~differing & highs
      // The lowest mark is exact; borrows reach only above it.
      if zeros != 0 { return index + zeros.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < end, bytes[index] != byte { index += 1 }
    return index
  }

  /// The position of the first byte from `start` to below `end` that no request target may hold (RFC 9112, 3.2), else
  /// `end`: what is no visible ASCII, and the hash, which begins a fragment.
  @inline(__always)
  static func foreignToTarget(in bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
    var index = start
    while end - index >= 8 {
      let eight = word(bytes, index)
      let isDelete = eight ^ (ones &* 0x7F)
      let isHash = eight ^ (ones &* UInt64(Octet.hash))
      // Marks each byte below 0x21 or above 0x7E and each hash. It may mark one too many, never one too few.
      let suspects =
        ((eight &- ones &* 0x21) & ~eight | (isDelete &- ones) & ~isDelete | (isHash &- ones) & ~isHash | eight)
        & highs
      if suspects != 0 { break }
      index += 8
    }
    while index < end, Octet.isVisible(bytes[index]), bytes[index] != Octet.hash { index += 1 }
    return index
  }

  /// The position of the first byte from `start` to below `end` that no field value may hold, else `end`.
  @inline(__always)
  static func foreignToFieldValue(in bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
    var index = start
    while end - index >= 8 {
      let eight = word(bytes, index)
      let isDelete = eight ^ (ones &* 0x7F)
      // Marks each byte below 0x20 and each 0x7F. It may mark one too many, never one too few; a tab is marked too.
      let suspects = ((eight &- ones &* 0x20) & ~eight | (isDelete &- ones) & ~isDelete) & highs
      if suspects != 0 {
        let stop = index + 8
        while index < stop, Octet.isFieldValue(bytes[index]) { index += 1 }
        if index < stop { return index }
      } else {
        index += 8
      }
    }
    while index < end, Octet.isFieldValue(bytes[index]) { index += 1 }
    return index
  }

  /// Eight bytes in memory order, the first lowest. The range is checked; any eight bytes are a `UInt64`, which is all
  /// that the name of the call warns of.
  @inline(__always)
  private static func word(_ bytes: Span<UInt8>, _ index: Int) -> UInt64 {
    UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
  }
}
