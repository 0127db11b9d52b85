// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryCryptography

/// The bytes of a generated blob: a seeded block, repeated to the size, and a stamp of its own at the end, so that two
/// blobs of one size share their memory and most of their hashing.
///
/// Every blob is at least ``stampBytes`` long where it has to be unlike others.
struct BlobData: Sendable {
  /// The bytes that make a blob unlike every other.
  static let stampBytes = 32

  private let mould: BlobMould
  private let stamp: [UInt8]
  let digest: [UInt8]

  fileprivate init(mould: BlobMould, stamp: [UInt8], digest: [UInt8]) {
    (self.mould, self.stamp, self.digest) = (mould, stamp, digest)
  }

  var count: Int { mould.size }
  /// `sha256:…`.
  var name: String { "sha256:\(Hexadecimal.text(digest))" }

  /// Bytes from `offset` on: an array and the range of it that holds them, at least one and at most `limit`.
  func piece(at offset: Int, atMost limit: Int) -> ([UInt8], Range<Int>) {
    let base = mould.size - stamp.count
    if offset >= base {
      let start = offset - base
      return (stamp, start..<min(stamp.count, start + limit))
    }
    let start = offset % mould.block.count
    return (mould.block, start..<(start + min(limit, mould.block.count - start, base - offset)))
  }

  /// All bytes, for small blobs.
  var bytes: [UInt8] {
    var all: [UInt8] = []
    all.reserveCapacity(count)
    while all.count < count {
      let (bytes, range) = piece(at: all.count, atMost: count - all.count)
      all += bytes[range]
    }
    return all
  }
}

/// What all blobs of one size and seed have in common.
final class BlobMould: Sendable {
  let size: Int
  fileprivate let block: [UInt8]
  private let begun: RunningDigest

  /// Hashes the common part once, which takes half a second per gigabyte.
  init(size: Int, seed: UInt64) {
    self.size = size
    var random = SeededRandom(seed: seed &+ UInt64(size))
    block = random.bytes(max(1, min(size, 4 << 20)))
    var running = RunningDigest(.sha256)
    var rest = max(0, size - BlobData.stampBytes)
    while rest > 0 {
      let piece = min(rest, block.count)
      running.update(block[..<piece])
      rest -= piece
    }
    begun = running
  }

  /// The blob of this number; the same numbers make the same blob.
  func blob(_ number: UInt64, run: UInt64) -> BlobData {
    var random = SeededRandom(seed: number &* 0x9e37_79b9_7f4a_7c15 ^ run)
    let stamp = random.bytes(min(size, BlobData.stampBytes))
    var running = begun
    running.update(stamp)
    return BlobData(mould: self, stamp: stamp, digest: running.finished())
  }
}

/// Numbers that follow from a seed (SplitMix64): the same on every machine.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(count + 8)
    while output.count < count {
      let word = next()
      for shift in stride(from: 0, to: 64, by: 8) { output.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
    }
    output.removeLast(output.count - count)
    return output
  }
}
