// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld
import Testing

@testable import GantryRegistryAPI

struct UploadStateTests {
  // Computed with Python's hmac, hashlib and base64 over the JSON that Go's encoding/json writes.
  @Test(arguments: [
    (
      "asecretforlocaldevelopment",
      UploadState(
        name: "library/hello", uuid: "0192f3c1-7a3e-7bd0-9a51-3f6e0c4d2b1a", offset: 1_048_576,
        startedAt: WallTime(seconds: 1_795_317_722, nanoseconds: 120_000_005)),
      "dQolfx5ggKBgnhrWwazZlnV9_OJULNr4y4hO-W3ARSl7Ik5hbWUiOiJsaWJyYXJ5L2hlbGxvIiwiVVVJRCI6IjAxOTJmM2MxLTdhM2UtN2Jk"
        + "MC05YTUxLTNmNmUwYzRkMmIxYSIsIk9mZnNldCI6MTA0ODU3NiwiU3RhcnRlZEF0IjoiMjAyNi0xMS0yMlQwMzoyMjowMi4xMjAwMDAw"
        + "MDVaIn0="
    ),
    (
      "k",
      UploadState(
        name: "a", uuid: "11111111-2222-4333-8444-555555555555", offset: 0,
        startedAt: WallTime(seconds: 1_709_251_199)),
      "x79f47wProJw1CYn1Zq5i-v3WxmvVXPACDf-qIRVtWd7Ik5hbWUiOiJhIiwiVVVJRCI6IjExMTExMTExLTIyMjItNDMzMy04NDQ0LTU1NTU1"
        + "NTU1NTU1NSIsIk9mZnNldCI6MCwiU3RhcnRlZEF0IjoiMjAyNC0wMi0yOVQyMzo1OTo1OVoifQ=="
    ),
  ])
  func aTokenIsDistributions(_ secret: String, _ state: UploadState, _ token: String) throws {
    #expect(state.signed(with: Array(secret.utf8)) == token)
    #expect(try UploadState(token: token, secret: Array(secret.utf8)) == state)
    #expect(throws: UploadState.Fault.forged) { try UploadState(token: token, secret: Array("other".utf8)) }
  }

  @Test func anyChangedByteIsForged() {
    let secret = Array("s".utf8)
    let token = Array(
      UploadState(name: "a", uuid: "u", offset: 7, startedAt: WallTime(seconds: 0)).signed(with: secret).utf8)
    for index in token.indices where token[index] != UInt8(ascii: "=") {
      var changed = token
      changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
      #expect(throws: UploadState.Fault.self) {
        try UploadState(token: String(decoding: changed, as: UTF8.self), secret: secret)
      }
    }
  }

  @Test(arguments: ["", "x", "!!!!", "AAAA", String(repeating: "A", count: 43)])
  func shortOrForeignTextIsMalformed(_ token: String) {
    #expect(throws: UploadState.Fault.malformed) { try UploadState(token: token, secret: [1]) }
  }
}

struct TimestampTests {
  @Test(arguments: [
    (WallTime(seconds: 0), "1970-01-01T00:00:00Z"),
    (WallTime(seconds: 1_709_251_199), "2024-02-29T23:59:59Z"),
    (WallTime(seconds: 1_709_251_200, nanoseconds: 1), "2024-03-01T00:00:00.000000001Z"),
    (WallTime(seconds: 951_782_400, nanoseconds: 500_000_000), "2000-02-29T00:00:00.5Z"),
    (WallTime(seconds: 4_107_542_399, nanoseconds: 999_999_999), "2100-02-28T23:59:59.999999999Z"),
    (WallTime(seconds: 4_107_542_400), "2100-03-01T00:00:00Z"),
  ])
  func aTimeIsWrittenAndReadBack(_ time: WallTime, _ text: String) {
    #expect(Timestamp.text(time) == text)
    #expect(Timestamp.parse(text) == time)
  }

  @Test(arguments: [
    ("1970-01-01T01:00:00+01:00", WallTime?.some(WallTime(seconds: 0))),
    ("1969-12-31T22:30:00-01:30", WallTime(seconds: 0)),
    ("", nil), ("1970-13-01T00:00:00Z", nil), ("1970-01-01", nil), ("1970-01-01T00:00:00.Z", nil),
    ("1970-01-01T00:00:00+1", nil), ("x970-01-01T00:00:00Z", nil),
  ])
  func otherFormsAreReadOrRefused(_ text: String, _ time: WallTime?) {
    #expect(Timestamp.parse(text) == time)
  }
}
