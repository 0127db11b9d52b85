// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryYAML
import Testing

struct YAMLValueTests {
  @Test(arguments: [
    ("", YAMLValue.null), ("~", .null), ("null", .null), ("Null", .null), ("NULL", .null), ("nULL", .string("nULL")),
    ("true", .bool(true)), ("True", .bool(true)), ("TRUE", .bool(true)), ("tRue", .string("tRue")),
    ("yes", .bool(true)), ("Y", .bool(true)), ("on", .bool(true)), ("no", .bool(false)), ("n", .bool(false)),
    ("OFF", .bool(false)), ("False", .bool(false)), ("none", .string("none")),
    ("0", .integer(0)), ("-0", .integer(0)), ("10", .integer(10)), ("+10", .integer(10)), ("-10", .integer(-10)),
    ("1_000", .integer(1000)), ("0x1F", .integer(31)), ("0X1f", .integer(31)), ("-0x10", .integer(-16)),
    ("010", .integer(8)), ("0o17", .integer(15)), ("0b101", .integer(5)), ("-0b11", .integer(-3)),
    ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
    ("9223372036854775808", .float(9_223_372_036_854_775_808)),
    ("08", .float(8)), ("0x", .string("0x")), ("+-1", .string("+-1")), ("0x+1", .string("0x+1")), ("-", .string("-")),
    ("+", .string("+")), ("1.5", .float(1.5)), (".5", .float(0.5)), ("1.", .float(1)), ("-1.5e3", .float(-1500)),
    ("1e3", .float(1000)), ("1e", .string("1e")), (".", .string(".")), ("0.1", .float(0.1)),
    ("1.2.3", .string("1.2.3")), ("127.0.0.1", .string("127.0.0.1")), ("12:30", .string("12:30")),
    (".inf", .float(.infinity)), ("+.Inf", .float(.infinity)), ("-.INF", .float(-.infinity)),
    ("168h", .string("168h")), ("2001-01-01", .string("2001-01-01")), ("localhost:5000", .string("localhost:5000")),
    ("0x1p4", .string("0x1p4")), ("infinity", .string("infinity")), ("+nan", .string("+nan")), ("1٣", .string("1٣")),
  ])
  func plain(_ text: String, _ expected: YAMLValue) {
    #expect(YAMLValue(plain: text) == expected)
  }

  @Test func notANumber() {
    for text in [".nan", ".NaN", ".NAN"] {
      guard case .float(let value) = YAMLValue(plain: text), value.isNaN else {
        Issue.record("\(text) is not read as NaN")
        continue
      }
    }
  }

  @Test(arguments: [
    ("true", YAMLValue.bool(true)), ("'true'", .string("true")), ("\"10\"", .string("10")), ("''", .string("")),
    ("!!str 10", .string("10")), ("!!int '10'", .integer(10)), ("!!float 10", .float(10)),
    ("!!bool 'yes'", .bool(true)),
    ("!local 10", .string("10")), ("|\n  10\n", .string("10\n")),
  ])
  func styleAndTagDecide(_ text: String, _ expected: YAMLValue) throws {
    let root = try YAMLDocument(Array(text.utf8), origin: "t").root
    #expect(root?.scalar?.resolved == expected)
  }
}
