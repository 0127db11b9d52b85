// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A content digest, `<algorithm>:<lower-case hex>` (OCI image-spec, descriptor: digests).
///
/// A value in hand is valid. It holds the raw bytes in place, so that copying, comparing and hashing touch neither
/// the heap nor a reference count.
@frozen
public struct Digest: Sendable, Hashable {
  /// The hash function.
  public let algorithm: DigestAlgorithm
  // The raw bytes as big-endian words; those beyond the algorithm's length are zero.
  @usableFromInline let w0: UInt64
  @usableFromInline let w1: UInt64
  @usableFromInline let w2: UInt64
  @usableFromInline let w3: UInt64
  @usableFromInline let w4: UInt64
  @usableFromInline let w5: UInt64
  @usableFromInline let w6: UInt64
  @usableFromInline let w7: UInt64

  /// The digest whose raw value is `bytes`.
  ///
  /// - Precondition: `bytes` has exactly `algorithm.byteCount` elements.
  public init(algorithm: DigestAlgorithm, bytes: [UInt8]) {
    precondition(bytes.count == algorithm.byteCount, "a \(algorithm.name) digest has \(algorithm.byteCount) bytes")
    func word(_ index: Int) -> UInt64 {
      guard index * 8 < bytes.count else { return 0 }
      return bytes[(index * 8)..<(index * 8 + 8)].reduce(0) { $0 << 8 | UInt64($1) }
    }
    self.algorithm = algorithm
    (w0, w1, w2, w3) = (word(0), word(1), word(2), word(3))
    (w4, w5, w6, w7) = (word(4), word(5), word(6), word(7))
  }

  /// Parses the text form.
  ///
  /// Throws `DigestError.unsupportedAlgorithm` only for a text that follows the general grammar; anything else that
  /// is wrong (upper-case hex and wrong lengths included) is `DigestError.malformed`.
  public init(parsing text: String) throws(DigestError) {
    var text = text
    let result = text.withUTF8 { utf8 in Self.parse(utf8) }
    self = try result.get()
  }

  /// The digest in lower-case hexadecimal, without the algorithm.
  public var hex: String {
    let length = algorithm.hexLength
    return String(unsafeUninitializedCapacity: length) { buffer in
      writeHex(into: buffer, from: 0)
      return length
    }
  }

  /// The raw digest, `algorithm.byteCount` bytes.
  public var bytes: [UInt8] {
    (0..<algorithm.byteCount).map { index in UInt8(truncatingIfNeeded: word(index / 8) >> UInt64(56 - index % 8 * 8)) }
  }

  /// Appends the text form, `sha256:…`, to `output`.
  public func append(to output: inout [UInt8]) {
    output.append(contentsOf: description.utf8)
  }

  private func word(_ index: Int) -> UInt64 {
    switch index {
    case 0: w0
    case 1: w1
    case 2: w2
    case 3: w3
    case 4: w4
    case 5: w5
    case 6: w6
    default: w7
    }
  }

  private func writeHex(into buffer: UnsafeMutableBufferPointer<UInt8>, from start: Int) {
    let bytes = UnsafeMutableRawBufferPointer(buffer)
    for index in 0..<(algorithm.hexLength / 16) {
      let word = word(index)
      bytes.storeBytes(
        of: Self.hexDigits(UInt32(truncatingIfNeeded: word >> 32)).bigEndian, toByteOffset: start + index * 16,
        as: UInt64.self)
      bytes.storeBytes(
        of: Self.hexDigits(UInt32(truncatingIfNeeded: word)).bigEndian, toByteOffset: start + index * 16 + 8,
        as: UInt64.self)
    }
  }

  /// The eight hexadecimal digits of `value` as the bytes of one word, all made at once: the nibbles are spread to a
  /// byte each, then those above 9 are moved on to the letters.
  private static func hexDigits(_ value: UInt32) -> UInt64 {
    var nibbles = UInt64(value)
    nibbles = (nibbles << 16 | nibbles) & 0x0000_FFFF_0000_FFFF
    nibbles = (nibbles << 8 | nibbles) & 0x00FF_00FF_00FF_00FF
    nibbles = (nibbles << 4 | nibbles) & 0x0F0F_0F0F_0F0F_0F0F
    let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 39
  }
}

extension Digest {
  /// Feeds the first 32 bytes, which is all of a SHA-256 digest and more than enough of a SHA-512 one: tables are
  /// keyed by digests of content, and nobody can make two contents whose digests begin alike.
  @inlinable
  public func hash(into hasher: inout Hasher) {
    hasher.combine(w0)
    hasher.combine(w1)
    hasher.combine(w2)
    hasher.combine(w3)
  }
}

extension Digest: CustomStringConvertible {
  /// The text form, `sha256:…`.
  public var description: String {
    let prefix: StaticString = algorithm == .sha256 ? "sha256:" : "sha512:"
    let length = 7 + algorithm.hexLength
    return String(unsafeUninitializedCapacity: length) { buffer in
      for place in 0..<7 { buffer[place] = prefix.utf8Start[place] }
      writeHex(into: buffer, from: 7)
      return length
    }
  }
}

extension Digest: Comparable {
  /// The order of the text forms.
  public static func < (left: Digest, right: Digest) -> Bool {
    if left.algorithm != right.algorithm { return left.algorithm.rawValue < right.algorithm.rawValue }
    for index in 0..<8 where left.word(index) != right.word(index) { return left.word(index) < right.word(index) }
    return false
  }
}

extension Digest {
  private typealias Words = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

  private static func parse(_ utf8: UnsafeBufferPointer<UInt8>) -> Result<Digest, DigestError> {
    let algorithm = utf8.count == 7 + DigestAlgorithm.sha512.hexLength ? DigestAlgorithm.sha512 : .sha256
    let prefix: StaticString = algorithm == .sha256 ? "sha256:" : "sha512:"
    if utf8.count == 7 + algorithm.hexLength, (0..<7).allSatisfy({ utf8[$0] == prefix.utf8Start[$0] }),
      let words = words(ofHex: UnsafeBufferPointer(rebasing: utf8[7...]))
    {
      return .success(Digest(algorithm: algorithm, words: words))
    }
    return .failure(fault(in: utf8))
  }

  /// The words that lower-case hexadecimal digits stand for; nil when one of them is none.
  private static func words(ofHex digits: UnsafeBufferPointer<UInt8>) -> Words? {
    var words: Words = (0, 0, 0, 0, 0, 0, 0, 0)
    let isValid = withUnsafeMutableBytes(of: &words) { raw in
      raw.withMemoryRebound(to: UInt64.self) { words in
        var wrong: UInt8 = 0
        for index in 0..<(digits.count / 16) {
          var word: UInt64 = 0
          for place in 0..<16 {
            let byte = digits[index * 16 + place]
            let digit = byte &- UInt8(ascii: "0")
            let letter = byte &- UInt8(ascii: "a")
            wrong |= digit < 10 || letter < 6 ? 0 : 1
            word = word << 4 | UInt64(digit < 10 ? digit : (letter &+ 10) & 0xF)
          }
          words[index] = word
        }
        return wrong == 0
      }
    }
    return isValid ? words : nil
  }

  /// What is wrong with a text that is no digest.
  private static func fault(in utf8: UnsafeBufferPointer<UInt8>) -> DigestError {
    guard let colon = utf8.firstIndex(of: UInt8(ascii: ":")) else {
      return .malformed(reason: "no ':' between algorithm and encoded part")
    }
    let name = utf8[..<colon]
    let encoded = utf8[(colon + 1)...]
    guard isAlgorithmName(name) else {
      return .malformed(reason: "the algorithm before ':' is not lower-case letters, digits and separators")
    }
    guard !encoded.isEmpty else { return .malformed(reason: "nothing after ':'") }
    guard let algorithm = DigestAlgorithm(name: String(decoding: name, as: UTF8.self)) else {
      guard name.count <= 32, encoded.allSatisfy(isEncodedByte) else {
        return .malformed(reason: "the encoded part after ':' has characters that no digest has")
      }
      return .unsupportedAlgorithm(name: String(decoding: name, as: UTF8.self))
    }
    if let bad = encoded.firstIndex(where: { !isLowerHex($0) }), encoded.count == algorithm.hexLength {
      return .malformed(reason: "character \(bad - colon) after ':' is not a lower-case hexadecimal digit")
    }
    let wanted = "\(algorithm.name) takes \(algorithm.hexLength) hexadecimal digits"
    return .malformed(reason: "\(wanted), found \(encoded.count) characters")
  }

  private init(algorithm: DigestAlgorithm, words: Words) {
    self.algorithm = algorithm
    (w0, w1, w2, w3, w4, w5, w6, w7) = words
  }

  // algorithm ::= component (separator component)*, component ::= [a-z0-9]+, separator ::= [+._-]
  private static func isAlgorithmName(_ name: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    var needsAlphanumeric = true
    for byte in name {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): needsAlphanumeric = false
      case UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        if needsAlphanumeric { return false }
        needsAlphanumeric = true
      default: return false
      }
    }
    return !needsAlphanumeric
  }

  // encoded ::= [a-zA-Z0-9=_-]+
  private static func isEncodedByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "="), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private static func isLowerHex(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
    default: false
    }
  }
}
