// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import Testing

@Suite struct JSONTests {
  static let good: [(String, JSONValue)] = [
    ("null", .null), (" true\n", .boolean(true)), ("false", .boolean(false)), ("0", .integer(0)), ("-0", .integer(0)),
    ("-12", .integer(-12)), ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
    ("9223372036854775808", .number("9223372036854775808")), ("1.50", .number("1.50")), ("1e3", .number("1e3")),
    ("-1.5E-07", .number("-1.5E-07")), ("2e+1", .number("2e+1")), (#""""#, ""), (#""é😀""#, "é😀"),
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u0041\u00e9\uD83D\ude00z""#, "Aé😀z"),
    (#""\ud800""#, "\u{fffd}"), (#""\ud800\u0041""#, "\u{fffd}A"), (#""\udc00\ud83d\ude00""#, "\u{fffd}😀"),
    (#""\ud800\ud83d\ude00""#, "\u{fffd}😀"), (#""\ud800x""#, "\u{fffd}x"), ("[]", []), ("[ ]", []), ("{ }", [:]),
    ("[1,[2,\t{}],null]", [.integer(1), [.integer(2), [:]], .null]),
    (#"{"a" : 1 , "a":{"b":[]}}"#, ["a": .integer(1), "a": ["b": []]]),
  ]

  @Test(arguments: good)
  func `texts that follow the grammar`(text: String, value: JSONValue) throws {
    let parsed = try JSONValue(parsing: Array(text.utf8))
    #expect(parsed == value)
    var written: [UInt8] = []
    JSONText.append(parsed, to: &written)
    #expect(try JSONValue(parsing: written) == parsed)
  }

  @Test(arguments: [
    ("", 0), (" ", 1), ("{", 1), ("[", 1), ("}", 0), ("{}}", 2), ("{} {}", 3), ("[1,]", 3), ("{\"a\":1,}", 7),
    ("[,1]", 1),
    ("{\"a\" 1}", 5), ("{\"a\":}", 5), ("{a:1}", 1), ("{1:1}", 1), ("[1 2]", 3), ("[1}", 2), ("{\"a\":[}]", 6),
    ("01", 1),
    ("-", 1), ("+1", 0), ("1.", 2), (".5", 0), ("1e", 2), ("1e+", 3), ("0x1", 1), ("NaN", 0), ("Infinity", 0),
    ("tru", 3),
    ("truE", 3), ("nul", 3), ("'a'", 0), ("\"a", 2), ("\"a\\", 3), ("\"\\x\"", 2), ("\"\\u12g4\"", 5), ("\"\\u", 3),
    ("\"\n\"", 1), ("\"\0\"", 1), ("{\0}", 1), ("\u{feff}{}", 0), ("// a\n1", 0), ("\u{a0}1", 0),
  ])
  func `texts that break the grammar, and where`(text: String, offset: Int) {
    #expect {
      try JSONValue(parsing: Array(text.utf8))
    } throws: { error in
      guard case .malformed(let reason, offset)? = error as? JSONError else { return false }
      return !reason.isEmpty
    }
  }

  @Test(
    arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xE2, 0x82]] as [[UInt8]])
  func `what is not UTF-8 is refused`(bytes: [UInt8]) {
    let quoted = [UInt8(ascii: "\"")] + bytes + [UInt8(ascii: "\"")]
    #expect(throws: JSONError.malformed(reason: "invalid UTF-8", offset: 1)) { try JSONValue(parsing: quoted) }
  }

  @Test func `limits`() throws {
    let three = Array("[[[0,1]]]".utf8)
    #expect(throws: JSONError.tooDeep(depthMax: 2)) { try JSONValue(parsing: three, depthMax: 2) }
    #expect(throws: JSONError.tooManyValues(valuesMax: 4)) { try JSONValue(parsing: three, valuesMax: 4) }
    #expect(try JSONValue(parsing: three, depthMax: 3, valuesMax: 5) == [[[.integer(0), .integer(1)]]])
    let siblings = Array("[[],[],{},{}]".utf8)
    #expect(try JSONValue(parsing: siblings, depthMax: 2) == [[], [], [:], [:]])
    let deep = [UInt8](repeating: UInt8(ascii: "["), count: 4 << 20)
    #expect(throws: JSONError.tooDeep(depthMax: 64)) { try JSONValue(parsing: deep) }
  }
}
