// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFuzzing
import GantryHTTPWire
import Testing

private func event(_ text: String, limits: WireLimits = WireLimits()) -> HeadEvent {
  HeadReplay.event(Array(text.utf8), ends: [text.utf8.count], limits: limits)
}

private func head(_ text: String) throws -> RequestHead {
  guard case .head(let head, _) = event(text) else { throw NoHead(event: event(text)) }
  return head
}

private struct NoHead: Error { let event: HeadEvent }

@Suite("Request heads")
struct RequestParserTests {
  @Test("Well-formed heads are accepted", arguments: Corpus(http: "head-accept").entries)
  func accepts(_ entry: Corpus.Entry) {
    guard case .head(let head, let consumed) = HeadReplay.event(entry.bytes, ends: [entry.bytes.count]) else {
      Issue.record("\(HeadReplay.event(entry.bytes, ends: [entry.bytes.count]))")
      return
    }
    #expect(consumed <= entry.bytes.count)
    let printed = head.rendered
    #expect(HeadReplay.event(printed, ends: [printed.count]) == .head(head, consumed: printed.count))
  }

  @Test("Malformed heads are refused with their status", arguments: Corpus(http: "head-reject").entries)
  func rejects(_ entry: Corpus.Entry) {
    let event = HeadReplay.event(entry.bytes, ends: [entry.bytes.count])
    guard case .failed(let error) = event else {
      Issue.record("\(event)")
      return
    }
    #expect(entry.name.hasPrefix("\(error.status.code) "), "\(error)")
    #expect(!error.reason.isEmpty)
  }

  @Test(
    "Every cut in two, and byte by byte, gives what the whole gives",
    arguments: Corpus(http: "head-accept").entries + Corpus(http: "head-reject").entries)
  func splits(_ entry: Corpus.Entry) {
    let whole = HeadReplay.event(entry.bytes, ends: [entry.bytes.count])
    for ends in Splits.pairs(entry.bytes.count) {
      #expect(HeadReplay.event(entry.bytes, ends: ends, shift: 2) == whole, "cut at \(ends)")
    }
    #expect(HeadReplay.event(entry.bytes, ends: Array(1...entry.bytes.count)) == whole)
  }

  @Test(
    "An error names what and where",
    arguments: [
      ("GET /a b HTTP/1.1\r\n", WireError.requestLineMalformed(at: 8)),
      ("GET /\u{1} HTTP/1.1\r\n", .targetByte(1, at: 5)),
      ("GET /#f HTTP/1.1\r\n", .targetFragment(at: 5)),
      ("G(T / HTTP/1.1\r\n", .methodByte(0x28, at: 1)),
      ("GET a:1 HTTP/1.1\r\n", .targetFormRefused(at: 4)),
      ("GET http://a@b/ HTTP/1.1\r\n", .targetAuthorityInvalid(at: 11)),
      ("GET / HTTX/1.1\r\n", .versionMalformed(at: 6)),
      ("GET / HTTP/3.0\r\n", .versionUnsupported(major: 3, minor: 0)),
      ("GET / HTTP/1.1\n", .bareLineFeed(at: 14)),
      ("GET / HTTP/1.1\r\nA: b\rc\r\n", .bareCarriageReturn(at: 20)),
      ("GET / HTTP/1.1\r\nA : b\r\n", .fieldSpaceBeforeColon(at: 17)),
      ("GET / HTTP/1.1\r\nA: b\r\n c\r\n", .fieldFolded(at: 22)),
      ("GET / HTTP/1.1\r\n: b\r\n", .fieldNameEmpty(at: 16)),
      ("GET / HTTP/1.1\r\nAb\r\n", .fieldColonMissing(at: 18)),
      ("GET / HTTP/1.1\r\nA@: b\r\n", .fieldNameByte(0x40, at: 17)),
      ("GET / HTTP/1.1\r\nA: 0123456789\u{7F}\r\n", .fieldValueByte(0x7F, at: 29)),
      ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .framingConflict),
      ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", .transferEncodingUnsupported),
      ("\u{16}\u{3}\u{1}", .notHTTP(firstByte: 0x16)),
    ])
  func names(_ text: String, _ expected: WireError) {
    #expect(event(text) == .failed(expected))
  }

  @Test("Parts of a head are found")
  func parts() throws {
    let head = try head(
      "PATCH /v2/a/b?x=1&y HTTP/1.1\r\nhost:  reg:5000 \r\nX-A: one, \"two, \\\"three\" ,,\r\nX-B:\r\nx-a: four\r\n"
        + "Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n\r\n")
    #expect(head.method == .patch)
    #expect(head.path.elementsEqual("/v2/a/b".utf8))
    #expect(head.query?.elementsEqual("x=1&y".utf8) == true)
    #expect(head.version == .http11)
    #expect(head.host == "reg:5000")
    #expect(head.framing == .chunked)
    #expect(head.expectsContinue)
    #expect(head.keepAlive)
    #expect(head.fieldText("x-a") == "one, \"two, \\\"three\" ,,")
    #expect(head.fieldValues("x-a") == ["one", "\"two, \\\"three\"", "four"])
    #expect(head.fieldTexts("x-a").count == 2)
    #expect(head.fieldOccurrences("x-a") == 2)
    #expect(head.field("x-b")?.isEmpty == true)
    #expect(head.field("x-c") == nil)
  }

  @Test(
    "A target's forms",
    arguments: [
      ("GET http://other:80/p?q HTTP/1.1\r\nHost: a\r\n\r\n", "/p", "q", "other:80"),
      ("GET https://other HTTP/1.1\r\nHost: a\r\n\r\n", "/", nil, "other"),
      ("GET http://other?q HTTP/1.1\r\nHost: a\r\n\r\n", "/", "q", "other"),
      ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "*", nil, "a"),
      ("GET /? HTTP/1.1\r\nHost:\r\n\r\n", "/", "", nil),
    ] as [(String, String, String?, String?)])
  func forms(_ text: String, _ path: String, _ query: String?, _ host: String?) throws {
    let head = try head(text)
    #expect(String(decoding: head.path, as: UTF8.self) == path)
    #expect(head.query.map { String(decoding: $0, as: UTF8.self) } == query)
    #expect(head.host == host)
  }

  @Test(
    "Whether the connection stays",
    arguments: [
      ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false),
      ("HTTP/1.1", "Connection: te, CLOSE\r\n", false), ("HTTP/1.1", "Connection: keep-alive\r\n", true),
      ("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", false), ("HTTP/1.0", "", false),
      ("HTTP/1.0", "Connection: Keep-Alive\r\n", true), ("HTTP/1.0", "Connection: keep-alive, close\r\n", false),
      ("HTTP/1.1", "Connection: closed\r\n", true),
    ])
  func keepsAlive(_ version: String, _ field: String, _ expected: Bool) throws {
    #expect(try head("GET / \(version)\r\nHost: a\r\n\(field)\r\n").keepAlive == expected)
  }

  @Test(
    "Who is told to go on",
    arguments: [
      ("HTTP/1.1", "Content-Length: 5\r\n", true), ("HTTP/1.1", "Content-Length: 0\r\n", false),
      ("HTTP/1.1", "", false), ("HTTP/1.0", "Content-Length: 5\r\n", false),
      ("HTTP/1.1", "Transfer-Encoding: chunked\r\n", true),
    ])
  func expects(_ version: String, _ field: String, _ expected: Bool) throws {
    #expect(try head("PUT / \(version)\r\nHost: a\r\nExpect: 100-continue\r\n\(field)\r\n").expectsContinue == expected)
  }

  @Test("Limits hold to the byte, whether the line's end has come or not")
  func limits() {
    let line = "GET /\(String(repeating: "a", count: 20)) HTTP/1.1\r\n"
    let fields = "Host: a\r\nX: \(String(repeating: "b", count: 20))\r\n"
    let whole = line + fields + "\r\n"
    func limited(_ text: String, _ limits: WireLimits) -> WireError? {
      guard case .failed(let error) = event(text, limits: limits) else { return nil }
      return error
    }
    let count = line.utf8.count
    #expect(limited(whole, WireLimits(lineBytesMax: count)) == nil)
    #expect(limited(whole, WireLimits(lineBytesMax: count - 1)) == .requestLineTooLong(max: count - 1))
    let unended = String(line.unicodeScalars.dropLast())
    #expect(limited(unended, WireLimits(lineBytesMax: count - 1)) == .requestLineTooLong(max: count - 1))
    #expect(limited(whole, WireLimits(headBytesMax: whole.utf8.count)) == nil)
    #expect(
      limited(whole, WireLimits(headBytesMax: whole.utf8.count - 1)) == .headTooLong(max: whole.utf8.count - 1))
    #expect(limited(whole, WireLimits(fieldsMax: 2)) == nil)
    #expect(limited(whole, WireLimits(fieldsMax: 1)) == .fieldsTooMany(max: 1))
    let long = "GET / HTTP/1.1\r\nX: \(String(repeating: "b", count: 50))\r\n"
    #expect(limited(long, WireLimits(lineBytesMax: 50)) == .fieldLineTooLong(max: 50))
    #expect(WireError.requestLineTooLong(max: 1).status.code == 414)
    #expect(WireError.fieldsTooMany(max: 1).status.code == 431)
  }

  @Test("One parser serves one request after another, and stays failed until it is reset")
  func reuse() {
    var parser = RequestParser()
    let bytes = Array("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.0\r\n\r\nbad\r\n".utf8)
    var offset = 0
    for path in ["/1", "/2"] {
      guard case .head(let head, let consumed) = parser.parse(bytes, from: offset) else {
        Issue.record("no head")
        return
      }
      #expect(head.path.elementsEqual(path.utf8))
      offset += consumed
      parser.reset()
    }
    for _ in 0..<2 {
      guard case .failed = parser.parse(bytes, from: offset) else {
        Issue.record("not refused")
        return
      }
    }
    parser.reset()
    guard case .head = parser.parse(bytes, from: 0) else {
      Issue.record("no head after reset")
      return
    }
  }

  @Test("A head can be made of parts, but not smuggled into")
  func making() throws {
    let head = try RequestHead(method: "GET", target: "/v2/?n=1", fields: ["Host": "a", "Accept": "x/y"])
    #expect(head.fieldText("accept") == "x/y")
    for value in ["b\r\nX: y", "b\r\n\r\n", "b\nX"] {
      #expect(throws: WireError.self) {
        // A made head is printed first, so a line end in a part either breaks a line or ends the head early.
        let head = try RequestHead(method: "GET", target: "/", fields: ["Host": "a", "X-Last": value, "Y": ""])
        if head.fieldCount != 3 { throw WireError.bareCarriageReturn(at: 0) }
      }
    }
  }

  @Test("A target holds visible ASCII without a hash, wherever in it the byte stands", arguments: UInt8.min...UInt8.max)
  func targets(byte: UInt8) throws {
    for length in 1..<20 {
      for at in 1...length {
        var bytes = Array("GET /\(String(repeating: "a", count: length)) HTTP/1.1\r\nHost: r\r\n\r\n".utf8)
        bytes[4 + at] = byte
        var parser = RequestParser()
        let outcome = parser.parse(bytes, from: 0)
        let isAllowed = (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "#")
        switch outcome {
        case .head(let head, _):
          #expect(isAllowed, "at \(at) of \(length)")
          let path = Array(bytes[4..<(5 + length)])
          guard byte == UInt8(ascii: "?") else {
            #expect(head.path == path[...] && head.query == nil)
            continue
          }
          #expect(head.path == path[..<at] && head.query == path[(at + 1)...], "at \(at) of \(length)")
        case .failed, .needMore: #expect(!isAllowed, "at \(at) of \(length)")
        }
      }
    }
  }

  @Test("No line is scanned twice: a trickled head of many bytes stays cheap")
  func trickle() {
    // 8 KiB of one line, byte by byte: a parser that began again each time would touch 32 MiB and take seconds here.
    let line = "GET /\(String(repeating: "a", count: 8000)) HTTP/1.0\r\n\r\n"
    let bytes = Array(line.utf8)
    var parser = RequestParser()
    var buffer: [UInt8] = []
    var heads = 0
    for byte in bytes {
      buffer.append(byte)
      if case .head = parser.parse(buffer, from: 0) { heads += 1 }
    }
    #expect(heads == 1)
  }
}
