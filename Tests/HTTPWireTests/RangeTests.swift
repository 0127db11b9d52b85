// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire
import Testing

@Suite("Ranges")
struct RangeTests {
  @Test(
    "Range headers",
    arguments: [
      ("bytes=0-4", RangeOutcome.satisfiable([0..<5])), ("bytes=5-", .satisfiable([5..<10])),
      ("bytes=-3", .satisfiable([7..<10])), ("bytes=-30", .satisfiable([0..<10])),
      ("bytes=8-99", .satisfiable([8..<10])), ("Bytes=0-0", .satisfiable([0..<1])),
      ("bytes=0-99999999999999999999999", .satisfiable([0..<10])), ("bytes=10-", .unsatisfiable),
      ("bytes=99999999999999999999-", .unsatisfiable), ("bytes=-0", .unsatisfiable), ("bytes=10-20,-0", .unsatisfiable),
      ("bytes=5-6,0-1", .satisfiable([5..<7, 0..<2])), ("bytes=0-1,10-,4-4", .satisfiable([0..<2, 4..<5])),
      ("bytes=0-1, 2-3", .satisfiable([0..<2, 2..<4])), ("bytes= ,0-1,,", .satisfiable([0..<2])),
      ("bytes=6-8,0-2,1-4,5-5", .satisfiable([0..<9])), ("bytes=0-2,1-2,8-", .satisfiable([0..<3, 8..<10])),
      ("bytes=0-0,1-1,2-2,3-3,4-4", .whole), ("bytes=", .whole), ("bytes=,", .whole), ("bytes=-", .whole),
      ("bytes=4-3", .unsatisfiable), ("bytes=0-4,4-3", .unsatisfiable), ("bytes=4-3,x", .whole), ("bytes=a-4", .whole),
      ("bytes=+1-4", .whole),
      ("bytes=0-4x", .whole), ("bytes=0 -4", .whole), ("bytes 0-4", .whole), ("chunks=0-4", .whole), ("", .whole),
      ("bytes=0-4;1-2", .whole), ("bytes=--4", .whole), ("bytes=1--4", .whole),
    ])
  func ranges(_ header: String, _ expected: RangeOutcome) {
    #expect(ByteRanges.resolve(header, size: 10, rangesMax: 4) == expected)
  }

  @Test("Nothing has no ranges", arguments: ["bytes=0-", "bytes=-1", "bytes=0-0"])
  func empty(_ header: String) {
    #expect(ByteRanges.resolve(header, size: 0, rangesMax: 4) == .whole)
  }

  @Test("The largest size overflows nothing")
  func largest() {
    #expect(
      ByteRanges.resolve("bytes=18446744073709551614-18446744073709551615", size: .max, rangesMax: 1)
        == .satisfiable([(.max - 1)..<(.max)]))
  }

  @Test(
    "Content ranges that are accepted",
    arguments: [
      ("0-0", 0, 0, nil), ("5-99", 5, 99, nil), ("bytes 5-9/10", 5, 9, 10), ("Bytes 5-9/*", 5, 9, nil),
      ("0-9223372036854775806", 0, 9_223_372_036_854_775_806, nil),
    ] as [(String, UInt64, UInt64, UInt64?)])
  func contentRanges(_ text: String, _ start: UInt64, _ end: UInt64, _ size: UInt64?) throws {
    let range = try ContentRange(parsing: text)
    #expect(range.start == start && range.end == end && range.size == size)
    #expect(range.length == end - start + 1)
    #expect(range.text == "\(start)-\(end)")
  }

  @Test(
    "Content ranges that are refused",
    arguments: [
      ("", WireError.contentRangeMalformed(at: 0)), ("5", .contentRangeMalformed(at: 1)),
      ("5-", .contentRangeMalformed(at: 2)), ("-5", .contentRangeMalformed(at: 0)),
      ("+1-5", .contentRangeMalformed(at: 0)),
      ("1-+5", .contentRangeMalformed(at: 2)), ("1 -5", .contentRangeMalformed(at: 1)),
      ("1-5/10", .contentRangeMalformed(at: 3)), ("bytes 1-5", .contentRangeMalformed(at: 9)),
      ("bytes */10", .contentRangeMalformed(at: 6)), ("bytes=1-5/10", .contentRangeMalformed(at: 0)),
      ("chunks 1-5/10", .contentRangeUnit), ("5-4", .contentRangeReversed),
      ("bytes 0-10/10", .contentRangeBeyondSize), ("0-9223372036854775807", .contentRangeNumberTooLarge(at: 2)),
      ("99999999999999999999-99999999999999999999", .contentRangeNumberTooLarge(at: 0)),
    ])
  func contentRangesRefused(_ text: String, _ expected: WireError) {
    #expect(throws: expected) { try ContentRange(parsing: text) }
    #expect(expected.status == .badRequest)
  }
}
