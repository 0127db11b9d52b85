// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire
import Testing

@Suite("Conditions, queries, paths and hosts")
struct ValueTests {
  @Test(
    "Lists of entity tags",
    arguments: [
      ("*", EntityTagCondition.any), (" * ", .any), ("\"a\"", .tags([EntityTag(opaque: "a")])),
      (
        "W/\"a\", \"b,c\" ,\"\"",
        .tags([EntityTag(opaque: "a", isWeak: true), EntityTag(opaque: "b,c"), EntityTag(opaque: "")])
      ),
      ("sha256:01", .tags([EntityTag(opaque: "sha256:01")])),
      ("sha256:01,, \"x\"", .tags([EntityTag(opaque: "sha256:01"), EntityTag(opaque: "x")])),
      ("\"a\\\"", .tags([EntityTag(opaque: "a\\")])),
    ])
  func tags(_ text: String, _ expected: EntityTagCondition) throws {
    #expect(try EntityTagCondition(parsing: text) == expected)
  }

  @Test("Lists that are none", arguments: ["", ",", "\"a", "\"a\"b", "\"a\" \"b\"", "a\"b\"", "\"a\", *", "a b", "W/"])
  func noTags(_ text: String) {
    // `W/` alone is a bare tag of that spelling: nothing of ours is called so.
    if text == "W/" {
      #expect(throws: Never.self) { try EntityTagCondition(parsing: text) }
    } else {
      #expect(throws: WireError.self) { try EntityTagCondition(parsing: text) }
    }
  }

  @Test("Too many tags are refused")
  func tooManyTags() {
    let max = EntityTagCondition.tagsMax
    let list = Array(repeating: "\"a\"", count: max)
    #expect(throws: Never.self) { try EntityTagCondition(parsing: list.joined(separator: ",")) }
    #expect(throws: WireError.entityTagsTooMany(max: max)) {
      try EntityTagCondition(parsing: (list + ["b"]).joined(separator: ","))
    }
  }

  @Test("Strong and weak comparison")
  func comparison() throws {
    let strong = EntityTag(opaque: "a")
    let weak = EntityTag(opaque: "a", isWeak: true)
    #expect(strong.matchesStrongly(strong) && !weak.matchesStrongly(weak) && !weak.matchesStrongly(strong))
    #expect(strong.matchesWeakly(weak) && !strong.matchesWeakly(EntityTag(opaque: "b")))
    let condition = try EntityTagCondition(parsing: "W/\"a\", \"b\"")
    #expect(condition.matchesWeakly(strong) && !condition.matchesStrongly(strong) && !condition.matchesWeakly(nil))
    #expect(EntityTagCondition.any.matchesStrongly(strong) && !EntityTagCondition.any.matchesStrongly(nil))
    let head = try RequestHead(
      method: "GET", target: "/", fields: ["Host": "h", "If-Match": "\"x\"", "If-Match": "\"a\""])
    #expect(try head.entityTagCondition("if-match")?.matchesStrongly(strong) == true)
    #expect(try head.entityTagCondition("if-none-match") == nil)
  }

  @Test(
    "If-Range",
    arguments: [
      ("\"a\"", true), ("W/\"a\"", false), ("\"b\"", false), ("a", true), ("Sun, 06 Nov 1994 08:49:37 GMT", true),
      ("Sun, 06 Nov 1994 08:49:38 GMT", false),
    ])
  func ifRange(_ text: String, _ permits: Bool) {
    let condition = IfRangeCondition(parsing: text)
    let date = HTTPDate(unixSeconds: 784_111_777)
    #expect(condition?.permits(tag: EntityTag(opaque: "a"), lastModified: date) == permits)
    #expect(IfRangeCondition(parsing: "*") == nil)
    #expect(IfRangeCondition(parsing: "\"a\", \"b\"") == nil)
  }

  @Test(
    "Queries",
    arguments: [
      ("", []), ("a", ["a="]), ("a=b&c=d=e", ["a=b", "c=d=e"]), ("&&a=&=b&", ["a=", "=b"]),
      ("a+b=c+d", ["a+b=c+d"]), ("%61%2f=%C3%A9%26", ["a/=\u{E9}&"]), ("n=1&n=2", ["n=1", "n=2"]),
    ] as [(String, [String])])
  func queries(_ text: String, _ expected: [String]) throws {
    let query = try Query(parsing: text)
    #expect(query.pairs.map { "\($0.name)=\($0.value)" } == expected)
    #expect(try Query(parsing: Query.encode(query.pairs)).pairs == query.pairs)
  }

  @Test(
    "Broken queries",
    arguments: [
      ("a=%", WireError.percentEncodingInvalid(at: 2)), ("a=b&c=d%4", .percentEncodingInvalid(at: 7)),
      ("%zz", .percentEncodingInvalid(at: 0)), ("a=1&b=%ff", .textNotUTF8(at: 6)),
      ("%4=1", .percentEncodingInvalid(at: 0)),
      ("a=%+1", .percentEncodingInvalid(at: 2)),
    ])
  func brokenQueries(_ text: String, _ expected: WireError) {
    #expect(throws: expected) { try Query(parsing: text) }
  }

  @Test("Queries are bounded, searched and encoded")
  func queryUse() throws {
    #expect(throws: WireError.queryPairsTooMany(max: 2)) { try Query(parsing: "a&b&c", pairsMax: 2) }
    let query = try Query(parsing: "n=1&last=x&n=2")
    #expect(query.first("n") == "1" && query.all("n") == ["1", "2"] && query.first("N") == nil)
    #expect(Query.encode(["last": "library/a b+c", "n": "2"]) == "last=library%2Fa%20b%2Bc&n=2")
  }

  @Test(
    "Paths keep what is dangerous, and say so",
    arguments: [
      ("/v2/", ["v2", ""], []), ("/", [""], []), ("/v2/a/b", ["v2", "a", "b"], []),
      ("/v2/a%2Fb", ["v2", "a/b"], .encodedSlash), ("/a%00", ["a\0"], .nul), ("/../x", ["..", "x"], .dotSegment),
      ("/%2e%2E/x", ["..", "x"], .dotSegment), ("/.%2e", [".."], .dotSegment), ("/./x", [".", "x"], .dotSegment),
      ("/a%5Cb", ["a\\b"], .backslash), ("//a", ["", "a"], .emptySegment), ("/a%0Ab", ["a\nb"], .control),
      ("/%252e%252e", ["%2e%2e"], []), ("/...", ["..."], []), ("/%61", ["a"], []),
      ("/..%2f..%2f%00", ["../../\0"], [.encodedSlash, .nul]),
    ] as [(String, [String], RequestTarget.Hazards)])
  func paths(_ text: String, _ segments: [String], _ hazards: RequestTarget.Hazards) throws {
    let target = try RequestTarget(parsing: text)
    #expect(target.segments == segments)
    #expect(target.hazards == hazards)
    if RequestTarget.isPlain(Array(text.utf8)[...]) { #expect(hazards.isEmpty && !text.contains("%")) }
  }

  @Test(
    "Plain paths need no decoding",
    arguments: [
      ("/v2/library/alpine/manifests/3.20", true), ("/v2/", true), ("/v2/a%2Fb", false), ("/v2//a", false),
      ("/v2/..", false), ("/v2/a\\b", false), ("v2", false), ("*", false), ("", false),
    ])
  func plain(_ path: String, _ expected: Bool) {
    #expect(RequestTarget.isPlain(Array(path.utf8)[...]) == expected)
  }

  @Test("Broken paths name the place")
  func brokenPaths() {
    #expect(throws: WireError.percentEncodingInvalid(at: 5)) { try RequestTarget(parsing: "/v2/a%2") }
    #expect(throws: WireError.textNotUTF8(at: 4)) { try RequestTarget(parsing: "/v2/%C0%AF") }
  }

  @Test(
    "Forwarded",
    arguments: [
      ("for=192.0.2.1;proto=https;host=\"a:5000\"", "a:5000", "https"),
      ("Host=a:5000 ; PROTO=http, host=b", "a:5000", "http"), ("host=\"[::1]:80\"", "[::1]:80", nil),
      ("for=x, host=b", nil, nil), ("", nil, nil), (";;proto=https;secret=\"a\\\"b\"", nil, "https"),
    ] as [(String, String?, String?)])
  func forwarded(_ text: String, _ host: String?, _ proto: String?) throws {
    let element = try ForwardedElement(parsingFirst: text)
    #expect(element.host == host && element.proto == proto)
  }

  @Test(
    "Broken Forwarded",
    arguments: [
      ("host", 4), ("host=", 5), ("=a", 0), ("host=\"a", 7), ("host=a;host=b", 7), ("host=a b", 7), ("host=\"a\\", 8),
    ])
  func brokenForwarded(_ text: String, _ at: Int) {
    #expect(throws: WireError.forwardedMalformed(at: at)) { try ForwardedElement(parsingFirst: text) }
  }

  @Test("First of a list", arguments: [("https, http", "https"), (" a:80 ", "a:80"), ("", ""), (",b", "")])
  func firstOfList(_ text: String, _ expected: String) {
    #expect(ForwardedElement.firstOfList(text) == expected)
  }

  @Test(
    "Hosts",
    arguments: [
      ("a", "a", nil), ("a.b-c_d~:5000", "a.b-c_d~", 5000), ("[::1]:80", "[::1]", 80),
      ("[2001:db8::1.2.3.4]", "[2001:db8::1.2.3.4]", nil),
      ("127.0.0.1:", "127.0.0.1", nil), ("a:0", "a", 0),
    ] as [(String, String, UInt16?)])
  func hosts(_ text: String, _ host: String, _ port: UInt16?) {
    #expect(HostPort.isValid(text))
    #expect(HostPort(parsing: text)?.host == host)
    #expect(HostPort(parsing: text)?.port == port)
  }

  @Test(
    "Texts that are no hosts",
    arguments: [
      "", ":80", "a:b", "a:65536", "a:000080", "a b", "a/b", "u@a", "a,b", "[::1", "::1", "[]", "[a]", "[::1]x",
      "[::1%25eth0]",
      "a\r\nb", "caf\u{E9}", "a:1:2", "a%41",
    ])
  func noHosts(_ text: String) {
    #expect(!HostPort.isValid(text))
    #expect(HostPort(parsing: text) == nil)
  }
}
