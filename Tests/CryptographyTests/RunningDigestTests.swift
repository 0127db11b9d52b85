// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import Testing

/// Lower-case hexadecimal.
func hex(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

func bytes(ofHex text: String) -> [UInt8] {
  let digits = Array(text)
  return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
}

@Suite struct RunningDigestTests {
  struct Vector: Sendable {
    var function: DigestFunction
    var message: String
    var digest: String
  }

  // FIPS 180-4 examples.
  static let vectors: [Vector] = [
    Vector(
      function: .sha256, message: "",
      digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    Vector(
      function: .sha256, message: "abc",
      digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    Vector(
      function: .sha256, message: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      digest: "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
    Vector(
      function: .sha512, message: "",
      digest: "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
        + "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"),
    Vector(
      function: .sha512, message: "abc",
      digest: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"),
  ]

  @Test(arguments: vectors)
  func knownVector(_ vector: Vector) {
    #expect(hex(digest(Array(vector.message.utf8), vector.function)) == vector.digest)
  }

  @Test(arguments: [DigestFunction.sha256, .sha512])
  func savedAndRestoredAtEverySplit(_ function: DigestFunction) throws {
    let message = (0..<400).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ ($0 >> 7)) }
    let whole = digest(message, function)
    for split in 0...message.count {
      var first = RunningDigest(function)
      first.update(message[..<split])
      #expect(first.byteCount == UInt64(split))
      var second = try #require(RunningDigest(goState: first.goState))
      #expect(second.byteCount == UInt64(split))
      #expect(second.goState == first.goState)
      second.update(message[split...])
      #expect(second.finished() == whole, "split at \(split)")
    }
  }

  @Test func finishingDoesNotConsume() {
    var running = RunningDigest(.sha256)
    running.update(Array("a".utf8))
    #expect(running.finished() == running.finished())
    running.update(Array("bc".utf8))
    #expect(hex(running.finished()) == Self.vectors[1].digest)
  }

  @Test func copyIsAFork() {
    var running = RunningDigest(.sha512)
    running.update(Array("abc".utf8))
    var fork = running
    fork.update([0])
    #expect(hex(running.finished()) == Self.vectors[4].digest)
    #expect(fork.finished() != running.finished())
  }

  // As Go marshals them while the first block is not full: the initial words of FIPS 180-4, the block, the count.
  @Test func goldenStateOfGo() throws {
    let state256 =
      Array("sha\u{03}".utf8)
      + bytes(ofHex: "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19")
      + Array("a".utf8) + [UInt8](repeating: 0, count: 63) + [0, 0, 0, 0, 0, 0, 0, 1]
    var running = RunningDigest(.sha256)
    running.update(Array("a".utf8))
    #expect(running.goState == state256)
    var restored = try #require(RunningDigest(goState: state256))
    restored.update(Array("bc".utf8))
    #expect(hex(restored.finished()) == Self.vectors[1].digest)

    let state512 =
      Array("sha\u{07}".utf8)
      + bytes(
        ofHex: "6a09e667f3bcc908bb67ae8584caa73b3c6ef372fe94f82ba54ff53a5f1d36f1"
          + "510e527fade682d19b05688c2b3e6c1f1f83d9abfb41bd6b5be0cd19137e2179")
      + Array("ab".utf8) + [UInt8](repeating: 0, count: 126) + [0, 0, 0, 0, 0, 0, 0, 2]
    var long = RunningDigest(.sha512)
    long.update(Array("ab".utf8))
    #expect(long.goState == state512)
  }

  @Test func countsBeyondFourGigabytes() throws {
    var state = RunningDigest(.sha256).goState
    state.replaceSubrange(100..<108, with: [0x00, 0, 0, 0x05, 0, 0, 0, 0x40])
    let restored = try #require(RunningDigest(goState: state))
    #expect(restored.byteCount == 0x5_0000_0040)
    #expect(restored.goState == state)
  }

  @Test func refusesWhatIsNoState() {
    let good = RunningDigest(.sha256).goState
    var otherMagic = good
    otherMagic[3] = 2
    var endless = good
    endless.replaceSubrange(100..<108, with: [UInt8](repeating: 0xFF, count: 8))
    for bad in [[], Array(good.dropLast()), good + [0], otherMagic, endless, RunningDigest(.sha512).goState + [0]] {
      #expect(RunningDigest(goState: bad) == nil)
    }
  }
}
