// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFuzzing
import GantryHTTPWire
import Testing

@Suite("The chunked coding")
struct ChunkedDecoderTests {
  @Test("Well-formed bodies end", arguments: Corpus(http: "chunked-accept").entries)
  func accepts(_ entry: Corpus.Entry) {
    guard case .end = ChunkedReplay(entry.bytes, ends: [entry.bytes.count]).ending else {
      Issue.record("\(ChunkedReplay(entry.bytes, ends: [entry.bytes.count]))")
      return
    }
  }

  @Test("Malformed bodies are refused with their status", arguments: Corpus(http: "chunked-reject").entries)
  func rejects(_ entry: Corpus.Entry) {
    let replay = ChunkedReplay(entry.bytes, ends: [entry.bytes.count])
    guard case .failed(let error) = replay.ending else {
      Issue.record("\(replay)")
      return
    }
    #expect(entry.name.hasPrefix("\(error.status.code) "), "\(error)")
    #expect(!error.reason.isEmpty)
  }

  @Test(
    "Every cut in two, and byte by byte, gives what the whole gives",
    arguments: Corpus(http: "chunked-accept").entries + Corpus(http: "chunked-reject").entries)
  func splits(_ entry: Corpus.Entry) {
    let whole = ChunkedReplay(entry.bytes, ends: [entry.bytes.count])
    for ends in Splits.pairs(entry.bytes.count) + [Array(1...entry.bytes.count)] {
      #expect(ChunkedReplay(entry.bytes, ends: ends) == whole, "cut at \(ends)")
    }
  }

  @Test("The data is what was sent, and the next request begins behind it")
  func data() {
    let body = Array("5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nA: b\r\n\r\nGET".utf8)
    let replay = ChunkedReplay(body, ends: [body.count])
    #expect(replay.data == Array("hello world".utf8))
    #expect(replay.ending == .end(consumed: body.count - 3))
  }

  @Test("An error names the place")
  func places() {
    func ending(_ text: String) -> ChunkedReplay.Ending {
      ChunkedReplay(Array(text.utf8), ends: Array(1...text.utf8.count)).ending
    }
    #expect(ending("5\r\nhelloX") == .failed(.chunkDataUnterminated(at: 8)))
    #expect(ending("5\r\nhello\r\n0x") == .failed(.chunkSizeByte(0x78, at: 11)))
    #expect(ending("8000000000000000") == .failed(.chunkSizeTooLarge(at: 15)))
    #expect(ending("7fffffffffffffff\r\n") == .needMore)
    #expect(ending("0\r\nA\r\n") == .failed(.fieldColonMissing(at: 4)))
  }

  @Test("Lines, trailers and the waste of many small chunks are bounded")
  func limits() {
    func ending(_ text: String, _ limits: WireLimits) -> ChunkedReplay.Ending {
      ChunkedReplay(Array(text.utf8), ends: [text.utf8.count], limits: limits).ending
    }
    let line = "1;\(String(repeating: "x", count: 20))\r\n"
    #expect(ending(line + "a\r\n", WireLimits(chunkLineBytesMax: line.utf8.count)) == .needMore)
    #expect(
      ending(line, WireLimits(chunkLineBytesMax: line.utf8.count - 1))
        == .failed(.chunkLineTooLong(max: line.utf8.count - 1)))
    #expect(ending("0\r\nA: b\r\n\r\n", WireLimits(trailerBytesMax: 8)) == .end(consumed: 11))
    #expect(ending("0\r\nA: b\r\n\r\n", WireLimits(trailerBytesMax: 7)) == .failed(.trailersTooLong(max: 7)))
    let wasteful = String(repeating: line + "a\r\n", count: 100)
    #expect(ending(wasteful, WireLimits(chunkOverheadBytesMax: 200)) == .failed(.chunkOverheadTooLarge(max: 200)))
    let thrifty = String(repeating: "1\r\na\r\n", count: 10_000)
    #expect(ending(thrifty, WireLimits(chunkOverheadBytesMax: 200)) == .needMore)
  }

  @Test(
    "Chunk sizes are written in plain hexadecimal", arguments: [(1, "1"), (15, "f"), (16, "10"), (0xABCDE, "abcde")])
  func header(_ size: Int, _ digits: String) {
    var output: [UInt8] = []
    ResponseWriter.writeChunkHeader(size: size, into: &output)
    #expect(output == Array("\(digits)\r\n".utf8))
  }
}
