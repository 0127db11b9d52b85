// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTP2
import GantryHTTP2Peer
import GantryHTTPWire
import Testing

@Suite("Heads that are refused")
struct MalformedHeadTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let fields: [(String, String)]
    let error: WireError
    /// Whether nghttp2 resets the stream before we see the head.
    let isReset: Bool

    init(_ name: String, _ fields: [(String, String)], _ error: WireError, isReset: Bool = true) {
      self.name = name
      self.fields = fields
      self.error = error
      self.isReset = isReset
    }

    var testDescription: String { name }
  }

  private static let start = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")]

  static let cases = [
    Case("no method", Array(start.dropFirst()), .pseudoFieldMissing),
    Case("no scheme", [start[0], start[2], start[3]], .pseudoFieldMissing),
    Case("no path", [start[0], start[1], start[3]], .targetFormRefused(at: 0)),
    Case("two paths", start + [(":path", "/b")], .pseudoFieldMisplaced),
    Case("an unknown pseudo-header field", start + [(":protocol", "x")], .pseudoFieldMisplaced),
    Case("a status", start + [(":status", "200")], .pseudoFieldMisplaced),
    Case("a late pseudo-header field", [("a", "b")] + start, .pseudoFieldMisplaced),
    Case("connection", start + [("connection", "close")], .fieldConnectionSpecific),
    Case("keep-alive", start + [("keep-alive", "1")], .fieldConnectionSpecific),
    Case("proxy-connection", start + [("proxy-connection", "close")], .fieldConnectionSpecific),
    Case("transfer-encoding", start + [("transfer-encoding", "chunked")], .fieldConnectionSpecific),
    Case("upgrade", start + [("upgrade", "h2c")], .fieldConnectionSpecific),
    Case("te", start + [("te", "gzip")], .fieldConnectionSpecific),
    Case("capitals", start + [("Accept", "a")], .fieldNameByte(0x41, at: 0)),
    Case("a line end in a value", start + [("a", "b\r\nc: d")], .fieldValueByte(13, at: 1)),
    Case("NUL in a value", start + [("a", "b\0c")], .fieldValueByte(0, at: 1)),
    Case("a space in a name", start + [("a b", "c")], .fieldNameByte(32, at: 1)),
    Case("an empty name", start + [("", "c")], .fieldNameEmpty(at: 39)),
    Case("an empty path", [start[0], start[1], (":path", ""), start[3]], .targetFormRefused(at: 0)),
    Case("two lengths", start + [("content-length", "1"), ("content-length", "1")], .contentLengthRepeated),
    Case("a length that is none", start + [("content-length", "+1")], .contentLengthInvalid),
    Case("a length without a body", start + [("content-length", "5")], .contentLengthInvalid),
    Case(
      "an absolute target", [start[0], start[1], (":path", "http://a/"), start[3]], .targetFormRefused(at: 0),
      isReset: true),
    Case("a fragment", [start[0], start[1], (":path", "/a#b"), start[3]], .targetFragment(at: 2), isReset: false),
    Case(
      "another host", start + [("host", "b")], .hostRepeated, isReset: false),
    Case("no host", Array(start.dropLast()), .hostMissing),
    Case("a host with a path", Array(start.dropLast()) + [("host", "a/b")], .hostInvalid),
    Case("an unknown expectation", start + [("expect", "tea")], .expectationUnsupported, isReset: false),
    Case(
      "a long path", [start[0], start[1], (":path", "/" + String(repeating: "a", count: 24 << 10)), start[3]],
      .requestLineTooLong(max: 24 << 10), isReset: false),
    Case(
      "a long field", start + [("a", String(repeating: "b", count: 24 << 10))],
      .fieldLineTooLong(max: 24 << 10), isReset: false),
    Case(
      "a long head", start + (0..<4).map { ("a\($0)", String(repeating: "b", count: 10_000)) },
      .headTooLong(max: 32 << 10), isReset: false),
    Case("many fields", start + (0..<101).map { ("a\($0)", "b") }, .fieldsTooMany(max: 100), isReset: false),
    Case(
      "cookies in crumbs that are long together",
      start + (0..<3).map { _ in ("cookie", String(repeating: "b", count: 9000)) },
      .fieldLineTooLong(max: 24 << 10), isReset: false),
  ]

  @Test("A section says what is wrong with it", arguments: cases)
  func section(_ example: Case) {
    var section = FieldSection(limits: WireLimits())
    for (name, value) in example.fields { section.add(name: Array(name.utf8).span, value: Array(value.utf8).span) }
    #expect(throws: example.error) { try section.finish(endsStream: true) }
  }

  @Test("Its request is refused, and the connection goes on", arguments: cases)
  func request(_ example: Case) throws {
    let driver = SessionDriver()
    driver.settle()
    driver.send(.head(1, example.fields))
    driver.send(.request(3, "GET", "/next"))
    #expect(driver.heads[1] == nil && driver.peer.replies[3]?.text == "/next")
    let reply = try #require(driver.peer.replies[1])
    if example.isReset {
      #expect(reply.resetCode == 1 && reply.statuses == [])
    } else {
      #expect(reply.status == Int(example.error.status.code) && reply.isEnded, "\(reply)")
    }
    #expect(driver.session.streamCount == 0 && driver.peer.complaints == [])
  }

  @Test("A body of another length than announced is no whole body")
  func otherLength() {
    for (sent, ends) in [(4, true), (6, false)] {
      let driver = SessionDriver()
      driver.answers = false
      driver.send(.request(1, "PUT", "/", [("content-length", "5")], ends: false))
      driver.send(.data(1, [UInt8](repeating: 0, count: sent), ends: ends))
      #expect(driver.told.last == "reset 1" && driver.peer.replies[1]?.resetCode == 1)
    }
  }
}
