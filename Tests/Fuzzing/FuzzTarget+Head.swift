// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire

extension FuzzTarget {
  /// Limits small enough that mutated inputs reach them.
  static let narrow = WireLimits(
    lineBytesMax: 120, headBytesMax: 300, fieldsMax: 8, emptyLinesMax: 2, chunkLineBytesMax: 24,
    chunkOverheadBytesMax: 64, trailerBytesMax: 40)

  /// Request heads: however cut, the same outcome; never a smuggling shape; printed and parsed again the same.
  public static let head = FuzzTarget(
    "head", corpus: [Corpus(http: "head-accept"), Corpus(http: "head-reject")],
    words: [
      "Host: a\r\n", "Content-Length: 5\r\n", "Content-Length: +5\r\n", "Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding: identity\r\n", "Connection: close\r\n", "Expect: 100-continue\r\n", "\r\n", " HTTP/1.1",
      " HTTP/1.0", "http://", "chunked", "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
    ]
  ) { input, random in
    for limits in [WireLimits(), narrow] {
      let whole = HeadReplay.event(input, ends: [input.count], limits: limits)
      let cut = HeadReplay.event(
        input, ends: Splits.random(input.count, &random), shift: random.below(3), limits: limits)
      guard whole == cut else { return "whole: \(whole); in pieces: \(cut)" }
      guard case .head(let head, let consumed) = whole else { continue }
      guard consumed > 0, consumed <= input.count else { return "consumed \(consumed) of \(input.count)" }
      if let complaint = HeadOracle.complaint(Array(input[..<consumed]), head, limits) { return complaint }
      let printed = head.rendered
      guard HeadReplay.event(printed, ends: [printed.count]) == .head(head, consumed: printed.count) else {
        return "printed and parsed again, the head differs"
      }
      if let complaint = useHead(head) { return complaint }
    }
    return nil
  }

  /// Asks a head everything it can be asked.
  private static func useHead(_ head: RequestHead) -> String? {
    guard head.path.first == UInt8(ascii: "/") || head.path.elementsEqual("*".utf8) else { return "the path" }
    guard head.path.allSatisfy({ $0 > 32 && $0 < 127 }) else { return "a byte in the path" }
    if let host = head.host, HostPort(parsing: host) == nil { return "the host \(host)" }
    _ = head.fieldValues("accept")
    _ = head.fieldText("connection")
    for value in head.fieldValues("x-long") where value.isEmpty { return "an empty element in a list" }
    return nil
  }
}
