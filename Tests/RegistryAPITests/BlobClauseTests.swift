// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryRegistry
import Testing

/// end-2, end-10 and end-11 by clause, for both algorithms.
@Suite(.serialized) struct BlobClauseTests {
  @Test("2.1 to 2.4", arguments: DigestAlgorithm.allCases) func reading(_ algorithm: DigestAlgorithm) {
    let bench = Bench()
    for bytes in [[], Array("{}".utf8), [UInt8](repeating: 7, count: 300_000)] {
      let digest = bench.pushBlob(bytes, to: "a/b", algorithm)
      for _ in 0..<2 {
        for method in ["GET", "HEAD"] {
          let reply = bench.send(method, "/v2/a/b/blobs/\(digest)")
          #expect(reply.status == 200)
          #expect(reply.body == bytes)
          #expect(reply["Docker-Content-Digest"] == digest.description)
          #expect(reply["ETag"] == "\"\(digest)\"")
          #expect(reply["Content-Type"] == "application/octet-stream")
          #expect(reply["Cache-Control"] == "max-age=31536000")
          #expect(reply["Accept-Ranges"] == "bytes")
        }
      }
      let elsewhere = bench.send("GET", "/v2/other/blobs/\(digest)")
      #expect(elsewhere.status == 404 && elsewhere.code == "BLOB_UNKNOWN" && elsewhere.text.contains("\(digest)"))
    }
  }

  @Test(
    "2.5: one range",
    arguments: [
      ("bytes=500-1499", 500..<1500), ("bytes=500-", 500..<3000), ("bytes=-500", 2500..<3000),
      ("bytes=2000-5000", 2000..<3000), ("bytes=0-0", 0..<1), ("bytes=-9999", 0..<3000),
    ])
  func oneRange(_ range: String, _ wanted: Range<Int>) {
    let bench = Bench()
    let bytes = (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let digest = bench.pushBlob(bytes, to: "a")
    for _ in 0..<2 {
      let reply = bench.send("GET", "/v2/a/blobs/\(digest)", ["Range": range])
      #expect(reply.status == 206)
      #expect(reply.body == Array(bytes[wanted]))
      #expect(reply["Content-Range"] == "bytes \(wanted.lowerBound)-\(wanted.upperBound - 1)/3000")
      #expect(reply["Docker-Content-Digest"] == digest.description)
    }
    // A range of a HEAD means nothing (RFC 9110, 14.2).
    #expect(bench.send("HEAD", "/v2/a/blobs/\(digest)", ["Range": range]).status == 200)
  }

  @Test("2.5: unsatisfiable and meaningless ranges, If-Range") func otherRanges() {
    let bench = Bench()
    let bytes = [UInt8](repeating: 1, count: 3000)
    let digest = bench.pushBlob(bytes, to: "a")
    let target = "/v2/a/blobs/\(digest)"
    for range in ["bytes=3000-", "bytes=5000-10000", "bytes=-0", "bytes=500-0"] {
      let reply = bench.send("GET", target, ["Range": range])
      #expect(reply.status == 416 && reply["Content-Range"] == "bytes */3000" && reply.code == "RANGE_INVALID")
    }
    for range in ["bytes=a-b", "lines=1-2", "bytes=", "bytes=-"] {
      #expect(bench.send("GET", target, ["Range": range]).status == 200, "\(range)")
    }
    #expect(bench.send("GET", target, ["Range": "bytes=0-9", "If-Range": "\"\(digest)\""]).status == 206)
    for other in ["\"x\"", "W/\"\(digest)\"", "Sun, 06 Nov 1994 08:49:37 GMT", "nonsense"] {
      #expect(bench.send("GET", target, ["Range": "bytes=0-9", "If-Range": other]).status == 200, "\(other)")
    }
  }

  @Test("2.5: several ranges") func severalRanges() throws {
    let bench = Bench()
    let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
    let digest = bench.pushBlob(bytes, to: "a")
    let reply = bench.send("GET", "/v2/a/blobs/\(digest)", ["Range": "bytes=0-1,100-102,-1"])
    #expect(reply.status == 206)
    let type = try #require(reply["Content-Type"])
    let boundary = try #require(type.split(separator: "boundary=").last)
    var expected: [UInt8] = []
    for (index, range) in [0..<2, 100..<103, 299..<300].enumerated() {
      let head =
        "\(index == 0 ? "" : "\r\n")--\(boundary)\r\nContent-Type: application/octet-stream\r\n"
        + "Content-Range: bytes \(range.lowerBound)-\(range.upperBound - 1)/300\r\n\r\n"
      expected += Array(head.utf8) + bytes[range]
    }
    expected += Array("\r\n--\(boundary)--\r\n".utf8)
    #expect(reply.body == expected)
    let again = bench.send("GET", "/v2/a/blobs/\(digest)", ["Range": "bytes=0-1,100-102"])
    #expect(again["Content-Type"] != type, "a boundary is not used twice")
  }

  @Test("D10: conditions") func conditions() {
    let bench = Bench()
    let digest = bench.pushBlob([1, 2, 3], to: "a")
    let target = "/v2/a/blobs/\(digest)"
    for tag in ["\"\(digest)\"", "W/\"\(digest)\"", "\"x\", \"\(digest)\"", "*", digest.description] {
      let reply = bench.send("GET", target, ["If-None-Match": tag])
      #expect(reply.status == 304 && reply.body.isEmpty && reply["ETag"] == "\"\(digest)\"", "\(tag)")
    }
    #expect(bench.send("GET", target, ["If-None-Match": "\"x\""]).status == 200)
    #expect(bench.send("GET", target, ["If-Match": "\"x\""]).status == 412)
    #expect(bench.send("GET", target, ["If-Match": "\"\(digest)\""]).status == 200)
  }

  @Test("10.1", arguments: DigestAlgorithm.allCases) func deleting(_ algorithm: DigestAlgorithm) {
    let bench = Bench()
    let digest = bench.pushBlob([1, 2, 3], to: "a", algorithm)
    bench.pushBlob([1, 2, 3], to: "b", algorithm)
    // Warm, so that a cache could lie.
    for _ in 0..<3 { #expect(bench.send("GET", "/v2/a/blobs/\(digest)").status == 200) }
    #expect(bench.send("DELETE", "/v2/a/blobs/\(digest)").status == 202)
    for method in ["GET", "HEAD", "DELETE"] {
      #expect(bench.send(method, "/v2/a/blobs/\(digest)").status == 404)
    }
    #expect(bench.send("GET", "/v2/b/blobs/\(digest)").body == [1, 2, 3])
    let locked = Bench(policy: RegistryPolicy(), storage: bench.storage)
    let refused = locked.send("DELETE", "/v2/b/blobs/\(digest)")
    #expect(refused.status == 405 && refused.code == "UNSUPPORTED")
  }

  @Test("11.1 to 11.3", arguments: DigestAlgorithm.allCases) func mounting(_ algorithm: DigestAlgorithm) {
    let bench = Bench()
    let digest = bench.pushBlob([1, 2, 3], to: "from/here", algorithm)
    let mounted = bench.send("POST", "/v2/to/blobs/uploads/?mount=\(digest)&from=from/here")
    #expect(mounted.status == 201)
    #expect(mounted.location == "/v2/to/blobs/\(digest)")
    #expect(mounted["Docker-Content-Digest"] == digest.description)
    #expect(bench.send("GET", "/v2/to/blobs/\(digest)").body == [1, 2, 3])
    #expect(bench.send("POST", "/v2/anon/blobs/uploads/?mount=\(digest)").status == 201)
    let absent = Bench.digest(of: [9], algorithm)
    for query in [
      "mount=\(absent)&from=from/here", "mount=\(digest)&from=none", "mount=\(absent)", "mount=bad&from=from/here",
      "mount=\(digest)&from=BAD", "from=from/here",
    ] {
      let reply = bench.send("POST", "/v2/elsewhere/blobs/uploads/?\(query)")
      #expect(reply.status == 202, "\(query)")
      #expect(bench.send("GET", reply.location).status == 204)
    }
  }
}
