// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFuzzing
import GantryHTTPWire
import Testing

@Suite("Fuzzing, briefly")
struct FuzzTests {
  @Test("Every target holds for some thousand inputs", arguments: FuzzTarget.all)
  func smoke(_ target: FuzzTarget) {
    for seed: UInt64 in [1, 20_000_000] {
      if let failure = target.run(seed: seed, iterations: 1500) { Issue.record("\(failure)") }
    }
  }

  @Test("The canary is found, and its seed finds it again")
  func canary() throws {
    let failure = try #require(FuzzTarget.canary.run(seed: 1, iterations: 1000))
    let again = try #require(FuzzTarget.canary.run(seed: failure.seed, iterations: 1))
    #expect(again.input == failure.input)
    #expect(failure.description.contains("--seed \(failure.seed) "))
  }

  @Test("The oracle knows a smuggling shape when a parser lets one pass")
  func oracle() throws {
    // The parser refuses these, so heads that it accepts are held against bytes that it never saw.
    let head = try RequestHead(method: "GET", target: "/", fields: ["Host": "a", "Content-Length": "5"])
    for text in [
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\nContent-Length: 5\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    ] {
      #expect(HeadOracle.complaint(Array(text.utf8), head, WireLimits()) != nil, "\(text)")
    }
    #expect(HeadOracle.complaint(head.rendered, head, WireLimits()) == nil)
  }

  @Test("The generator's numbers are the published ones")
  func generator() {
    var random = SplitMix64(seed: 1_234_567)
    #expect(
      [random.next(), random.next(), random.next()] == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      ])
  }

  @Test("Corpora are read as they are written")
  func corpus() {
    let entries = Corpus(http: "head-accept").entries
    #expect(entries.count > 20)
    #expect(entries.contains { $0.bytes == Array("GET / HTTP/1.0\r\n\r\n".utf8) })
    #expect(entries.contains { $0.bytes.contains(0xE9) })
  }
}
