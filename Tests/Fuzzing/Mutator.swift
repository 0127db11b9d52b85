// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Makes new inputs from a corpus: cuts, repeats, swaps, splices, and words that mean something to the parser.
public struct Mutator: Sendable {
  private let corpus: [[UInt8]]
  private let words: [[UInt8]]
  /// No input grows beyond this.
  private let bytesMax: Int

  /// The corpus must not be empty.
  public init(corpus: [[UInt8]], words: [String], bytesMax: Int = 4096) {
    precondition(!corpus.isEmpty, "nothing to mutate")
    self.corpus = corpus
    self.words = words.map { Array($0.utf8) }
    self.bytesMax = bytesMax
  }

  /// Bytes that parsers decide on.
  private static let tellingBytes: [UInt8] =
    [0, 9, 10, 11, 13, 31, 32, 127, 128, 0xC3, 0xFF] + Array("\"#%&'*+,-./:;<=>?@[\\]_0159afgzAFGZ".utf8)

  /// One input: an entry as it is now and then, else with one to eight changes.
  public func input(_ random: inout SplitMix64) -> [UInt8] {
    var bytes = corpus[random.below(corpus.count)]
    if random.below(32) == 0 { return bytes }
    for _ in 0...random.below(8) { change(&bytes, &random) }
    if bytes.count > bytesMax { bytes.removeLast(bytes.count - bytesMax) }
    return bytes
  }

  private func change(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    let at = random.below(bytes.count + 1)
    switch random.below(9) {
    case 0: bytes.insert(Self.tellingByte(&random), at: at)
    case 1: if at < bytes.count { bytes[at] = Self.tellingByte(&random) }
    case 2: if at < bytes.count { bytes[at] ^= 1 << UInt8(random.below(8)) }
    case 3: bytes.removeSubrange(piece(bytes, at, &random))
    case 4: bytes.insert(contentsOf: bytes[piece(bytes, at, &random)], at: at)
    case 5: if !words.isEmpty { bytes.insert(contentsOf: words[random.below(words.count)], at: at) }
    case 6:
      let other = corpus[random.below(corpus.count)]
      bytes.replaceSubrange(at..., with: other[random.below(other.count + 1)...])
    case 7: insertLine(&bytes, &random)
    default: bytes.removeSubrange(at...)
    }
  }

  /// A word at the beginning of a line, where a field would stand.
  private func insertLine(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    let starts = bytes.indices.filter { bytes[$0] == 10 }.map { $0 + 1 }
    guard !starts.isEmpty, !words.isEmpty else { return }
    bytes.insert(contentsOf: words[random.below(words.count)], at: starts[random.below(starts.count)])
  }

  private func piece(_ bytes: [UInt8], _ at: Int, _ random: inout SplitMix64) -> Range<Int> {
    at..<min(bytes.count, at + 1 + random.below(24))
  }

  private static func tellingByte(_ random: inout SplitMix64) -> UInt8 {
    random.below(8) == 0 ? UInt8(truncatingIfNeeded: random.next()) : tellingBytes[random.below(tellingBytes.count)]
  }
}
