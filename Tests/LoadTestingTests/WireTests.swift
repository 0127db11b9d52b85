// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

@testable import GantryLoadTesting

@Suite("Answers are read whole")
struct WireTests {
  @Test(
    "Heads say how their bodies end",
    arguments: [
      ("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", 200, AnswerHead.Framing.length(12), false),
      ("HTTP/1.1 200 OK\r\ncontent-length:7 \r\nConnection: Close\r\n\r\n", 200, .length(7), true),
      ("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n", 201, .chunked, false),
      ("HTTP/1.1 200 OK\r\n\r\n", 200, .untilClose, false),
      ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, .length(0), true),
      ("HTTP/1.1 204 No Content\r\n\r\n", 204, .length(0), false),
      ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, .length(0), false),
      ("HTTP/1.1 404 \r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 404, .chunked, false),
    ])
  func heads(_ text: String, _ status: Int, _ framing: AnswerHead.Framing, _ closes: Bool) {
    let bytes = Array(text.utf8) + Array("body".utf8)
    var head = AnswerHead()
    #expect(head.parse(bytes, 0, bytes.count) == .complete(end: text.utf8.count))
    #expect(head.status == status)
    #expect(head.framing == framing)
    #expect(head.closes == closes)
    for end in 0..<text.utf8.count {
      var cut = AnswerHead()
      #expect(cut.parse(bytes, 0, end) == .incomplete)
    }
  }

  @Test(
    "What is no answer is refused",
    arguments: [
      "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
    ])
  func broken(_ text: String) {
    var head = AnswerHead()
    guard case .broken = head.parse(Array(text.utf8), 0, text.utf8.count) else {
      Issue.record("\(text) was taken")
      return
    }
  }

  @Test("A chunked body is the same however it is cut")
  func chunked() {
    let bytes = Array("4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n".utf8)
    for cut in 1..<bytes.count {
      var reader = BodyReader(.collect(atMost: 100), .chunked)
      reader.take(bytes, 0, cut)
      reader.take(bytes, cut, bytes.count)
      #expect(reader.isComplete && !reader.leftover)
      #expect(reader.collected == Array("wikipedia".utf8))
    }
  }

  @Test(
    "URLs of registries",
    arguments: [
      ("http://localhost:5000", "localhost", 5000, "", false),
      ("https://r.example.com/", "r.example.com", 443, "", true),
      ("http://[::1]:80/prefix/", "::1", 80, "/prefix", false), ("HTTP://10.0.0.1", "10.0.0.1", 80, "", false),
    ])
  func urls(_ text: String, _ host: String, _ port: UInt16, _ path: String, _ isSecure: Bool) throws {
    let url = try TargetURL(text)
    #expect(url.host == host && url.port == port && url.path == path && url.isSecure == isSecure)
  }

  @Test(
    "What is no URL of a registry is named",
    arguments: ["localhost:5000", "ftp://x", "http://", "http://:80", "http://x:0", "http://x:99999", "http://u:p@x"])
  func badURLs(_ text: String) {
    #expect(throws: InputError.self) { try TargetURL(text) }
  }

  @Test("A challenge's parameters")
  func challenge() {
    let values = Authorizer.parameters(
      #"Bearer realm="https://t/token",service="a, b",scope="repository:x:pull,push",n=1"#)
    #expect(values["realm"] == "https://t/token")
    #expect(values["service"] == "a, b")
    #expect(values["scope"] == "repository:x:pull,push")
    #expect(values["n"] == "1")
  }

  @Test("Base64", arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("user:pass", "dXNlcjpwYXNz")])
  func base64(_ text: String, _ encoded: String) {
    #expect(Base64.encode(Array(text.utf8)) == encoded)
  }
}
