// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryConfiguration
import Testing

struct GoDurationTests {
  @Test(arguments: [
    ("0", Duration.zero), ("+0", .zero), ("-0", .zero), ("0s", .zero), ("168h", .seconds(604_800)),
    ("500ms", .milliseconds(500)), ("1h30m", .seconds(5400)), ("1.5s", .milliseconds(1500)),
    (".5s", .milliseconds(500)),
    ("1.s", .seconds(1)), ("-1.5h", .seconds(-5400)), ("+5m", .seconds(300)), ("1us", .microseconds(1)),
    ("1\u{B5}s", .microseconds(1)), ("1\u{3BC}s", .microseconds(1)), ("7ns", .nanoseconds(7)),
    ("1h2m3s4ms5us6ns", .nanoseconds(3_723_004_005_006)), ("1s1h", .seconds(3601)), ("0.000000001s", .nanoseconds(1)),
    ("0.0000000009s", .zero), ("0.333333333333333333333h", .nanoseconds(1_199_999_999_999)),
    ("9223372036854775807ns", .nanoseconds(Int64.max)),
  ])
  func reads(_ text: String, _ expected: Duration) {
    #expect(GoDuration.parse(text) == expected)
  }

  @Test(arguments: [
    "", "-", "+", "5", "1.5", "h", ".s", "1d", "1 s", " 1s", "1s ", "1S", "1h1", "--1s", "+-1s", "1..5s", "1e3s",
    "9223372036854775808ns", "3000000h", "99999999999999999999s", "1\u{661}s", "5\u{301}s", "0x1s", "1,5s",
  ])
  func refuses(_ text: String) {
    #expect(GoDuration.parse(text) == nil)
  }

  @Test(arguments: [
    ("0s", Duration.zero), ("7ns", .nanoseconds(7)), ("1.5\u{B5}s", .nanoseconds(1500)), ("500ms", .milliseconds(500)),
    ("1.001s", .milliseconds(1001)), ("30s", .seconds(30)), ("1m0s", .seconds(60)), ("168h0m0s", .seconds(604_800)),
    ("1h1m1.5s", .milliseconds(3_661_500)), ("-2s", .seconds(-2)),
  ])
  func writes(_ text: String, _ duration: Duration) {
    #expect(GoDuration.format(duration) == text)
    #expect(GoDuration.parse(text) == duration)
  }
}
