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
    for index in 0..<(algorithm.hexLength / 16) {
      var rest = word(index)
      for place in stride(from: start + index * 16 + 15, through: start + index * 16, by: -1) {
        let nibble = UInt8(truncatingIfNeeded: rest & 0xF)
        buffer[place] = nibble < 10 ? nibble + UInt8(ascii: "0") : nibble + (UInt8(ascii: "a") - 10)
        rest >>= 4
      }
    }
  }
}

extension Digest: CustomStringConvertible {
  /// The text form, `sha256:…`.
  public var description: String {
    let prefix = algorithm == .sha256 ? "sha256:" : "sha512:"
    let length = 7 + algorithm.hexLength
    return String(unsafeUninitializedCapacity: length) { buffer in
      for (place, byte) in prefix.utf8.enumerated() { buffer[place] = byte }
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
  private static func parse(_ utf8: UnsafeBufferPointer<UInt8>) -> Result<Digest, DigestError> {
    guard let colon = utf8.firstIndex(of: UInt8(ascii: ":")) else {
      return .failure(.malformed(reason: "no ':' between algorithm and encoded part"))
    }
    let name = utf8[..<colon]
    let encoded = utf8[(colon + 1)...]
    guard isAlgorithmName(name) else {
      return .failure(.malformed(reason: "the algorithm before ':' is not lower-case letters, digits and separators"))
    }
    guard !encoded.isEmpty else { return .failure(.malformed(reason: "nothing after ':'")) }
    guard let algorithm = DigestAlgorithm(name: String(decoding: name, as: UTF8.self)) else {
      guard name.count <= 32, encoded.allSatisfy(isEncodedByte) else {
        return .failure(.malformed(reason: "the encoded part after ':' has characters that no digest has"))
      }
      return .failure(.unsupportedAlgorithm(name: String(decoding: name, as: UTF8.self)))
    }
    guard encoded.count == algorithm.hexLength else {
      let wanted = "\(algorithm.name) takes \(algorithm.hexLength) hexadecimal digits"
      return .failure(.malformed(reason: "\(wanted), found \(encoded.count) characters"))
    }
    var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    let bad = withUnsafeMutableBytes(of: &words) { raw -> Int? in
      raw.withMemoryRebound(to: UInt64.self) { words in
        for offset in 0..<algorithm.hexLength {
          guard let nibble = lowerHexValue(encoded[colon + 1 + offset]) else { return offset }
          words[offset / 16] = words[offset / 16] << 4 | UInt64(nibble)
        }
        return nil
      }
    }
    if let bad {
      return .failure(.malformed(reason: "character \(bad + 1) after ':' is not a lower-case hexadecimal digit"))
    }
    return .success(Digest(algorithm: algorithm, words: words))
  }

  private init(
    algorithm: DigestAlgorithm, words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
  ) {
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

  private static func lowerHexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
