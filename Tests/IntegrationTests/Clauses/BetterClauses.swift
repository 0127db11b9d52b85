// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

private let octets: Field = ("Content-Type", "application/octet-stream")

extension Clause {
  static let urlBuilding: [Clause] = [
    Clause("D20", "Location from Host, Forwarded and X-Forwarded-*", digest: false) { bench in
      let cases: [([Field], String)] = [
        ([("Host", "registry.example:5000")], "http://registry.example:5000"),
        ([("Host", "a"), ("X-Forwarded-Proto", "https")], "https://a"),
        ([("Host", "a"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "b:8443")], "https://b:8443"),
        ([("Host", "a"), ("X-Forwarded-Host", "first.example, second.example")], "http://first.example"),
        ([("Host", "a"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "99")], "https://a"),
        ([("Host", "a"), ("Forwarded", "proto=https;host=f.example")], "https://f.example"),
        (
          [("Host", "a"), ("Forwarded", #"for=1.2.3.4;proto=https;host="f.example:1", for=5.6.7.8;proto=http"#)],
          "https://f.example:1"
        ),
        (
          [
            ("Host", "a"), ("Forwarded", "proto=https;host=f"), ("X-Forwarded-Proto", "http"),
            ("X-Forwarded-Host", "x"),
          ],
          "https://f"
        ),
      ]
      for (fields, base) in cases {
        let response = try bench.client.send("POST", bench.uploads, fields)
        expect(response, 202)
        #expect(
          response["Location"]?.hasPrefix("\(base)/v2/\(bench.name)/blobs/uploads/") == true, "\(fields): \(response)")
      }
      // What cannot stand in a URL must not reach it.
      for fields: [Field] in [
        [("Host", "a"), ("X-Forwarded-Host", "evil/path?x=\"<")], [("Host", "a"), ("X-Forwarded-Proto", "javascript")],
      ] {
        let response = try bench.client.send("POST", bench.uploads, fields)
        expect(response, 202, 400)
        let location = response["Location"] ?? ""
        #expect(!location.contains("evil/path") && !location.hasPrefix("javascript"), "\(response)")
      }
    },
    Clause("D21", "http.host wins", digest: false) { _ in
      let registry = try RegistryProcess(RegistrySettings(http: ["  host: https://public.example:8443"]))
      let client = HTTPClient(registry.endpoint)
      let response = try client.send(
        "POST", "/v2/a/blobs/uploads/", [("X-Forwarded-Host", "b"), ("X-Forwarded-Proto", "http")])
      #expect(response["Location"]?.hasPrefix("https://public.example:8443/v2/a/blobs/uploads/") == true, "\(response)")
      registry.stop()
    },
    Clause("D22", "http.relativeurls", digest: false) { _ in
      let registry = try RegistryProcess(RegistrySettings(http: ["  relativeurls: true"]))
      let bench = try Bench("D22", registry: registry)
      let response = try bench.client.send("POST", bench.uploads)
      #expect(response["Location"]?.hasPrefix("/v2/") == true, "\(response)")
      let digest = try bench.push([1, 2, 3])
      expect(try bench.client.send("GET", bench.blob(digest)), 200)
      registry.stop()
    },
    Clause("D23", "http.prefix", digest: false) { _ in
      let registry = try RegistryProcess(RegistrySettings(http: ["  prefix: /mirror/"]))
      let client = HTTPClient(registry.endpoint)
      expect(try client.send("GET", "/mirror/v2/"), 200)
      expect(try client.send("GET", "/v2/"), 404)
      let response = try client.send("POST", "/mirror/v2/a/blobs/uploads/")
      expect(response, 202)
      let target = targetOf(response["Location"] ?? "")
      #expect(target.hasPrefix("/mirror/v2/a/blobs/uploads/"), "\(response)")
      expect(
        try client.send("PUT", target.adding("digest=\(Algorithm.sha256.digest([1]))"), [octets], body: [1]), 201)
      registry.stop()
    },
  ]

  static let better: [Clause] = [
    Clause("B1", "PATCH without _state where Content-Range starts at the end") { bench in
      let path = try bench.startUpload().components(separatedBy: "?")[0]
      expect(try bench.client.send("PATCH", path, [octets, ("Content-Range", "0-2")], body: [1, 2, 3]), 202)
      expect(try bench.client.send("PATCH", path, [octets, ("Content-Range", "2-4")], body: [3, 4, 5]), 416)
      let more = try bench.client.send("PATCH", path, [octets, ("Content-Range", "3-4")], body: [4, 5])
      expect(more, 202)
      expect(
        try bench.client.send(
          "PUT", bench.target(of: more).adding("digest=\(bench.algorithm.digest([1, 2, 3, 4, 5]))")),
        201)
    },
    Clause("B2", "416 says how to go on") { bench in
      let patched = try bench.client.send("PATCH", try bench.startUpload(), [octets], body: someBytes(10, seed: 1))
      for method in ["PATCH", "PUT"] {
        let query = method == "PUT" ? "digest=\(bench.algorithm.made(of: "1"))" : "a=b"
        let refused = try bench.client.send(
          method, bench.target(of: patched).adding(query), [octets, ("Content-Range", "50-59")],
          body: someBytes(10, seed: 2))
        expect(refused, 416)
        #expect(refused["Range"] == "0-9", "\(refused)")
        // Its Location is one to go on with.
        let more = try bench.client.send("GET", bench.target(of: refused))
        expect(more, 204)
      }
      let refused = try bench.client.send(
        "PATCH", bench.target(of: patched), [octets, ("Content-Range", "0-9")], body: someBytes(10, seed: 2))
      expect(
        try bench.client.send("PATCH", bench.target(of: refused), [octets, ("Content-Range", "10-10")], body: [1]), 202)
    },
    Clause("B3", "the signing secret survives a restart", digest: false) { _ in
      let registry = try RegistryProcess(RegistrySettings(secret: nil))
      let bench = try Bench("B3", registry: registry)
      let patched = try bench.client.send("PATCH", try bench.startUpload(), [octets], body: [1, 2, 3])
      let location = try bench.target(of: patched)
      let again = try registry.restarted()
      let client = HTTPClient(again.endpoint)
      let more = try client.send("PATCH", location, [octets], body: [4])
      expect(more, 202)
      #expect(more["Range"] == "0-3")
      expect(
        try client.send("PUT", bench.target(of: more).adding("digest=\(Algorithm.sha256.digest([1, 2, 3, 4]))")), 201)
      let secrets = Files.tree("\(again.root)/gantry").filter { $0.contains("secret") }
      #expect(!secrets.isEmpty, "no secret is kept: \(Files.tree("\(again.root)/gantry"))")
      for path in secrets {
        var status = stat()
        stat("\(again.root)/gantry/\(path)", &status)
        #expect(status.st_mode & 0o777 == 0o600, "\(path)")
      }
      again.stop()
    },
    Clause("B5", "an unknown Content-Type on PATCH is no 500", digest: false) { bench in
      for type in ["text/plain", "application/json", "x", "application/octet-stream; a=b"] {
        let response = try bench.client.send(
          "PATCH", try bench.startUpload(), [("Content-Type", type)], body: [1, 2])
        expect(response, 202, 415)
        if type.hasPrefix("application/octet-stream") { expect(response, 202) }
      }
    },
    Clause("B6", "order where one name is the beginning of another", digest: false) { _ in
      let registry = try RegistryProcess()
      let client = HTTPClient(registry.endpoint)
      let names = ["a", "a/b", "a/b/c", "a-b", "a.b", "ab", "b", "a0"]
      let first = try Bench("B6", registry: registry)
      let config = Content(Media.config, Array("{}".utf8), .sha256)
      let image = first.imageManifest(config: config, layers: [])
      for name in names.reversed() {
        try first.push(config.bytes, to: name)
        for tag in ["v1", "v1.0", "v10", "v1-a"] {
          expect(
            try client.send("PUT", "/v2/\(name)/manifests/\(tag)", [("Content-Type", Media.image)], body: image.bytes),
            201)
        }
      }
      // A slash counts as less than anything else, as Distribution's walk has it.
      let order = ["a", "a/b", "a/b/c", "a-b", "a.b", "a0", "ab", "b"]
      for page in [1, 2, 3, 100] { #expect(try catalogNames(client, page: page) == order, "n=\(page)") }
      #expect(try client.send("GET", "/v2/_catalog?last=a").json()["repositories"]?.texts == Array(order.dropFirst()))
      #expect(try client.send("GET", "/v2/a/tags/list").json()["tags"]?.texts == ["v1", "v1-a", "v1.0", "v10"])
      #expect(try client.send("GET", "/v2/a/tags/list?last=v1&n=1").json()["tags"]?.texts == ["v1-a"])
      registry.stop()
    },
    Clause("B7", "n above a maximum is clamped, with Link", digest: false) { _ in
      let registry = try RegistryProcess(
        RegistrySettings(more: ["catalog:", "  maxentries: 3", "tags:", "  maxtags: 2"]))
      let bench = try Bench("B7", registry: registry)
      let config = Content(Media.config, Array("{}".utf8), .sha256)
      let image = bench.imageManifest(config: config, layers: [])
      for index in 0..<5 {
        try bench.push(config.bytes, to: "repo\(index)")
        for tag in ["a", "b", "c"] {
          expect(
            try bench.client.send(
              "PUT", "/v2/repo\(index)/manifests/\(tag)", [("Content-Type", Media.image)], body: image.bytes), 201)
        }
      }
      for n in ["4", "1000", "1000000"] {
        let catalog = try bench.client.send("GET", "/v2/_catalog?n=\(n)")
        expect(catalog, 200)
        #expect(try catalog.json()["repositories"]?.texts == ["repo0", "repo1", "repo2"])
        #expect(nextPage(catalog) != nil)
        let tags = try bench.client.send("GET", "/v2/repo0/tags/list?n=\(n)")
        #expect(try tags.json()["tags"]?.texts == ["a", "b"])
        #expect(nextPage(tags) != nil)
      }
      #expect(try catalogNames(bench.client, page: 1000).count == 5)
      registry.stop()
    },
    Clause("B8", "a repository without tags has []") { bench in
      let image = try bench.image()
      try bench.put(image, as: image.digest + "?tag=a")
      expect(try bench.client.send("DELETE", bench.manifest("a")), 202)
      let response = try bench.client.send("GET", "/v2/\(bench.name)/tags/list")
      expect(response, 200)
      #expect(try response.json()["tags"] == .array([]), "\(response)")
    },
    Clause("B9", "layers with urls are accepted unless a list is configured", digest: false) { bench in
      func push(_ bench: Bench, _ url: String) throws -> Response {
        let config = Content(Media.config, Array("{}".utf8), .sha256)
        try bench.push(config.bytes)
        let layer =
          #"{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","size":1,"digest":"\#(Algorithm.sha256.made(of: "4"))","urls":["\#(url)"]}"#
        let text =
          #"{"schemaVersion":2,"mediaType":"\#(Media.image)","config":\#(config.descriptor),"layers":[\#(layer)]}"#
        return try bench.client.send(
          "PUT", bench.manifest("a"), [("Content-Type", Media.image)], body: Array(text.utf8))
      }
      expect(try push(bench, "https://any.example/x"), 201)
      let strict = try RegistryProcess(
        RegistrySettings(more: [
          "validation:", "  manifests:", "    urls:", "      allow:", "        - ^https://good\\.example/",
        ]))
      let other = try Bench("B9", registry: strict)
      expect(try push(other, "https://good.example/x"), 201)
      expectError(try push(other, "https://bad.example/x"), [400], ["MANIFEST_INVALID", "MANIFEST_BLOB_UNKNOWN"])
      strict.stop()
    },
    Clause("B10", "a change made by another process is seen by the next request", digest: false) { bench in
      let one = try bench.image(seed: 1)
      let two = try bench.image(seed: 2)
      try bench.put(two)
      try bench.put(one, as: "t")
      // So that every loop has it in its cache.
      for _ in 0..<50 { expect(try HTTPClient(bench.client.endpoint).send("GET", bench.manifest("t")), 200) }
      let tags = "\(bench.registry.root)/docker/registry/v2/repositories/\(bench.name)/_manifests/tags"
      let link = "\(tags)/t/current/link"
      try Files.write(two.digest, to: link + ".new")
      #expect(rename(link + ".new", link) == 0)
      for _ in 0..<20 {
        let response = try HTTPClient(bench.client.endpoint).send("GET", bench.manifest("t"))
        expectSame(response.body, two.bytes)
      }
      Files.remove("\(tags)/t")
      for _ in 0..<20 { expect(try HTTPClient(bench.client.endpoint).send("GET", bench.manifest("t")), 404) }
    },
  ]
}
