// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

/// A malformed request: what is wrong with it, the bytes, and what its answer must say.
struct BadRequest: Sendable, CustomTestStringConvertible {
  let what: String
  let bytes: [UInt8]
  let statuses: [Int]
  /// Words of which the answer must hold one, in any case: it names what was wrong.
  let names: [String]

  var testDescription: String { what }

  init(_ what: String, _ text: String, _ statuses: [Int] = [400], naming names: [String]) {
    self.what = what
    bytes = Array(text.utf8)
    self.statuses = statuses
    self.names = names
  }

  /// A request of a good first line with these header lines and body.
  static func head(
    _ what: String, _ lines: String, body: String = "", _ statuses: [Int] = [400], naming names: [String]
  ) -> BadRequest {
    BadRequest(
      what, "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\n\(lines)\r\n\r\n\(body)", statuses, naming: names)
  }

  static let framing: [BadRequest] = [
    .head(
      "both framings", "Content-Length: 5\r\nTransfer-Encoding: chunked", body: "0\r\n\r\n",
      naming: ["transfer-encoding"]),
    .head("duplicate length", "Content-Length: 5\r\nContent-Length: 5", body: "hello", naming: ["content-length"]),
    .head("differing lengths", "Content-Length: 5\r\nContent-Length: 6", body: "hello!", naming: ["content-length"]),
    .head("listed lengths", "Content-Length: 5, 5", body: "hello", naming: ["content-length"]),
    .head("signed length", "Content-Length: +5", body: "hello", naming: ["content-length"]),
    .head("negative length", "Content-Length: -5", body: "hello", naming: ["content-length"]),
    .head("hexadecimal length", "Content-Length: 0x5", body: "hello", naming: ["content-length"]),
    .head("empty length", "Content-Length:", naming: ["content-length"]),
    .head("length past 64 bits", "Content-Length: 99999999999999999999999", [400, 413], naming: ["content-length"]),
    .head("space before the colon", "Content-Length : 5", body: "hello", naming: ["field", "header", "colon"]),
    .head("folded header", "X-A: b\r\n c", naming: ["fold", "field", "header", "line"]),
    .head("first header folded", " X-A: b", naming: ["fold", "field", "header", "line"]),
    .head("header without a colon", "nonsense", naming: ["colon", "field", "header"]),
    .head("empty field name", ": b", naming: ["field", "header", "name"]),
    .head("NUL in a value", "X-A: b\0c", naming: ["field", "header", "value", "nul", "control"]),
    .head("bare CR in a value", "X-A: b\rc", naming: ["cr", "carriage", "control", "field", "value"]),
    .head("control character in a name", "X\u{1}A: b", naming: ["field", "header", "name"]),
    .head("unknown coding", "Transfer-Encoding: gzip", [400, 501], naming: ["transfer coding", "transfer-encoding"]),
    .head("repeated coding", "Transfer-Encoding: chunked, chunked", [400, 501], naming: ["transfer-encoding"]),
    .head(
      "coding in two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", [400, 501],
      naming: ["transfer-encoding"]),
    .head("chunked not last", "Transfer-Encoding: chunked, identity", [400, 501], naming: ["transfer-encoding"]),
    .head("quoted coding", "Transfer-Encoding: \"chunked\"", [400, 501], naming: ["transfer-encoding"]),
    .head(
      "vertical tab before chunked", "Transfer-Encoding: \u{B}chunked", [400, 501],
      naming: ["transfer-encoding", "field", "value"]),
    .head("unknown expectation", "Expect: miracles", [417], naming: ["expect"]),
    BadRequest("two hosts", "GET /v2/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", naming: ["host"]),
    BadRequest("no host", "GET /v2/ HTTP/1.1\r\n\r\n", naming: ["host"]),
    BadRequest("bad host", "GET /v2/ HTTP/1.1\r\nHost: a/b c\r\n\r\n", naming: ["host"]),
    BadRequest("bare LF", "GET /v2/ HTTP/1.1\nHost: a\n\n", naming: ["line", "lf", "feed"]),
    BadRequest("no version", "GET /v2/\r\nHost: a\r\n\r\n", [400, 505], naming: ["request line", "version"]),
    BadRequest("version 2", "GET /v2/ HTTP/2.0\r\nHost: a\r\n\r\n", [400, 505], naming: ["version"]),
    BadRequest(
      "version 1.7", "GET /v2/ HTTP/1.77\r\nHost: a\r\n\r\n", [400, 505], naming: ["version", "request line"]),
    BadRequest(
      "lower-case protocol", "GET /v2/ http/1.1\r\nHost: a\r\n\r\n", [400, 505], naming: ["version", "request line"]),
    BadRequest("two spaces", "GET  /v2/ HTTP/1.1\r\nHost: a\r\n\r\n", naming: ["request line", "target"]),
    BadRequest(
      "space in the target", "GET /v2/ x HTTP/1.1\r\nHost: a\r\n\r\n", naming: ["request line", "target", "version"]),
    BadRequest("method of strange characters", "G(T /v2/ HTTP/1.1\r\nHost: a\r\n\r\n", naming: ["method"]),
    BadRequest("target without a slash", "GET v2/ HTTP/1.1\r\nHost: a\r\n\r\n", naming: ["target"]),
    BadRequest("fragment", "GET /v2/#x HTTP/1.1\r\nHost: a\r\n\r\n", [400, 404], naming: ["target", "fragment", "#"]),
    BadRequest("TLS on the plain port", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n", naming: ["tls"]),
    BadRequest(
      "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505], naming: ["version", "target", "method"]),
    BadRequest(
      "long request line", "GET /v2/\(String(repeating: "a", count: 100_000)) HTTP/1.1\r\nHost: a\r\n\r\n", [414, 431],
      naming: ["line", "target", "long", "limit"]),
    BadRequest(
      "long header line", "GET /v2/ HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 100_000))\r\n\r\n", [431],
      naming: ["line", "header", "field", "long", "limit"]),
    BadRequest(
      "many headers",
      "GET /v2/ HTTP/1.1\r\nHost: a\r\n\((0..<5000).map { "X\($0): y\r\n" }.joined())\r\n", [431],
      naming: ["header", "field", "limit"]),
  ]

  static let chunks: [BadRequest] = [
    "5 \r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n",
    "5\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n",
    "fffffffffffffffff\r\nhello\r\n0\r\n\r\n", "5;\u{1}=x\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\r\n0\r\nBad Trailer\r\n\r\n",
    "5\r\nhello\r\n0\r\nX : y\r\n\r\n",
  ].enumerated().map { index, body in
    // Bodies are read only where they are wanted, so the chunks are those of a blob.
    BadRequest(
      "chunked coding \(index): \(body.prefix(12).debugDescription)",
      "POST /v2/a/blobs/uploads/?digest=\(Algorithm.sha256.digest("hello")) HTTP/1.1\r\nHost: x\r\n"
        + "Transfer-Encoding: chunked\r\n\r\n\(body)",
      [400, 413], naming: ["chunk", "trailer", "field", "header", "lf without"])
  }
}

@Suite("Requests that are none", .serialized, .served())
struct BadFramingTests {
  @Test("It is refused, named, and nothing else is run", arguments: BadRequest.framing + BadRequest.chunks)
  func refused(_ bad: BadRequest) throws {
    let registry = try RegistryProcess.current
    // What follows a request that cannot be framed must not be taken for a request.
    let smuggled = Array("GET /v2/smuggled/tags/list HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)
    let answer = String(decoding: try HTTPClient(registry.endpoint).raw(bad.bytes + smuggled), as: UTF8.self)
    let first = answer.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    #expect(bad.statuses.contains(first), "\(answer)")
    #expect(answer.contains(#"{"errors":[{"code":""#), "no error document: \(answer)")
    let lowered = answer.lowercased()
    let document = lowered.firstRange(of: #"{"errors""#).map { String(lowered[$0.lowerBound...]) } ?? ""
    #expect(bad.names.contains(where: document.contains), "none of \(bad.names) is named: \(answer)")
    #expect(!answer.contains("NAME_UNKNOWN"), "the bytes after it were run: \(answer)")
    #expect(lowered.components(separatedBy: "\r\ncontent-length:").count == 2, "more than one answer: \(answer)")
    expect(try HTTPClient(registry.endpoint).send("GET", "/v2/"), 200)
  }

  @Test("A request that is cut anywhere leaves the server well")
  func cut() throws {
    let registry = try RegistryProcess.current
    let whole = Array(
      "PUT /v2/a/manifests/t HTTP/1.1\r\nHost: x\r\nContent-Type: \(Media.image)\r\nContent-Length: 2\r\n\r\n{}".utf8)
    for end in 0..<whole.count {
      let connection = try Connection(to: registry.endpoint)
      try connection.send(Array(whole[..<end]))
      if end % 2 == 0 { connection.reset() } else { connection.shut() }
    }
    expect(try HTTPClient(registry.endpoint).send("GET", "/v2/"), 200)
  }
}

@Suite("Requests for what cannot be", .serialized, .served())
struct BadInputTests {
  @Test(
    "Path traversal in any encoding stays inside",
    arguments: [
      "/v2/../../etc/passwd", "/v2/a/blobs/../../../../etc/passwd", "/v2/a/blobs/uploads/../../../x",
      "/v2/%2e%2e/%2e%2e/tags/list", "/v2/a/%2e%2e/manifests/x", "/v2/..%2f..%2fetc/tags/list",
      "/v2/a%2f..%2f..%2fb/tags/list", "/v2/a/manifests/..", "/v2/a/manifests/%2e%2e", "/v2/a/manifests/..%2f..%2fx",
      "/v2/a/blobs/sha256:..%2f..%2f..%2fetc%2fpasswd", "/v2/a/blobs/uploads/..%2f..%2f..%2fx",
      "/v2/a/blobs/uploads/%2e%2e", "/v2/a/blobs/uploads/..", "/v2/a%00b/tags/list", "/v2/a/manifests/x%00y",
      "/v2/a%5c..%5cb/tags/list",
      "/v2/%c0%ae%c0%ae/tags/list", "/v2/%252e%252e/tags/list", "/v2/_uploads/tags/list", "/v2/a/_manifests/tags/list",
      "/v2/./a/tags/list", "/v2//tags/list", "/v2/a//tags/list",
    ])
  func traversal(_ target: String) throws {
    let registry = try RegistryProcess.current
    let client = HTTPClient(registry.endpoint)
    let before = Files.tree(registry.scratch.path).filter { !$0.hasSuffix(".log") && !$0.hasPrefix("data/") }
    for (method, body) in [("GET", nil), ("PUT", "{}"), ("PATCH", "x"), ("DELETE", nil), ("POST", nil)] {
      let response = try client.send(
        method, target, [("Content-Type", Media.image)], body: body.map { Array($0.utf8) })
      #expect((400..<500).contains(response.status) || (300..<400).contains(response.status), "\(method): \(response)")
      #expect(!response.text.contains("root:"), "\(response)")
      if response.status >= 400 { #expect(!response.codes.isEmpty, "\(method): \(response)") }
      if response.status < 400 { #expect(targetOf(response["Location"] ?? "").hasPrefix("/v2/"), "\(response)") }
    }
    let after = Files.tree(registry.scratch.path).filter { !$0.hasSuffix(".log") && !$0.hasPrefix("data/") }
    #expect(after == before, "files appeared")
  }

  @Test(
    "A bad percent-encoding is 400",
    arguments: [
      "/v2/a%/tags/list", "/v2/a%2/tags/list", "/v2/a%zz/tags/list", "/v2/a/tags/list?n=%", "/v2/a/manifests/%g0",
    ])
  func percent(_ target: String) throws {
    let response = try HTTPClient(RegistryProcess.current.endpoint).send("GET", target)
    expect(response, 400)
    #expect(!response.codes.isEmpty, "\(response)")
  }

  @Test(
    "A manifest that is none",
    arguments: [
      ("empty", "", Media.image), ("no JSON", "hello", Media.image), ("cut", #"{"schemaVersion":2,"#, Media.image),
      ("no object", "[]", Media.image), ("a number", "2", Media.image), ("null", "null", Media.image),
      ("no version", #"{"config":{},"layers":[]}"#, Media.image),
      ("version 1", #"{"schemaVersion":1,"name":"a","tag":"b"}"#, Media.image),
      ("config is a list", #"{"schemaVersion":2,"config":[],"layers":[]}"#, Media.image),
      ("layers is an object", #"{"schemaVersion":2,"config":{},"layers":{}}"#, Media.image),
      ("no config", #"{"schemaVersion":2,"layers":[]}"#, Media.image),
      (
        "bad digest", #"{"schemaVersion":2,"config":{"mediaType":"a/b","size":2,"digest":"sha256:x"},"layers":[]}"#,
        Media.image
      ),
      ("negative size", badDescriptor(size: "-1"), Media.image),
      ("size as text", badDescriptor(size: "\"2\""), Media.image),
      ("size with a fraction", badDescriptor(size: "2.5"), Media.image),
      ("size past 64 bits", badDescriptor(size: "99999999999999999999"), Media.image),
      ("digest missing", #"{"schemaVersion":2,"config":{"mediaType":"a/b","size":2},"layers":[]}"#, Media.image),
      ("trailing bytes", #"{"schemaVersion":2,"manifests":[]} x"#, Media.index),
      ("manifests missing", #"{"schemaVersion":2}"#, Media.index),
      (
        "both kinds", #"{"schemaVersion":2,"mediaType":"\#(Media.index)","manifests":[],"layers":[],"config":{}}"#,
        Media.image
      ),
      ("subject is text", #"{"schemaVersion":2,"manifests":[],"subject":"x"}"#, Media.index),
      ("no UTF-8 escape", #"{"schemaVersion":2,"manifests":[],"x":"\ud800"#, Media.index),
    ])
  func manifest(_ what: String, _ text: String, _ type: String) throws {
    let bench = try Bench("bad-manifest")
    let response = try bench.client.send("PUT", bench.manifest("t"), [("Content-Type", type)], body: Array(text.utf8))
    expectError(response, [400], ["MANIFEST_INVALID", "MANIFEST_BLOB_UNKNOWN", "DIGEST_INVALID", "SIZE_INVALID"])
    #expect(
      response.text.utf8.count > #"{"errors":[{"code":"MANIFEST_INVALID","message":"manifest invalid"}]}"#.utf8.count,
      "it does not say what is wrong: \(response)")
    expect(try bench.client.send("GET", bench.manifest("t")), 404)
  }

  @Test("Nesting without end is refused before it hurts")
  func nesting() throws {
    let bench = try Bench("nesting")
    for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
      for depth in [1000, 100_000] {
        let nest = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        let text = #"{"schemaVersion":2,"mediaType":"\#(Media.index)","manifests":[],"x":\#(nest)}"#
        let response = try bench.client.send(
          "PUT", bench.manifest("t"), [("Content-Type", Media.index)], body: Array(text.utf8))
        expectError(response, [400], ["MANIFEST_INVALID"], naming: ["nest"])
      }
    }
    expect(try bench.client.send("GET", "/v2/"), 200)
  }

  @Test("A size that the blob does not have is named")
  func size() throws {
    let bench = try Bench("size")
    let digest = try bench.push(Array("{}".utf8))
    let text =
      #"{"schemaVersion":2,"mediaType":"\#(Media.image)","config":{"mediaType":"\#(Media.config)","size":3,"digest":"\#(digest)"},"layers":[]}"#
    let response = try bench.client.send(
      "PUT", bench.manifest("t"), [("Content-Type", Media.image)], body: Array(text.utf8))
    expectError(response, [400], ["MANIFEST_INVALID", "SIZE_INVALID", "MANIFEST_BLOB_UNKNOWN"], naming: [digest])
  }

  @Test(
    "A media type that no manifest has",
    arguments: [
      nil, "", "text/plain", "application/octet-stream", "image", "a/b/c",
      "application/vnd.docker.distribution.manifest.v1+prettyjws",
    ])
  func mediaType(_ type: String?) throws {
    let bench = try Bench("type")
    let image = try bench.image()
    let response = try bench.client.send(
      "PUT", bench.manifest("t"), type.map { [("Content-Type", $0)] } ?? [], body: Array(#"{"a":1}"#.utf8))
    expectError(response, [400, 415], ["MANIFEST_INVALID", "UNSUPPORTED"])
    expect(try bench.client.send("GET", bench.manifest("t")), 404)
    try bench.put(image, as: "t")
  }

  @Test("Bytes that look random leave the server well", arguments: [1, 2, 3, 4] as [UInt64])
  func noise(_ seed: UInt64) throws {
    let registry = try RegistryProcess.current
    for round in 0..<50 {
      let noise = someBytes(1 + round * 40, seed: seed &* 1000 &+ UInt64(round))
      let mixed = round % 2 == 0 ? noise : Array("PATCH /v2/a/blobs/uploads/x HTTP/1.1\r\nHost: x\r\n".utf8) + noise
      _ = try HTTPClient(registry.endpoint).raw(mixed)
    }
    expect(try HTTPClient(registry.endpoint).send("GET", "/v2/"), 200)
  }

  @Test("800 stalled connections do not slow a pull")
  func stalled() throws {
    let bench = try Bench("stalled")
    let bytes = someBytes(4 << 20, seed: 800)
    let digest = try bench.push(bytes)
    func pull() throws -> Duration {
      try ContinuousClock().measure {
        let response = try HTTPClient(bench.client.endpoint).send("GET", bench.blob(digest))
        expectSame(response.body, bytes)
      }
    }
    var alone = try pull()
    for _ in 0..<4 { alone = min(alone, try pull()) }
    let location = try bench.startUpload()
    var stalled: [Connection] = []
    for index in 0..<800 {
      let connection = try Connection(to: bench.client.endpoint)
      switch index % 4 {
      case 0: try connection.send("GET /v2/ HT")
      case 1: try connection.send("PATCH \(location) HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc")
      // Asks for much and reads nothing: the server must not wait for it.
      case 2: try connection.send("GET \(bench.blob(digest)) HTTP/1.1\r\nHost: x\r\n\r\n")
      default: break
      }
      stalled.append(connection)
    }
    var beside = try pull()
    for _ in 0..<4 { beside = min(beside, try pull()) }
    #expect(beside < alone * 4 + .milliseconds(100), "alone \(alone), beside 800 stalled connections \(beside)")
    for connection in stalled { connection.reset() }
  }

  @Test("After all of it no answer was a server's fault")
  func noServerFault() throws {
    let registry = try RegistryProcess.current
    let faults = registry.log.split(separator: "\n").filter {
      $0.contains("http.response.status=5") || $0.contains("\" 500 ")
    }
    #expect(faults.isEmpty, "\(faults.prefix(5))")
  }
}

private func badDescriptor(size: String) -> String {
  #"{"schemaVersion":2,"config":{"mediaType":"\#(Media.config)","size":\#(size),"digest":"\#(Algorithm.sha256.made(of: "1"))"},"layers":[]}"#
}
