// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

extension Clause {
  static let blobs: [Clause] = [
    Clause("2.1", "a blob's exact bytes") { bench in
      for size in [1, 1000, 70_000, 3_000_000] {
        let bytes = someBytes(size, seed: UInt64(size))
        let response = try bench.client.send("GET", bench.blob(try bench.push(bytes)))
        expect(response, 200)
        expectSame(response.body, bytes, "\(size) bytes differ")
        #expect(response["Content-Length"] == "\(size)")
      }
    },
    Clause("2.2", "Docker-Content-Digest of the algorithm that was pushed") { bench in
      let digest = try bench.push(someBytes(500, seed: 2))
      for method in ["GET", "HEAD"] {
        let response = try bench.client.send(method, bench.blob(digest))
        expect(response, 200)
        #expect(response["Docker-Content-Digest"] == digest, "\(method): \(response.fields)")
      }
    },
    Clause("2.3", "HEAD has Content-Length and no body") { bench in
      let digest = try bench.push(someBytes(12_345, seed: 3))
      let response = try bench.client.send("HEAD", bench.blob(digest))
      expect(response, 200)
      #expect(response["Content-Length"] == "12345")
      // Had a body followed, this answer would be taken from its middle.
      expect(try bench.client.send("GET", "/v2/"), 200)
    },
    Clause("2.4", "an unknown blob is 404") { bench in
      try bench.push([1])
      let missing = bench.algorithm.made(of: "e")
      expectError(try bench.client.send("GET", bench.blob(missing)), [404], ["BLOB_UNKNOWN"], naming: [missing])
      expect(try bench.client.send("HEAD", bench.blob(missing)), 404)
      // What another repository has is not here.
      let elsewhere = bench.algorithm.digest([1])
      expectError(
        try bench.client.send("GET", "/v2/\(bench.name)/other/blobs/\(elsewhere)"), [404],
        ["BLOB_UNKNOWN", "NAME_UNKNOWN"])
    },
    Clause("2.5", "Range by RFC 9110") { bench in
      let bytes = someBytes(3000, seed: 5)
      let target = bench.blob(try bench.push(bytes))
      let parts: [(String, Range<Int>)] = [
        ("bytes=500-1499", 500..<1500), ("bytes=500-", 500..<3000), ("bytes=-500", 2500..<3000),
        ("bytes=2000-5000", 2000..<3000), ("bytes=0-0", 0..<1), ("bytes=2999-", 2999..<3000),
        ("bytes=-9999", 0..<3000), ("bytes=0-", 0..<3000),
      ]
      for (range, wanted) in parts {
        let response = try bench.client.send("GET", target, [("Range", range)])
        expect(response, 206)
        expectSame(response.body, Array(bytes[wanted]), "\(range)")
        #expect(
          response["Content-Range"] == "bytes \(wanted.lowerBound)-\(wanted.upperBound - 1)/3000", "\(range)")
        #expect(response["Docker-Content-Digest"] == bench.algorithm.digest(bytes))
      }
      for range in ["bytes=3000-", "bytes=5000-10000", "bytes=-0", "bytes=500-0"] {
        let response = try bench.client.send("GET", target, [("Range", range)])
        expect(response, 416)
        #expect(response["Content-Range"] == "bytes */3000", "\(range): \(response)")
      }
      // What is no byte range is as if it were not there (RFC 9110, 14.2), or refused; it never gives other bytes.
      for range in ["bytes=a-b", "lines=1-2", "bytes=", "bytes=-", "bytes=1"] {
        let response = try bench.client.send("GET", target, [("Range", range)])
        expect(response, 200, 416)
        if response.status == 200 { expectSame(response.body, bytes, "\(range)") }
      }
      let several = try bench.client.send("GET", target, [("Range", "bytes=0-9,100-199,-5")])
      expect(several, 206)
      let type = several["Content-Type"] ?? ""
      guard let boundary = type.components(separatedBy: "boundary=").dropFirst().first else {
        throw HarnessError("no boundary: \(several)")
      }
      #expect(type.hasPrefix("multipart/byteranges"))
      var expected: [UInt8] = []
      for (range, label) in [(0..<10, "0-9"), (100..<200, "100-199"), (2995..<3000, "2995-2999")] {
        #expect(several.body.firstRange(of: "Content-Range: bytes \(label)/3000\r\n".utf8) != nil, "\(label)")
        expected = Array("\r\n\r\n".utf8) + bytes[range] + Array("\r\n--\(boundary.filter { $0 != "\"" })".utf8)
        #expect(several.body.firstRange(of: expected) != nil, "the bytes of \(label)")
      }
      // If-Range: only for the same content.
      let etag = #""\#(bench.algorithm.digest(bytes))""#
      let same = try bench.client.send("GET", target, [("Range", "bytes=0-9"), ("If-Range", etag)])
      expect(same, 206)
      let other = try bench.client.send("GET", target, [("Range", "bytes=0-9"), ("If-Range", #""other""#)])
      expect(other, 200)
      expectSame(other.body, bytes)
    },
  ]

  static let manifests: [Clause] = [
    Clause("3.1", "a manifest's exact bytes, by tag and by digest") { bench in
      // White space and member order must survive.
      let plain = try bench.image()
      let spaced = Content(Media.image, Array("\n  ".utf8) + plain.bytes + Array("\n\n".utf8), bench.algorithm)
      try bench.put(spaced, as: "a")
      try bench.expectContent(bench.manifest("a"), try bench.asPushedByTag(spaced))
      try bench.put(spaced)
      try bench.expectContent(bench.manifest(spaced.digest), spaced)
    },
    Clause("3.2", "Docker-Content-Digest on GET and HEAD, Content-Length on HEAD") { bench in
      let image = try bench.image()
      try bench.put(image)
      for method in ["GET", "HEAD"] {
        let response = try bench.client.send(method, bench.manifest(image.digest))
        expect(response, 200)
        #expect(response["Docker-Content-Digest"] == image.digest)
        #expect(response["Content-Length"] == "\(image.bytes.count)")
      }
    },
    Clause("3.3", "Content-Type as pushed, without parameters") { bench in
      let image = try bench.image()
      let put = try bench.client.send(
        "PUT", bench.manifest("a"), [("Content-Type", "\(Media.image); charset=utf-8")], body: image.bytes)
      expect(put, 201)
      #expect(try bench.client.send("GET", bench.manifest("a"))["Content-Type"] == Media.image)
      let docker = Content(
        Media.dockerImage,
        Array(String(decoding: image.bytes, as: UTF8.self).replacing(Media.image, with: Media.dockerImage).utf8),
        bench.algorithm)
      try bench.put(docker)
      #expect(try bench.client.send("HEAD", bench.manifest(docker.digest))["Content-Type"] == Media.dockerImage)
    },
    Clause("3.4", "an unknown manifest is 404") { bench in
      try bench.put(try bench.image(), as: "a")
      for reference in ["b", bench.algorithm.made(of: "1")] {
        expectError(
          try bench.client.send("GET", bench.manifest(reference)), [404], ["MANIFEST_UNKNOWN"], naming: [reference])
        expect(try bench.client.send("HEAD", bench.manifest(reference)), 404)
      }
    },
    Clause("3.5", "Accept: what is stored is served") { bench in
      let image = try bench.image()
      try bench.put(image, as: "image")
      try bench.put(image)
      let index = bench.indexManifest([image])
      try bench.put(index, as: "index")
      for (tag, type) in [("image", Media.image), ("index", Media.index)] {
        let accepts: [[Field]] = [
          [], [("Accept", "*/*")], [("Accept", "application/*")], [("Accept", "application/json")], [("Accept", type)],
          [("Accept", "text/html, \(type);q=0.5")], [("Accept", Media.dockerImage), ("Accept", type)],
        ]
        for fields in accepts {
          let response = try bench.client.send("GET", bench.manifest(tag), fields)
          expect(response, 200)
          #expect(response["Content-Type"] == type, "\(fields)")
        }
      }
    },
  ]
}

extension Bench {
  /// The content as a GET by tag shows it: a push by tag is digested with sha256, whatever the blobs have.
  func asPushedByTag(_ content: Content) throws -> Content { Content(content.mediaType, content.bytes, .sha256) }
}

extension String {
  func replacing(_ old: String, with new: String) -> String { components(separatedBy: old).joined(separator: new) }
}
