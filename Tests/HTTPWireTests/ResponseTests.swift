// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire
import Testing

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite("Responses")
struct ResponseTests {
  @Test(
    "A head is written whole",
    arguments: [
      (ResponseFraming.length(5), HTTPVersion.http11, true, "Content-Length: 5\r\n"),
      (.length(0), .http11, false, "Content-Length: 0\r\nConnection: close\r\n"),
      (.chunked, .http11, true, "Transfer-Encoding: chunked\r\n"),
      (.none, .http11, true, ""),
      (.length(5), .http10, true, "Content-Length: 5\r\nConnection: keep-alive\r\n"),
      (.untilClose, .http10, false, ""),
    ])
  func head(_ framing: ResponseFraming, _ version: HTTPVersion, _ keepAlive: Bool, _ expected: String) {
    var fields = Fields()
    fields.append("A", "b")
    var output = Array("before".utf8)
    ResponseHead(status: .ok, fields: fields).write(
      framing: framing, keepAlive: keepAlive, version: version, date: Array("D".utf8), into: &output)
    #expect(text(output) == "beforeHTTP/1.1 200 OK\r\nDate: D\r\n\(expected)A: b\r\n\r\n")
  }

  @Test("A status without a phrase keeps its space")
  func unknownStatus() {
    var output: [UInt8] = []
    ResponseWriter.writeHead(
      status: HTTPStatus(299), fields: Fields(), framing: .none, keepAlive: true, date: [], into: &output)
    #expect(text(output) == "HTTP/1.1 299 \r\n\r\n")
    #expect(HTTPStatus(299).description == "299")
    #expect(HTTPStatus.notFound.description == "404 Not Found")
    #expect(HTTPStatus.notModified.forbidsContent && !HTTPStatus.ok.forbidsContent)
  }

  @Test("A length is written in all its digits")
  func lengths() {
    var lengths: [UInt64] = [0, 7, .max]
    var power: UInt64 = 10
    for _ in 0..<19 {
      lengths += [power - 1, power, power + 1, power &* 9]
      power &*= 10
    }
    for length in lengths {
      var output: [UInt8] = []
      ResponseWriter.writeHead(
        status: .ok, fields: Fields(), framing: .length(length), keepAlive: true, date: [], into: &output)
      #expect(text(output) == "HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n")
    }
  }

  @Test("Every phrase belongs to its code")
  func phrases() {
    for code in UInt16(100)...599 where !HTTPStatus(code).reason.isEmpty {
      var output: [UInt8] = []
      ResponseWriter.writeHead(
        status: HTTPStatus(code), fields: Fields(), framing: .none, keepAlive: true, date: [], into: &output)
      #expect(text(output) == "HTTP/1.1 \(code) \(HTTPStatus(code).reason)\r\n\r\n")
    }
  }

  @Test("Fields keep their order and duplicates, and no value ends its line")
  func fields() throws {
    var fields = Fields()
    fields.append("Link", "<a>")
    fields.append("X-Bytes", Array("b\r\nSet-Cookie: c\0".utf8))
    fields.append("Link", " <d>\n")
    fields.append("X-Number", decimal: 18_446_744_073_709_551_615)
    try fields.append(name: "X-Late", "caf\u{E9}\ttab")
    var more = Fields()
    more.append("Z", "")
    fields.append(more)
    #expect(
      text(fields.rendered)
        == "Link: <a>\r\nX-Bytes: b  Set-Cookie: c \r\nLink:  <d> \r\nX-Number: 18446744073709551615\r\n"
        + "X-Late: caf\u{E9}\ttab\r\nZ: \r\n")
    #expect(fields.map { text(Array($0.name)) } == ["Link", "X-Bytes", "Link", "X-Number", "X-Late", "Z"])
    #expect(fields.first("LINK") == "<a>")
    #expect(fields.first("z") == "")
    #expect(fields.first("Lin") == nil)
  }

  @Test("A name that is no token is refused", arguments: ["", "a b", "a:", "a\r\nb", "caf\u{E9}", "\0"])
  func names(_ name: String) {
    var fields = Fields()
    #expect(throws: WireError.self) { try fields.append(name: name, "x") }
    #expect(fields.isEmpty)
  }

  @Test(
    "Dates are written in the one form and read in three",
    arguments: [
      ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
      ("Wed, 31 Dec 1969 23:59:59 GMT", -1), ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
      ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799), ("Sat, 01 Jan 0000 00:00:00 GMT", -62_167_219_200),
    ] as [(String, Int64)])
  func dates(_ text: String, _ seconds: Int64) {
    #expect(HTTPDate(unixSeconds: seconds).text == text)
    #expect(HTTPDate(parsing: text)?.unixSeconds == seconds)
  }

  @Test(
    "Old forms of dates",
    arguments: [
      ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777), ("Sun Nov  6 08:49:37 1994", 784_111_777),
      ("Tue Nov 15 08:49:37 1994", 784_889_377), ("Friday, 01-Jan-69 00:00:00 GMT", 3_124_224_000),
      ("Sun, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
    ] as [(String, Int64)])
  func oldDates(_ text: String, _ seconds: Int64) {
    #expect(HTTPDate(parsing: text)?.unixSeconds == seconds)
  }

  @Test(
    "Texts that are no dates",
    arguments: [
      "", "Sun", "06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT",
      "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
      "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994 08:49:37 UTC", "Xyz, 06 Nov 1994 08:49:37 GMT",
      "Sun, 00 Nov 1994 08:49:37 GMT",
    ])
  func noDates(_ text: String) {
    #expect(HTTPDate(parsing: text) == nil)
  }
}
