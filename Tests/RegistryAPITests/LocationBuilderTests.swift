// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire
import Testing

@testable import GantryRegistryAPI

struct LocationBuilderTests {
  struct Case: Sendable, CustomStringConvertible {
    var externalURL: String?
    var isRelative = false
    var prefix = "/"
    var isSecure = false
    var fields: [String: String] = [:]
    var base: String
    var description: String { "\(fields) \(externalURL ?? "") \(isRelative) \(prefix)" }
  }

  @Test(arguments: [
    Case(base: "http://a:5000"),
    Case(isSecure: true, base: "https://a:5000"),
    Case(prefix: "/x/", base: "http://a:5000/x"),
    Case(isRelative: true, base: ""),
    Case(isRelative: true, prefix: "/x/", base: "/x"),
    Case(externalURL: "https://r.example:8443", fields: ["X-Forwarded-Host": "b"], base: "https://r.example:8443"),
    Case(externalURL: "https://r.example/sub", isRelative: true, base: "https://r.example/sub"),
    Case(fields: ["X-Forwarded-Proto": "https"], base: "https://a:5000"),
    Case(fields: ["X-Forwarded-Proto": "HTTPS, http"], base: "https://a:5000"),
    Case(fields: ["X-Forwarded-Proto": "javascript"], base: "http://a:5000"),
    Case(fields: ["X-Forwarded-Host": "b:1, c:2"], base: "http://b:1"),
    Case(fields: ["X-Forwarded-Host": "b:1", "X-Forwarded-Proto": "https"], base: "https://b:1"),
    Case(fields: ["X-Forwarded-Host": "b/../c"], base: "http://a:5000"),
    Case(fields: ["X-Forwarded-Host": "b\"c"], base: "http://a:5000"),
    Case(fields: ["X-Forwarded-Port": "99"], base: "http://a:5000"),
    Case(fields: ["Forwarded": "proto=https;host=f"], base: "https://f"),
    Case(fields: ["Forwarded": "for=1.2.3.4;host=\"f:1\", host=g"], base: "http://f:1"),
    Case(fields: ["Forwarded": "proto=https", "X-Forwarded-Host": "b"], base: "https://a:5000"),
    Case(fields: ["Forwarded": "=", "X-Forwarded-Host": "b"], base: "http://a:5000"),
    Case(fields: ["Forwarded": "host=[2001:db8::1]:5000"], base: "http://[2001:db8::1]:5000"),
  ])
  func theBaseOfURLs(_ test: Case) throws {
    var settings = APISettings(secret: [1])
    settings.externalURL = test.externalURL
    settings.usesRelativeURLs = test.isRelative
    settings.prefix = test.prefix
    let lines = test.fields.map { "\($0.key): \($0.value)\r\n" }.joined()
    let bytes = Array("GET /v2/ HTTP/1.1\r\nHost: a:5000\r\n\(lines)\r\n".utf8)
    var parser = RequestParser(limits: WireLimits())
    guard case .head(let head, _) = parser.parse(bytes, from: 0) else {
      Issue.record("the head does not parse")
      return
    }
    #expect(LocationBuilder(settings: settings, head: head, isSecure: test.isSecure).base == test.base)
  }

  @Test func withoutAHostOnlyAPathIsSure() throws {
    let head = try RequestHead(method: "GET", target: "/v2/", fields: [:], version: .http10)
    #expect(LocationBuilder(settings: APISettings(secret: [1]), head: head, isSecure: false).base == "")
  }
}
