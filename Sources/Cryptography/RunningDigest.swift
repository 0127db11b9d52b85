// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import CGantryOpenSSL

/// A digest over bytes that arrive in pieces.
///
/// A value: its state is held in place, so a copy is a fork and needs no release. The state can be saved and restored
/// (``goState``), which OpenSSL's EVP interface does not offer; the low-level functions used here are as fast.
public struct RunningDigest: Sendable {
  private enum State {
    case sha256(SHA256_CTX)
    case sha512(SHA512_CTX)
  }

  private var state: State

  /// Begins the digest of nothing yet.
  public init(_ function: DigestFunction) {
    switch function {
    case .sha256:
      var context = SHA256_CTX()
      let begun = unsafe SHA256_Init(&context)
      precondition(begun == 1, "SHA256_Init failed")
      state = .sha256(context)
    case .sha512:
      var context = SHA512_CTX()
      let begun = unsafe SHA512_Init(&context)
      precondition(begun == 1, "SHA512_Init failed")
      state = .sha512(context)
    }
  }

  /// The function that is computed.
  public var function: DigestFunction {
    switch state {
    case .sha256: .sha256
    case .sha512: .sha512
    }
  }

  /// Takes the next bytes.
  public mutating func update(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { raw in unsafe update(raw) }
  }

  /// Takes the next bytes.
  public mutating func update(_ bytes: ArraySlice<UInt8>) {
    unsafe bytes.withUnsafeBytes { raw in unsafe update(raw) }
  }

  /// The digest of the bytes taken so far. More may follow: the running state is untouched.
  public func finished() -> [UInt8] {
    var output = [UInt8](repeating: 0, count: function.byteCount)
    let finished: Int32
    switch state {
    case .sha256(var context): finished = unsafe SHA256_Final(&output, &context)
    case .sha512(var context): finished = unsafe SHA512_Final(&output, &context)
    }
    precondition(finished == 1, "the final step of the digest failed")
    return output
  }

  /// How many bytes were taken so far.
  public var byteCount: UInt64 {
    switch state {
    case .sha256(let context): UInt64(context.Nh) << 29 | UInt64(context.Nl) >> 3
    case .sha512(let context): context.Nh << 61 | context.Nl >> 3
    }
  }

  private mutating func update(_ raw: UnsafeRawBufferPointer) {
    guard let start = raw.baseAddress, raw.count > 0 else { return }
    switch state {
    case .sha256(var context):
      let updated = unsafe SHA256_Update(&context, start, raw.count)
      precondition(updated == 1, "SHA256_Update failed")
      state = .sha256(context)
    case .sha512(var context):
      let updated = unsafe SHA512_Update(&context, start, raw.count)
      precondition(updated == 1, "SHA512_Update failed")
      state = .sha512(context)
    }
  }
}

// The format of Go's crypto/sha256 and crypto/sha512 (encoding.BinaryMarshaler), which Distribution keeps beside an
// upload: magic, chaining words, the block that is not full yet padded with zeros, and the byte count; all big-endian.
extension RunningDigest {
  private static let magic256: [UInt8] = Array("sha\u{03}".utf8)
  private static let magic512: [UInt8] = Array("sha\u{07}".utf8)

  /// The state so far as Go's standard library writes it: 108 bytes for SHA-256, 204 for SHA-512.
  public var goState: [UInt8] {
    var output: [UInt8] = []
    let (block, blockSize): ([UInt8], Int)
    switch state {
    case .sha256(var context):
      output.reserveCapacity(108)
      output += Self.magic256
      let words = unsafe withUnsafeBytes(of: &context.h) { unsafe Array($0.bindMemory(to: UInt32.self)) }
      for word in words { Self.append(UInt64(word), bytes: 4, to: &output) }
      block = unsafe withUnsafeBytes(of: &context.data) { unsafe Array($0.prefix(Int(context.num))) }
      blockSize = 64
    case .sha512(var context):
      output.reserveCapacity(204)
      output += Self.magic512
      let words = unsafe withUnsafeBytes(of: &context.h) { unsafe Array($0.bindMemory(to: UInt64.self)) }
      for word in words { Self.append(word, bytes: 8, to: &output) }
      block = unsafe withUnsafeBytes(of: &context.u) { unsafe Array($0.prefix(Int(context.num))) }
      blockSize = 128
    }
    output += block
    output += [UInt8](repeating: 0, count: blockSize - block.count)
    Self.append(byteCount, bytes: 8, to: &output)
    return output
  }

  /// Goes on from a state that ``goState`` or Go's standard library wrote; nil when `bytes` is no such state: of
  /// another length or magic, or with a byte count that no SHA-2 message can have.
  public init?(goState bytes: [UInt8]) {
    switch (bytes.count, bytes.prefix(4)) {
    case (108, Self.magic256[...]): self.init(.sha256)
    case (204, Self.magic512[...]): self.init(.sha512)
    default: return nil
    }
    let count = Self.word(of: bytes.suffix(8))
    guard count < 1 << 61 else { return nil }
    switch state {
    case .sha256(var context):
      unsafe withUnsafeMutableBytes(of: &context.h) { raw in
        let words = unsafe raw.bindMemory(to: UInt32.self)
        for place in 0..<8 {
          unsafe words[place] = UInt32(Self.word(of: bytes[(4 + place * 4)..<(8 + place * 4)]))
        }
      }
      unsafe withUnsafeMutableBytes(of: &context.data) { unsafe $0.copyBytes(from: bytes[36..<100]) }
      context.num = UInt32(count % 64)
      context.Nl = UInt32(truncatingIfNeeded: count << 3)
      context.Nh = UInt32(truncatingIfNeeded: count >> 29)
      state = .sha256(context)
    case .sha512(var context):
      unsafe withUnsafeMutableBytes(of: &context.h) { raw in
        let words = unsafe raw.bindMemory(to: UInt64.self)
        for place in 0..<8 { unsafe words[place] = Self.word(of: bytes[(4 + place * 8)..<(12 + place * 8)]) }
      }
      unsafe withUnsafeMutableBytes(of: &context.u) { unsafe $0.copyBytes(from: bytes[68..<196]) }
      context.num = UInt32(count % 128)
      context.Nl = count << 3
      context.Nh = count >> 61
      state = .sha512(context)
    }
  }

  private static func append(_ word: UInt64, bytes: Int, to output: inout [UInt8]) {
    for place in (0..<bytes).reversed() { output.append(UInt8(truncatingIfNeeded: word >> UInt64(place * 8))) }
  }

  private static func word(of bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
