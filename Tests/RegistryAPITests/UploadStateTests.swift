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
