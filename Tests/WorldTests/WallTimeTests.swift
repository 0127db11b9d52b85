// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld
import Testing

struct WallTimeTests {
  @Test(arguments: [
    (WallTime(seconds: 0), "1970-01-01T00:00:00Z"),
    (WallTime(seconds: 1_709_251_199), "2024-02-29T23:59:59Z"),
    (WallTime(seconds: 1_709_251_200, nanoseconds: 1), "2024-03-01T00:00:00.000000001Z"),
    (WallTime(seconds: 951_782_400, nanoseconds: 500_000_000), "2000-02-29T00:00:00.5Z"),
    (WallTime(seconds: 4_107_542_399, nanoseconds: 999_999_999), "2100-02-28T23:59:59.999999999Z"),
    (WallTime(seconds: 4_107_542_400), "2100-03-01T00:00:00Z"),
  ])
  func aTimeIsWrittenAndReadBack(_ time: WallTime, _ text: String) {
    #expect(time.rfc3339 == text)
    #expect(WallTime(rfc3339: text) == time)
  }

  @Test(arguments: [
    ("1970-01-01T01:00:00+01:00", WallTime?.some(WallTime(seconds: 0))),
    ("1969-12-31T22:30:00-01:30", WallTime(seconds: 0)),
    ("", nil), ("1970-13-01T00:00:00Z", nil), ("1970-01-01", nil), ("1970-01-01T00:00:00.Z", nil),
    ("1970-01-01T00:00:00+1", nil), ("1970/01/01T00:00:00Z", nil), ("1970-01-01T24:00:00Z", nil),
    ("1970-01-01T00:00:00.1234567891Z", WallTime(seconds: 0, nanoseconds: 123_456_789)),
    ("0000-02-29T00:00:00Z", WallTime(seconds: -62_162_121_600)), ("x970-01-01T00:00:00Z", nil),
  ])
  func otherFormsAreReadOrRefused(_ text: String, _ time: WallTime?) {
    #expect(WallTime(rfc3339: text) == time)
  }
}
