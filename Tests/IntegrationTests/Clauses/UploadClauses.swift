// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

private let octets: Field = ("Content-Type", "application/octet-stream")

extension Clause {
  static let uploads: [Clause] = [
    Clause("4.1", "POST opens a session of its own") { bench in
      var locations: Set<String> = []
      for _ in 0..<5 { locations.insert(try bench.startUpload()) }
      #expect(locations.count == 5, "\(locations)")
      for location in locations { expect(try bench.client.send("GET", location), 204) }
    },
    Clause("4.2", "OCI-Chunk-Min-Length only where there is a minimum", digest: false) { bench in
      let response = try bench.client.send("POST", bench.uploads)
      expect(response, 202)
      // There is no minimum, so a chunk of one byte is taken; a header that says otherwise would be a lie.
      #expect(response["OCI-Chunk-Min-Length"].flatMap(Int.init) ?? 0 <= 1)
      expect(
        try bench.client.send("PATCH", bench.target(of: response), [octets, ("Content-Range", "0-0")], body: [7]), 202)
    },
    Clause("4.3", "a whole blob in one POST") { bench in
      let bytes = someBytes(2000, seed: 43)
      let digest = bench.algorithm.digest(bytes)
      let response = try bench.client.send("POST", bench.uploads + "?digest=\(digest)", [octets], body: bytes)
      expect(response, 201)
      #expect(try bench.target(of: response) == bench.blob(digest))
      #expect(response["Docker-Content-Digest"] == digest)
      expectSame(try bench.client.send("GET", bench.blob(digest)).body, bytes)
      // Chunked coding too.
      let other = someBytes(3000, seed: 44)
      let chunked = try bench.client.send(
        "POST", bench.uploads + "?digest=\(bench.algorithm.digest(other))", [octets],
        chunks: [Array(other[..<1]), Array(other[1...])])
      expect(chunked, 201)
      let wrong = bench.algorithm.made(of: "3")
      expectError(
        try bench.client.send("POST", bench.uploads + "?digest=\(wrong)", [octets], body: bytes), [400],
        ["DIGEST_INVALID"])
      expect(try bench.client.send("HEAD", bench.blob(wrong)), 404)
      expectError(
        try bench.client.send("POST", bench.uploads + "?digest=nonsense", [octets], body: bytes), [400],
        ["DIGEST_INVALID"])
    },
    Clause("4.4", "digest-algorithm is used for the session") { bench in
      let bytes = someBytes(5000, seed: 44)
      let opened = try bench.client.send("POST", bench.uploads + "?digest-algorithm=\(bench.algorithm)")
      expect(opened, 202)
      let patched = try bench.client.send("PATCH", bench.target(of: opened), [octets], body: bytes)
      expect(patched, 202)
      let digest = bench.algorithm.digest(bytes)
      expect(try bench.client.send("PUT", bench.target(of: patched).adding("digest=\(digest)")), 201)
      expectSame(try bench.client.send("GET", bench.blob(digest)).body, bytes)
      for unknown in ["md5", "sha1", "SHA256", "-"] {
        expectError(
          try bench.client.send("POST", bench.uploads + "?digest-algorithm=\(unknown)"), [400],
          ["DIGEST_INVALID", "UNSUPPORTED"], naming: [unknown])
      }
    },
    Clause("5.1", "chunks with Content-Range") { bench in
      let bytes = someBytes(1000, seed: 51)
      var location = try bench.startUpload()
      for part in [0..<500, 500..<501, 501..<1000] {
        let response = try bench.client.send(
          "PATCH", location, [octets, ("Content-Range", "\(part.lowerBound)-\(part.upperBound - 1)")],
          body: Array(bytes[part]))
        expect(response, 202)
        #expect(response["Range"] == "0-\(part.upperBound - 1)")
        location = try bench.target(of: response)
      }
      let digest = bench.algorithm.digest(bytes)
      expect(try bench.client.send("PUT", location.adding("digest=\(digest)")), 201)
      expectSame(try bench.client.send("GET", bench.blob(digest)).body, bytes)
    },
    Clause("5.2", "a chunk out of order is 416, and the session goes on") { bench in
      let bytes = someBytes(1000, seed: 52)
      let opened = try bench.startUpload()
      let first = try bench.client.send(
        "PATCH", opened, [octets, ("Content-Range", "0-499")], body: Array(bytes[..<500]))
      expect(first, 202)
      for range in ["600-999", "0-399", "499-898", "400-799"] {
        let count = range == "600-999" ? 400 : 400
        expectError(
          try bench.client.send(
            "PATCH", bench.target(of: first), [octets, ("Content-Range", range)], body: Array(bytes[..<count])), [416],
          ["RANGE_INVALID", "BLOB_UPLOAD_INVALID"])
      }
      let status = try bench.client.send("GET", bench.target(of: first))
      expect(status, 204)
      #expect(status["Range"] == "0-499")
      let second = try bench.client.send(
        "PATCH", bench.target(of: status), [octets, ("Content-Range", "500-999")], body: Array(bytes[500...]))
      expect(second, 202)
      expect(
        try bench.client.send("PUT", bench.target(of: second).adding("digest=\(bench.algorithm.digest(bytes))")), 201)
      // The first chunk may be the one out of order.
      expect(
        try bench.client.send(
          "PATCH", try bench.startUpload(), [octets, ("Content-Range", "5-9")], body: [1, 2, 3, 4, 5]),
        416)
    },
    Clause("5.3", "a streamed PATCH appends") { bench in
      let bytes = someBytes(300_000, seed: 53)
      let first = try bench.client.send("PATCH", try bench.startUpload(), [octets], body: Array(bytes[..<100_000]))
      expect(first, 202)
      #expect(first["Range"] == "0-99999")
      let second = try bench.client.send(
        "PATCH", bench.target(of: first), [octets],
        chunks: [Array(bytes[100_000..<100_001]), Array(bytes[100_001..<250_000]), Array(bytes[250_000...])])
      expect(second, 202)
      #expect(second["Range"] == "0-299999")
      let digest = bench.algorithm.digest(bytes)
      expect(try bench.client.send("PUT", bench.target(of: second).adding("digest=\(digest)")), 201)
      expectSame(try bench.client.send("GET", bench.blob(digest)).body, bytes)
    },
    Clause("5.4", "an unknown session is 404", digest: false) { bench in
      for id in ["00000000-0000-4000-8000-000000000000", "nothing", "a.b"] {
        for method in ["GET", "PATCH", "PUT", "DELETE"] {
          let response = try bench.client.send(
            method, bench.uploads + id + (method == "PUT" ? "?digest=" + bench.algorithm.made(of: "1") : ""))
          expectError(response, [404], ["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"])
        }
      }
      // A session of one repository is none of another.
      let location = try bench.startUpload()
      let elsewhere = location.replacing("/v2/\(bench.name)/", with: "/v2/\(bench.name)/other/")
      expect(try bench.client.send("PATCH", elsewhere, [octets], body: [1]), 404)
      expect(try bench.client.send("GET", location), 204)
    },
    Clause("5.5", "a length that contradicts the range") { bench in
      let location = try bench.startUpload()
      for range in ["0-8", "0-10"] {
        let response = try bench.client.send(
          "PATCH", location, [octets, ("Content-Range", range)], body: someBytes(10, seed: 1))
        expectError(response, [400, 416], ["SIZE_INVALID", "RANGE_INVALID", "BLOB_UPLOAD_INVALID"])
      }
      #expect(try bench.client.send("GET", location)["Range"] == "0-0")
      for range in ["9-0", "a-b", "0", "-", "0-9,10-19", "bytes", "+0-9", "0x0-9", "99999999999999999999-1"] {
        let response = try bench.client.send(
          "PATCH", location, [octets, ("Content-Range", range)], body: someBytes(10, seed: 1))
        expectError(
          response, [400, 416], ["SIZE_INVALID", "RANGE_INVALID", "BLOB_UPLOAD_INVALID"], naming: ["Content-Range"])
      }
    },
    Clause("6.1", "PUT with the whole body, the last chunk, or nothing in it") { bench in
      let bytes = someBytes(900, seed: 61)
      let digest = bench.algorithm.digest(bytes)
      for split in [0, 400, 900] {
        var location = try bench.startUpload()
        if split > 0 {
          let patched = try bench.client.send(
            "PATCH", location, [octets, ("Content-Range", "0-\(split - 1)")], body: Array(bytes[..<split]))
          expect(patched, 202)
          location = try bench.target(of: patched)
        }
        let range: [Field] = split == 400 ? [("Content-Range", "400-899")] : []
        let done = try bench.client.send(
          "PUT", location.adding("digest=\(digest)"), [octets] + range, body: Array(bytes[split...]))
        expect(done, 201)
        #expect(try bench.target(of: done) == bench.blob(digest))
        #expect(done["Docker-Content-Digest"] == digest)
        expectSame(try bench.client.send("GET", bench.blob(digest)).body, bytes)
        expect(try bench.client.send("GET", location), 404)
        expect(try bench.client.send("DELETE", bench.blob(digest)), 202)
      }
    },
    Clause("6.2", "a last chunk out of order is 416, and the session goes on") { bench in
      let bytes = someBytes(900, seed: 62)
      let digest = bench.algorithm.digest(bytes)
      let patched = try bench.client.send(
        "PATCH", try bench.startUpload(), [octets, ("Content-Range", "0-399")], body: Array(bytes[..<400]))
      let refused = try bench.client.send(
        "PUT", bench.target(of: patched).adding("digest=\(digest)"), [octets, ("Content-Range", "500-899")],
        body: Array(bytes[500...]))
      expectError(refused, [416], ["RANGE_INVALID", "BLOB_UPLOAD_INVALID"])
      let status = try bench.client.send("GET", bench.target(of: patched))
      expect(status, 204)
      #expect(status["Range"] == "0-399")
      let done = try bench.client.send(
        "PUT", bench.target(of: status).adding("digest=\(digest)"), [octets, ("Content-Range", "400-899")],
        body: Array(bytes[400...]))
      expect(done, 201)
      expectSame(try bench.client.send("GET", bench.blob(digest)).body, bytes)
    },
    Clause("6.3", "a wrong digest is 400, and nothing is stored") { bench in
      let bytes = someBytes(700, seed: 63)
      let wrong = bench.algorithm.digest("something else")
      let refused = try bench.client.send(
        "PUT", try bench.startUpload().adding("digest=\(wrong)"), [octets], body: bytes)
      expectError(refused, [400], ["DIGEST_INVALID"], naming: [wrong])
      for digest in [wrong, bench.algorithm.digest(bytes)] {
        expect(try bench.client.send("HEAD", bench.blob(digest)), 404)
      }
      for digest in ["", "x", "sha256", "md5:" + String(repeating: "0", count: 32)] {
        let location = try bench.startUpload()
        expectError(
          try bench.client.send("PUT", location.adding("digest=\(digest)"), [octets], body: bytes), [400],
          ["DIGEST_INVALID", "UNSUPPORTED"])
      }
      // Without any digest the session is kept.
      let location = try bench.startUpload()
      expectError(try bench.client.send("PUT", location, [octets]), [400], ["DIGEST_INVALID"])
      expect(try bench.client.send("GET", location), 204)
    },
    Clause("6.4", "an empty blob, and {}") { bench in
      for bytes in [[], Array("{}".utf8)] {
        let digest = try bench.push(bytes)
        let response = try bench.client.send("GET", bench.blob(digest))
        expect(response, 200)
        expectSame(response.body, bytes)
        #expect(response["Content-Length"] == "\(bytes.count)")
        #expect(try bench.client.send("HEAD", bench.blob(digest))["Content-Length"] == "\(bytes.count)")
      }
    },
    Clause("11.1", "a blob is mounted") { bench in
      let bytes = someBytes(1100, seed: 111)
      let digest = try bench.push(bytes)
      let target = "/v2/\(bench.name)/mounted/blobs"
      let mounted = try bench.client.send("POST", "\(target)/uploads/?mount=\(digest)&from=\(bench.name)")
      expect(mounted, 201)
      #expect(try bench.target(of: mounted) == "\(target)/\(digest)")
      #expect(mounted["Docker-Content-Digest"] == digest)
      expectSame(try bench.client.send("GET", "\(target)/\(digest)").body, bytes)
    },
    Clause("11.2", "what cannot be mounted becomes a session") { bench in
      let digest = try bench.push(someBytes(10, seed: 112))
      let absent = bench.algorithm.made(of: "5")
      for query in [
        "mount=\(absent)&from=\(bench.name)", "mount=\(digest)&from=\(bench.name)/absent", "mount=\(absent)",
      ] {
        let response = try bench.client.send("POST", "/v2/\(bench.name)/target/blobs/uploads/?\(query)")
        expect(response, 202)
        expect(try bench.client.send("GET", bench.target(of: response)), 204)
      }
    },
    Clause("11.3", "a mount without from") { bench in
      let bytes = someBytes(1300, seed: UInt64.random(in: 1 ... .max))
      let digest = try bench.push(bytes)
      let target = "/v2/\(bench.name)/anonymous/blobs"
      let mounted = try bench.client.send("POST", "\(target)/uploads/?mount=\(digest)")
      expect(mounted, 201)
      expectSame(try bench.client.send("GET", "\(target)/\(digest)").body, bytes)
    },
    Clause("13.1", "the status of a session") { bench in
      let opened = try bench.startUpload()
      let patched = try bench.client.send("PATCH", opened, [octets], body: someBytes(77, seed: 1))
      for method in ["GET", "HEAD"] {
        let status = try bench.client.send(method, bench.target(of: patched))
        expect(status, 204)
        #expect(status["Range"] == "0-76")
        expect(try bench.client.send("GET", bench.target(of: status)), 204)
      }
    },
    Clause("14.1", "a session is cancelled") { bench in
      let opened = try bench.startUpload()
      let patched = try bench.client.send("PATCH", opened, [octets], body: someBytes(77, seed: 1))
      let location = try bench.target(of: patched)
      expect(try bench.client.send("DELETE", location), 204)
      for method in ["GET", "PATCH", "DELETE"] {
        expectError(
          try bench.client.send(method, location), [404], ["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"])
      }
      let directory = "\(bench.registry.root)/docker/registry/v2/repositories/\(bench.name)/_uploads"
      #expect(Files.tree(directory) == [], "the bytes of a cancelled session are left")
    },
    Clause("R0", "0-0 stands for nothing and for one byte") { bench in
      let empty = try bench.startUpload()
      let status = try bench.client.send("GET", empty)
      #expect(status["Range"] == "0-0")
      // Nothing is there, so a chunk begins at 0; a client that took 0-0 for one byte is told so.
      let refused = try bench.client.send("PATCH", empty, [octets, ("Content-Range", "1-4")], body: [1, 2, 3, 4])
      expect(refused, 416)
      let one = try bench.client.send("PATCH", empty, [octets, ("Content-Range", "0-0")], body: [9])
      expect(one, 202)
      #expect(one["Range"] == "0-0")
      expect(
        try bench.client.send("PATCH", bench.target(of: one), [octets, ("Content-Range", "0-3")], body: [1, 2, 3, 4]),
        416)
      let more = try bench.client.send(
        "PATCH", bench.target(of: one), [octets, ("Content-Range", "1-4")], body: [1, 2, 3, 4])
      expect(more, 202)
      #expect(more["Range"] == "0-4")
      let digest = bench.algorithm.digest([9, 1, 2, 3, 4])
      expect(try bench.client.send("PUT", bench.target(of: more).adding("digest=\(digest)")), 201)
    },
  ]
}
