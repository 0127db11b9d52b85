// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import CGantryOpenSSL

/// Why a step of a test could not be done at all; what was done and came out wrong is an expectation instead.
struct HarnessError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// The digest algorithms that every clause is tried with. Digests are computed by OpenSSL itself and not by the
/// product's code, so that a mistake there cannot hide.
enum Algorithm: String, CaseIterable, Sendable {
  case sha256
  case sha512

  var hexLength: Int { self == .sha256 ? 64 : 128 }

  /// A well-formed digest that nothing has: `alg:` and one digit repeated.
  func made(of digit: Character) -> String { "\(rawValue):" + String(repeating: digit, count: hexLength) }

  /// The digest of `bytes`, as `alg:hex`.
  func digest(_ bytes: [UInt8]) -> String {
    var stream = DigestStream(self)
    stream.update(bytes)
    return stream.finish()
  }

  func digest(_ text: String) -> String { digest(Array(text.utf8)) }
}

/// A digest over bytes that come in pieces.
struct DigestStream {
  private let context = EVP_MD_CTX_new()
  private let algorithm: Algorithm

  init(_ algorithm: Algorithm) {
    self.algorithm = algorithm
    let started = EVP_DigestInit_ex(context, algorithm == .sha256 ? EVP_sha256() : EVP_sha512(), nil)
    precondition(started == 1, "OpenSSL refused to start a digest")
  }

  mutating func update(_ bytes: [UInt8]) {
    precondition(EVP_DigestUpdate(context, bytes, bytes.count) == 1, "OpenSSL refused bytes")
  }

  /// The digest, as `alg:hex`; the stream is used up.
  mutating func finish() -> String {
    var output = [UInt8](repeating: 0, count: 64)
    var count: UInt32 = 0
    precondition(EVP_DigestFinal_ex(context, &output, &count) == 1, "OpenSSL refused to finish")
    EVP_MD_CTX_free(context)
    return "\(algorithm.rawValue):" + hex(output.prefix(Int(count)))
  }
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for byte in bytes {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}

/// `count` bytes that look random and are the same for the same seed (xorshift64*).
func someBytes(_ count: Int, seed: UInt64) -> [UInt8] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count + 8)
  while bytes.count < count {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    withUnsafeBytes(of: (state &* 0x2545_F491_4F6C_DD1D).littleEndian) { bytes.append(contentsOf: $0) }
  }
  bytes.removeLast(bytes.count - count)
  return bytes
}
