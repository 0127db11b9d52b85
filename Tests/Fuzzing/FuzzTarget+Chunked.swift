// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire

extension FuzzTarget {
  /// Chunked bodies: however cut, the same data and the same end; what is accepted, a plain reader reads the same way.
  public static let chunked = FuzzTarget(
    "chunked", corpus: [Corpus(http: "chunked-accept"), Corpus(http: "chunked-reject")],
    words: ["0\r\n\r\n", "5\r\nhello\r\n", "1\r\na\r\n", ";x=y", "\r\n", "ffffffffffffffff\r\n", "X: y\r\n"]
  ) { input, random in
    for limits in [WireLimits(), narrow] {
      let whole = ChunkedReplay(input, ends: [input.count], limits: limits)
      if case .broken(let complaint) = whole.ending { return complaint }
      let cut = ChunkedReplay(input, ends: Splits.random(input.count, &random), limits: limits)
      guard whole == cut else { return "whole: \(whole); in pieces: \(cut)" }
      guard case .end(let consumed) = whole.ending else { continue }
      guard consumed <= input.count else { return "consumed \(consumed) of \(input.count)" }
      guard readPlainly(input[..<consumed]) == whole.data else { return "a plain reader reads other data" }
    }
    return encodedAgain(input, &random)
  }

  /// The coding's grammar by search and slices; nil where it does not fit exactly.
  private static func readPlainly(_ body: ArraySlice<UInt8>) -> [UInt8]? {
    var rest = body
    var data: [UInt8] = []
    while true {
      guard let lineFeed = rest.firstIndex(of: 10), lineFeed > rest.startIndex, rest[lineFeed - 1] == 13 else {
        return nil
      }
      let line = rest[rest.startIndex..<(lineFeed - 1)]
      let digits = line.prefix { $0 != UInt8(ascii: ";") }
      guard let first = digits.first, first != UInt8(ascii: "+"), !line.contains(13),
        let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0
      else { return nil }
      rest = rest[(lineFeed + 1)...]
      if size == 0 { break }
      guard rest.count >= size + 2, rest.dropFirst(size).starts(with: [13, 10]) else { return nil }
      data += rest.prefix(size)
      rest = rest.dropFirst(size + 2)
    }
    while !rest.elementsEqual([13, 10]) {
      guard let lineFeed = rest.firstIndex(of: 10), lineFeed > rest.startIndex, rest[lineFeed - 1] == 13,
        let colon = rest.firstIndex(of: UInt8(ascii: ":")), colon > rest.startIndex, colon < lineFeed
      else { return nil }
      rest = rest[(lineFeed + 1)...]
    }
    return data
  }

  /// Any bytes, written as chunks, decode to themselves.
  private static func encodedAgain(_ input: [UInt8], _ random: inout SplitMix64) -> String? {
    var body: [UInt8] = []
    var start = 0
    for end in Splits.random(input.count, &random) where end > start {
      ResponseWriter.writeChunkHeader(size: end - start, into: &body)
      body += input[start..<end]
      ResponseWriter.writeChunkEnd(into: &body)
      start = end
    }
    ResponseWriter.writeLastChunk(into: &body)
    let replay = ChunkedReplay(body, ends: Splits.random(body.count, &random))
    guard replay.data == input, replay.ending == .end(consumed: body.count) else {
      return "chunks we wrote are read as \(replay)"
    }
    return nil
  }
}
