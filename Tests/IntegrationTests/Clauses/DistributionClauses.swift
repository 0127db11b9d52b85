// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

private let octets: Field = ("Content-Type", "application/octet-stream")

extension Clause {
  static let distribution: [Clause] = [
    Clause("D1", "Docker-Distribution-Api-Version everywhere", digest: false) { bench in
      try bench.put(try bench.image(), as: "a")
      let requests = [
        ("GET", "/"), ("GET", "/v2/"), ("GET", "/v2"), ("GET", "/v2/_catalog"), ("GET", bench.manifest("a")),
        ("GET", bench.manifest("none")), ("GET", bench.blob("x")), ("POST", bench.uploads), ("PUT", "/v2/"),
        ("GET", "/nowhere"), ("OPTIONS", "/v2/"), ("GET", "/v2/Bad/tags/list"),
      ]
      for (method, target) in requests {
        let response = try bench.client.send(method, target)
        #expect(response["Docker-Distribution-Api-Version"] == "registry/2.0", "\(method) \(target): \(response)")
      }
    },
    Clause("D2", "/ is empty and not cached", digest: false) { bench in
      let response = try bench.client.send("GET", "/")
      expect(response, 200)
      expectSame(response.body, [])
      #expect(response["Cache-Control"] == "no-cache")
    },
    Clause("D3", "a missing or surplus slash is redirected", digest: false) { bench in
      let response = try bench.client.send("GET", "/v2")
      expect(response, 301)
      #expect(targetOf(response["Location"] ?? "") == "/v2/")
      let upload = try bench.client.send("POST", String(bench.uploads.dropLast()))
      expect(upload, 301, 307, 308, 202)
      if upload.status != 202 { #expect(targetOf(upload["Location"] ?? "") == bench.uploads) }
    },
    Clause("D4", "another method is 405 with Allow; OPTIONS is answered", digest: false) { bench in
      let digest = bench.algorithm.made(of: "1")
      let routes: [(String, [String], [String])] = [
        ("/v2/", ["GET", "HEAD"], ["POST", "PUT", "PATCH", "DELETE"]),
        ("/v2/_catalog", ["GET"], ["POST", "PUT", "PATCH", "DELETE"]),
        ("/v2/\(bench.name)/tags/list", ["GET"], ["POST", "PUT", "PATCH", "DELETE"]),
        (bench.manifest("a"), ["GET", "HEAD", "PUT", "DELETE"], ["POST", "PATCH"]),
        (bench.blob(digest), ["GET", "HEAD", "DELETE"], ["POST", "PUT", "PATCH"]),
        (bench.uploads, ["POST"], ["GET", "PUT", "PATCH", "DELETE"]),
        (bench.uploads + "00000000-0000-4000-8000-000000000000", ["GET", "PATCH", "PUT", "DELETE"], ["POST"]),
        ("/v2/\(bench.name)/referrers/\(digest)", ["GET"], ["POST", "PUT", "PATCH", "DELETE"]),
      ]
      for (target, allowed, others) in routes {
        for method in others + ["BREW"] {
          let response = try bench.client.send(method, target)
          expectError(response, [405], ["UNSUPPORTED"])
          let allow = Set((response["Allow"] ?? "").components(separatedBy: ",").map { String($0.trimmed()) })
          #expect(allow.isSuperset(of: allowed) && allow.isDisjoint(with: others), "\(target): \(response)")
        }
        let options = try bench.client.send("OPTIONS", target)
        expect(options, 200, 204)
        for method in allowed { #expect(options["Allow"]?.contains(method) == true, "\(target): \(options)") }
      }
    },
    Clause("D5", "what POST says of a session") { bench in
      let response = try bench.client.send("POST", bench.uploads)
      expect(response, 202)
      let uuid = response["Docker-Upload-UUID"] ?? ""
      #expect(uuid.count == 36 && uuid.filter { $0 == "-" }.count == 4, "\(response)")
      #expect(response["Range"] == "0-0")
      #expect(response["Content-Length"] == "0")
      let location = try bench.target(of: response)
      #expect(location.hasPrefix("\(bench.uploads)\(uuid)?_state="), "\(location)")
    },
    Clause("D6", "_state is checked", digest: false) { bench in
      let location = try bench.startUpload()
      let path = location.components(separatedBy: "?")[0]
      let token = location.components(separatedBy: "_state=").last ?? ""
      // Padding is percent-encoded, and backwards it would be a malformed escape, which is another error.
      let unpadded = token.components(separatedBy: "%")[0]
      for bad in [String(unpadded.dropFirst(8)) + "AAAAAAAA", "x", String(unpadded.reversed())] {
        let response = try bench.client.send("PATCH", "\(path)?_state=\(bad)", [octets], body: [1])
        expectError(response, [404], ["BLOB_UPLOAD_INVALID"])
      }
      // The token of another session is none for this one.
      let other = try bench.startUpload().components(separatedBy: "_state=").last ?? ""
      expect(try bench.client.send("PATCH", "\(path)?_state=\(other)", [octets], body: [1]), 404)
      // A token that is older than the bytes says a wrong offset.
      let patched = try bench.client.send("PATCH", location, [octets], body: [1, 2, 3])
      expect(patched, 202)
      expectError(try bench.client.send("PATCH", location, [octets], body: [4]), [416], ["RANGE_INVALID"])
      expect(try bench.client.send("PATCH", bench.target(of: patched), [octets], body: [4]), 202)
    },
    Clause("D7", "what PATCH says") { bench in
      let opened = try bench.client.send("POST", bench.uploads)
      let response = try bench.client.send("PATCH", bench.target(of: opened), [octets], body: someBytes(10, seed: 7))
      expect(response, 202)
      #expect(response["Docker-Upload-UUID"] == opened["Docker-Upload-UUID"])
      #expect(response["Range"] == "0-9")
      #expect(response["Content-Length"] == "0")
      #expect(response["Location"] != opened["Location"], "the token must change with the offset")
    },
    Clause("D8", "a mismatch discards the session, a missing digest keeps it") { bench in
      let location = try bench.startUpload()
      let patched = try bench.client.send("PATCH", location, [octets], body: [1, 2, 3])
      let target = try bench.target(of: patched)
      expectError(try bench.client.send("PUT", target), [400], ["DIGEST_INVALID"])
      expectError(try bench.client.send("PUT", target.adding("digest=bad")), [400], ["DIGEST_INVALID"])
      expect(try bench.client.send("GET", target), 204)
      expectError(
        try bench.client.send("PUT", target.adding("digest=\(bench.algorithm.made(of: "0"))")), [400],
        ["DIGEST_INVALID"])
      expect(try bench.client.send("GET", target), 404)
    },
    Clause("D9", "status and cancel carry Docker-Upload-UUID", digest: false) { bench in
      let opened = try bench.client.send("POST", bench.uploads)
      // The status needs no token.
      let path = try bench.target(of: opened).components(separatedBy: "?")[0]
      let status = try bench.client.send("GET", path)
      expect(status, 204)
      #expect(status["Docker-Upload-UUID"] == opened["Docker-Upload-UUID"])
      #expect(status["Range"] == "0-0")
      let cancelled = try bench.client.send("DELETE", bench.target(of: status))
      expect(cancelled, 204)
      #expect(cancelled["Docker-Upload-UUID"] == opened["Docker-Upload-UUID"])
    },
    Clause("D10", "a blob is cached by its digest") { bench in
      let digest = try bench.push(someBytes(100, seed: 10))
      for method in ["GET", "HEAD"] {
        let response = try bench.client.send(method, bench.blob(digest))
        #expect(response["ETag"] == #""\#(digest)""#)
        #expect(response["Cache-Control"] == "max-age=31536000")
        #expect(response["Content-Type"] == "application/octet-stream")
        #expect(response["Accept-Ranges"] == "bytes")
      }
      for tag in [#""\#(digest)""#, #"W/"\#(digest)""#, #""x", "\#(digest)""#, "*"] {
        let response = try bench.client.send("GET", bench.blob(digest), [("If-None-Match", tag)])
        expect(response, 304)
        #expect(response["ETag"] == #""\#(digest)""#)
      }
      expect(try bench.client.send("GET", bench.blob(digest), [("If-None-Match", #""x""#)]), 200)
    },
    Clause("D11", "a manifest is revalidated by its digest") { bench in
      let image = try bench.image()
      try bench.put(image, as: image.digest + "?tag=a")
      for reference in ["a", image.digest] {
        let response = try bench.client.send("GET", bench.manifest(reference))
        #expect(response["ETag"] == #""\#(image.digest)""#)
        for tag in [#""\#(image.digest)""#, image.digest, #"W/"\#(image.digest)""#, #""x","\#(image.digest)""#, "*"] {
          expect(try bench.client.send("GET", bench.manifest(reference), [("If-None-Match", tag)]), 304)
          expect(try bench.client.send("HEAD", bench.manifest(reference), [("If-None-Match", tag)]), 304)
        }
        expect(try bench.client.send("GET", bench.manifest(reference), [("If-None-Match", #""x""#)]), 200)
      }
      // The tag moves: what was current is not any more.
      let moved = try bench.image(seed: 2)
      try bench.put(moved, as: "a")
      let fresh = try bench.client.send("GET", bench.manifest("a"), [("If-None-Match", #""\#(image.digest)""#)])
      expect(fresh, 200)
      expectSame(fresh.body, moved.bytes)
    },
    Clause("D12", "the documents of lists", digest: false) { bench in
      try bench.put(try bench.image(), as: "a")
      let tags = try bench.client.send("GET", "/v2/\(bench.name)/tags/list")
      #expect(tags["Content-Type"]?.hasPrefix("application/json") == true)
      #expect(tags.text == #"{"name":"\#(bench.name)","tags":["a"]}"# + "\n")
      try bench.put(try bench.image(), as: "b")
      let page = try bench.client.send("GET", "/v2/\(bench.name)/tags/list?n=1")
      #expect(targetOf(nextPage(page) ?? "") == "/v2/\(bench.name)/tags/list?last=a&n=1")
      let catalog = try bench.client.send("GET", "/v2/_catalog?n=1")
      expect(catalog, 200)
      #expect(try catalog.json()["repositories"]?.texts?.count == 1)
      if try catalogNames(bench.client).count > 1 { #expect(nextPage(catalog) != nil) }
    },
    Clause("D13", "catalog paging finds every repository once", digest: false) { bench in
      let image = try bench.image()
      try bench.put(image, as: "a")
      var found: [String] = []
      var next: String? = "/v2/_catalog?n=7"
      while let target = next, found.count < 5000 {
        let response = try bench.client.send("GET", target)
        expect(response, 200)
        let page = try response.json()["repositories"]?.texts ?? []
        #expect(page.count <= 7)
        found += page
        next = nextPage(response)
      }
      #expect(found.contains(bench.name))
      #expect(Set(found).count == found.count)
      for n in ["-1", "x", "%20", "1.0", "+1"] {
        expectError(try bench.client.send("GET", "/v2/_catalog?n=\(n)"), [400], ["PAGINATION_NUMBER_INVALID"])
      }
      // A repository that only has an upload does not exist yet.
      let other = try Bench("D13 upload only")
      _ = try other.startUpload()
      #expect(try !catalogNames(bench.client).contains(other.name))
    },
    Clause("D14", "read-only mode refuses writes with 405", digest: false) { _ in
      let registry = try RegistryProcess()
      let writer = try Bench("D14", registry: registry)
      let image = try writer.image()
      try writer.put(image, as: "a")
      let closed = try registry.restarted(
        with: RegistrySettings(storage: ["  maintenance:", "    readonly:", "      enabled: true"]))
      let reader = HTTPClient(closed.endpoint)
      expect(try reader.send("GET", writer.manifest("a")), 200)
      for (method, target) in [
        ("PUT", writer.manifest("a")), ("POST", writer.uploads), ("DELETE", writer.manifest("a")),
        ("DELETE", writer.blob(image.digest)),
      ] { expectError(try reader.send(method, target), [405], ["UNSUPPORTED"]) }
      expect(try reader.send("GET", writer.manifest("a")), 200)
      closed.stop()
    },
    Clause("D15", "configured headers are in every answer", digest: false) { _ in
      let registry = try RegistryProcess(
        RegistrySettings(http: ["  headers:", "    X-Content-Type-Options: [nosniff]", "    X-Two: [a, b]"]))
      let client = HTTPClient(registry.endpoint)
      for target in ["/v2/", "/v2/none/tags/list", "/v2/_catalog"] {
        let response = try client.send("GET", target)
        #expect(response["X-Content-Type-Options"] == "nosniff", "\(response)")
        #expect(response.all("X-Two").joined(separator: ",").filter { $0 != " " } == "a,b", "\(response)")
      }
      registry.stop()
    },
    Clause("D16", "Expect: 100-continue, pipelining, HTTP/1.0", digest: false) { bench in
      let location = try bench.startUpload()
      let connection = try Connection(to: bench.client.endpoint)
      try connection.send(
        "PATCH \(location) HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
      let interim = try connection.readResponse(to: "PATCH", interim: true)
      expect(interim, 100)
      try connection.send("abc")
      expect(try connection.readResponse(to: "PATCH"), 202)
      try connection.send(
        "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\nHEAD /v2/ HTTP/1.1\r\nHost: x\r\n\r\nGET /v2/none/tags/list HTTP/1.1\r\nHost: x\r\n\r\nGET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"
      )
      expect(try connection.readResponse(to: "GET"), 200)
      expect(try connection.readResponse(to: "HEAD"), 200)
      expect(try connection.readResponse(to: "GET"), 404)
      expect(try connection.readResponse(to: "GET"), 200)
      let old = try bench.client.raw(Array("GET /v2/ HTTP/1.0\r\n\r\n".utf8))
      let text = String(decoding: old, as: UTF8.self)
      #expect(text.hasPrefix("HTTP/1.") && text.contains(" 200 ") && text.hasSuffix("{}"), "\(text)")
      #expect(!text.lowercased().contains("transfer-encoding"))
    },
  ]
}

/// Every repository of the catalog, page by page.
func catalogNames(_ client: HTTPClient, page: Int = 100) throws -> [String] {
  var names: [String] = []
  var next: String? = "/v2/_catalog?n=\(page)"
  while let target = next {
    let response = try client.send("GET", target)
    expect(response, 200)
    names += try response.json()["repositories"]?.texts ?? []
    next = nextPage(response)
  }
  return names
}
