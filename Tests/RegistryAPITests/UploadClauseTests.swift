// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryRegistry
import GantryRegistryAPI
import GantryStorage
import GantryTestKit
import Testing

/// end-4 to end-6, end-13 and end-14 by clause, for both algorithms.
@Suite(.serialized) struct UploadClauseTests {
  static let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

  @Test("4.1, D5: what a new session answers") func start() throws {
    let bench = Bench()
    for target in ["/v2/a/b/blobs/uploads/", "/v2/a/b/blobs/uploads"] {
      let reply = bench.send("POST", target)
      #expect(reply.status == 202)
      let uuid = try #require(reply["Docker-Upload-UUID"])
      #expect(uuid.count == 36)
      #expect(reply["Range"] == "0-0")
      #expect(reply["Gantry-Upload-Offset"] == "0")
      #expect(reply.location.hasPrefix("/v2/a/b/blobs/uploads/\(uuid)?_state="))
      #expect(reply["Location"]?.hasPrefix("http://registry.test:5000/v2/") == true)
      #expect(reply["OCI-Chunk-Min-Length"] == nil)
    }
  }

  @Test("A malformed body is refused even where none is used") func uselessBody() {
    let bench = Bench()
    let ending = BodyError.malformed(.chunkSizeMissing(at: 3))
    let reply = bench.send("POST", "/v2/a/blobs/uploads/", body: [1, 2, 3], chunked: true, ending: ending)
    #expect(reply.status == 400 && reply.closes && reply["Location"] == nil)
    #expect(bench.send("POST", "/v2/a/blobs/uploads/", body: [1, 2, 3]).status == 202)
  }

  @Test("4.3", arguments: DigestAlgorithm.allCases) func inOnePost(_ algorithm: DigestAlgorithm) {
    let bench = Bench()
    let digest = Bench.digest(of: Self.bytes, algorithm)
    for chunked in [false, true] {
      let reply = bench.send("POST", "/v2/a/blobs/uploads/?digest=\(digest)", body: Self.bytes, chunked: chunked)
      #expect(reply.status == 201 && reply.location == "/v2/a/blobs/\(digest)", "\(reply.text)")
      #expect(reply["Docker-Content-Digest"] == digest.description)
    }
    #expect(bench.send("GET", "/v2/a/blobs/\(digest)").body == Self.bytes)
    let wrong = Bench.digest(of: [1], algorithm)
    let refused = bench.send("POST", "/v2/a/blobs/uploads/?digest=\(wrong)", body: Self.bytes)
    #expect(refused.status == 400 && refused.code == "DIGEST_INVALID" && refused.text.contains("\(wrong)"))
    #expect(bench.send("HEAD", "/v2/a/blobs/\(wrong)").status == 404)
    #expect(bench.send("POST", "/v2/a/blobs/uploads/?digest=x", body: Self.bytes).code == "DIGEST_INVALID")
  }

  @Test("4.4", arguments: DigestAlgorithm.allCases) func algorithmOfTheSession(_ algorithm: DigestAlgorithm) {
    let bench = Bench()
    let digest = Bench.digest(of: Self.bytes, algorithm)
    let start = bench.send("POST", "/v2/a/blobs/uploads/?digest-algorithm=\(algorithm.name)")
    #expect(start.status == 202)
    #expect(bench.send("PUT", "\(start.location)&digest=\(digest)", body: Self.bytes).status == 201)
    for unknown in ["md5", "SHA256", ""] {
      let reply = bench.send("POST", "/v2/a/blobs/uploads/?digest-algorithm=\(unknown)")
      #expect(reply.status == 400 && reply.code == "DIGEST_INVALID" && reply.text.contains("\"\(unknown)\""))
    }
  }

  @Test("A request that finishes an upload is answered again when it comes again", arguments: DigestAlgorithm.allCases)
  func finishedAgain(_ algorithm: DigestAlgorithm) {
    let bench = Bench()
    let digest = Bench.digest(of: Self.bytes, algorithm)
    let start = bench.send("POST", "/v2/a/blobs/uploads/?digest-algorithm=\(algorithm.name)")
    let location = bench.send("PATCH", start.location, body: Self.bytes).location
    let first = bench.send("PUT", "\(location)&digest=\(digest)", body: [])
    #expect(first.status == 201)
    for body in [nil, []] as [[UInt8]?] {
      let again = bench.send("PUT", "\(location)&digest=\(digest)", body: body)
      #expect(again.status == 201 && again.location == "/v2/a/blobs/\(digest)", "\(again.text)")
      #expect(again["Docker-Content-Digest"] == digest.description)
    }
    // What was not pushed, another repository's upload, and one that nobody proves to have known, are unknown as ever.
    let other = Bench.digest(of: [1], algorithm)
    let path = location.split(separator: "?")[0]
    for target in [
      "\(location)&digest=\(other)", "\(path)?digest=\(digest)", "/v2/b" + path.dropFirst(5) + "?digest=\(digest)",
    ] {
      let refused = bench.send("PUT", target, body: [])
      #expect(refused.status == 404 && refused.code == "BLOB_UPLOAD_UNKNOWN", "\(target): \(refused.text)")
    }
    // Bytes that would be more, or fewer, or nobody knows how many, are not those of the blob.
    #expect(bench.send("PUT", "\(location)&digest=\(digest)", body: Self.bytes).status == 404)
    #expect(bench.send("PUT", "\(location)&digest=\(digest)", body: [], chunked: true).status == 404)
    #expect(bench.send("PUT", "\(start.location)&digest=\(digest)", body: []).status == 404)
    #expect(bench.send("PUT", "\(start.location)&digest=\(digest)", body: Self.bytes).status == 201)
    #expect(bench.send("PATCH", location, body: [1]).status == 404)
    #expect(bench.send("DELETE", "/v2/a/blobs/\(digest)").status == 202)
    #expect(bench.send("PUT", "\(location)&digest=\(digest)", body: []).status == 404)
  }

  @Test("While another process holds an upload, requests on it are told where it stands") func heldElsewhere() throws {
    let bench = Bench()
    let start = bench.send("POST", "/v2/a/blobs/uploads/")
    let begun = bench.send("PATCH", start.location, body: Self.bytes)
    let (uuid, storage) = (try #require(begun["Docker-Upload-UUID"]), bench.storage)
    let id = try UploadID(parsing: uuid)
    let name = try RepositoryName(parsing: "a")
    // As another process has it: the requests find the lease taken.
    let held = Held()
    bench.simulation.run { held.session = try? await storage.resumeIngest(id, in: name) }
    #expect(held.session != nil)
    let digest = Bench.digest(of: Self.bytes)
    for (method, target) in [
      ("PATCH", begun.location), ("PATCH", start.location), ("PUT", "\(begun.location)&digest=\(digest)"),
    ] {
      let reply = bench.send(method, target, body: [])
      #expect(reply.status == 416 && reply.code == "RANGE_INVALID", "\(method): \(reply.status) \(reply.text)")
      #expect(reply["Retry-After"] == "1" && reply["Range"] == "0-999" && reply["Gantry-Upload-Offset"] == "1000")
      #expect(reply["Docker-Upload-UUID"] == uuid && reply.location.contains(uuid))
    }
    let status = bench.send("GET", begun.location)
    #expect(status.status == 204 && status["Gantry-Upload-Offset"] == "1000" && status["Range"] == "0-999")
    let cancelled = bench.send("DELETE", begun.location)
    #expect(cancelled.status == 429 && cancelled["Retry-After"] == "1" && cancelled["Range"] == nil)
    bench.simulation.run { await held.session?.release() }
    #expect(bench.send("PUT", "\(status.location)&digest=\(digest)", body: []).status == 201)
  }

  @Test("A broken push that is repeated is not told that it went well") func brokenAgain() {
    let bench = Bench()
    let digest = bench.pushBlob(Self.bytes, to: "a")
    let location = bench.send("POST", "/v2/a/blobs/uploads/").location
    let wrong = Array(Self.bytes.dropLast())
    #expect(bench.send("PUT", "\(location)&digest=\(digest)", body: wrong).code == "DIGEST_INVALID")
    let again = bench.send("PUT", "\(location)&digest=\(digest)", body: wrong)
    #expect(again.status == 404 && again.code == "BLOB_UPLOAD_UNKNOWN", "\(again.text)")
  }

  @Test("5.1, 5.2, 6.1, 6.2: chunks", arguments: DigestAlgorithm.allCases) func chunks(_ algorithm: DigestAlgorithm) {
    let bench = Bench()
    let digest = Bench.digest(of: Self.bytes, algorithm)
    var location = bench.send("POST", "/v2/a/blobs/uploads/").location
    for part in [0..<1, 1..<500] {
      let range = "\(part.lowerBound)-\(part.upperBound - 1)"
      let reply = bench.send("PATCH", location, ["Content-Range": range], body: Array(Self.bytes[part]))
      #expect(reply.status == 202 && reply["Range"] == "0-\(part.upperBound - 1)", "\(reply.text)")
      #expect(reply["Gantry-Upload-Offset"] == "\(part.upperBound)")
      #expect(reply.location != location)
      location = reply.location
    }
    for (method, query) in [("PATCH", ""), ("PUT", "&digest=\(digest)")] {
      for range in ["501-510", "0-9", "499-508"] {
        let reply = bench.send(
          method, location + query, ["Content-Range": range], body: [UInt8](repeating: 0, count: 10))
        #expect(reply.status == 416 && reply.code == "RANGE_INVALID", "\(method) \(range): \(reply.text)")
        // 416 says how to go on.
        #expect(reply["Range"] == "0-499" && reply["Gantry-Upload-Offset"] == "500")
        #expect(bench.send("GET", reply.location).status == 204)
      }
    }
    let last = bench.send(
      "PUT", "\(location)&digest=\(digest)", ["Content-Range": "500-999"], body: Array(Self.bytes[500...]))
    #expect(last.status == 201 && last.location == "/v2/a/blobs/\(digest)", "\(last.text)")
    #expect(bench.send("GET", "/v2/a/blobs/\(digest)").body == Self.bytes)
    #expect(bench.send("GET", location).status == 404)
  }

  @Test("5.3: streamed") func streamed() {
    let bench = Bench()
    let start = bench.send("POST", "/v2/a/blobs/uploads/")
    let one = bench.send("PATCH", start.location, body: Array(Self.bytes[..<300]), chunked: true)
    #expect(one.status == 202 && one["Range"] == "0-299")
    let two = bench.send("PATCH", one.location, ["Content-Type": "text/plain"], body: Array(Self.bytes[300...]))
    #expect(two.status == 202 && two["Range"] == "0-999")
    #expect(bench.send("PATCH", two.location).status == 202)
    let digest = Bench.digest(of: Self.bytes)
    #expect(bench.send("PUT", "\(two.location)&digest=\(digest)").status == 201)
  }

  @Test("5.4: unknown sessions") func unknown() {
    let bench = Bench()
    let digest = Bench.digest(of: [])
    for method in ["GET", "HEAD", "PATCH", "PUT", "DELETE"] {
      let reply = bench.send(method, "/v2/a/blobs/uploads/00000000-0000-4000-8000-000000000000?digest=\(digest)")
      #expect(reply.status == 404 && reply.code == "BLOB_UPLOAD_UNKNOWN", "\(method): \(reply.text)")
    }
    let location = bench.send("POST", "/v2/a/blobs/uploads/").location
    let elsewhere = "/v2/b" + location.dropFirst("/v2/a".count)
    #expect(bench.send("PATCH", elsewhere, body: [1]).code == "BLOB_UPLOAD_INVALID")
    #expect(bench.send("GET", elsewhere).status == 404)
    #expect(bench.send("GET", location).status == 204)
  }

  @Test("5.5: lengths that contradict the range") func contradictions() {
    let bench = Bench()
    let location = bench.send("POST", "/v2/a/blobs/uploads/").location
    for range in ["0-8", "0-10"] {
      let reply = bench.send("PATCH", location, ["Content-Range": range], body: [UInt8](repeating: 0, count: 10))
      #expect(reply.status == 400 && reply.code == "SIZE_INVALID", "\(reply.text)")
      #expect(bench.send("GET", location)["Gantry-Upload-Offset"] == "0")
    }
    for range in ["9-0", "a-b", "0", "-", "0-9,10-19", "+0-9", "99999999999999999999-1"] {
      let reply = bench.send("PATCH", location, ["Content-Range": range], body: [1])
      #expect(reply.status == 400 && reply.code == "RANGE_INVALID" && reply.text.contains(range), "\(reply.text)")
    }
    // Without an announced length the contradiction shows at the end; what arrived within the range is kept.
    let short = bench.send("PATCH", location, ["Content-Range": "0-9"], body: [1, 2, 3], chunked: true)
    #expect(short.status == 400 && short.code == "SIZE_INVALID")
    #expect(short["Gantry-Upload-Offset"] == "3")
    let long = bench.send("PATCH", short.location, ["Content-Range": "3-4"], body: [4, 5, 6], chunked: true)
    #expect(long.status == 400 && long.code == "SIZE_INVALID" && long["Gantry-Upload-Offset"] == "3")
  }

  @Test("6.3, D8: digests that are wrong", arguments: DigestAlgorithm.allCases)
  func wrongDigests(_ algorithm: DigestAlgorithm) {
    let bench = Bench()
    let location = bench.send("POST", "/v2/a/blobs/uploads/").location
    for query in ["", "&digest=", "&digest=x", "&digest=md5:00000000000000000000000000000000"] {
      let reply = bench.send("PUT", location + query, body: [1])
      #expect(reply.status == 400 && reply.code == "DIGEST_INVALID", "\(query)")
      #expect(bench.send("GET", location)["Gantry-Upload-Offset"] == "0", "the session is kept and nothing is taken")
    }
    let wrong = Bench.digest(of: [9], algorithm)
    let refused = bench.send("PUT", "\(location)&digest=\(wrong)", body: [1, 2, 3])
    #expect(refused.status == 400 && refused.code == "DIGEST_INVALID" && refused.text.contains("\(wrong)"))
    #expect(bench.send("GET", location).status == 404, "the session is discarded")
    for digest in [wrong, Bench.digest(of: [1, 2, 3], algorithm)] {
      #expect(bench.send("HEAD", "/v2/a/blobs/\(digest)").status == 404)
    }
  }

  @Test("13.1, 14.1: status and cancel") func statusAndCancel() {
    let bench = Bench()
    let start = bench.send("POST", "/v2/a/blobs/uploads/")
    let patched = bench.send("PATCH", start.location, body: Self.bytes)
    let path = String(patched.location.prefix { $0 != "?" })
    for method in ["GET", "HEAD"] {
      for target in [path, patched.location, start.location] {
        let status = bench.send(method, target)
        #expect(status.status == 204 && status["Range"] == "0-999")
        #expect(status["Docker-Upload-UUID"] == start["Docker-Upload-UUID"])
        #expect(status.location == patched.location)
      }
    }
    let cancelled = bench.send("DELETE", patched.location)
    #expect(cancelled.status == 204 && cancelled["Docker-Upload-UUID"] == start["Docker-Upload-UUID"])
    for method in ["GET", "PATCH", "DELETE"] { #expect(bench.send(method, path).status == 404) }
  }

  @Test("D6, B1: _state, and doing without it") func state() {
    let bench = Bench()
    let start = bench.send("POST", "/v2/a/blobs/uploads/")
    let path = String(start.location.prefix { $0 != "?" })
    let foreign = Bench(seed: 2, settings: .init(secret: [1]), storage: bench.storage)
    let other = foreign.send("POST", "/v2/a/blobs/uploads/").location
    for bad in ["x", "AAAA", String(other.drop { $0 != "=" }.dropFirst())] {
      let reply = bench.send("PATCH", "\(path)?_state=\(bad)", body: [1])
      #expect(reply.status == 404 && reply.code == "BLOB_UPLOAD_INVALID", "\(reply.text)")
    }
    let one = bench.send("PATCH", path, ["Content-Range": "0-2"], body: [1, 2, 3])
    #expect(one.status == 202)
    // The token is older than the bytes: without Content-Range it says where the bytes begin, and that is wrong.
    let stale = bench.send("PATCH", start.location, body: [4])
    #expect(stale.status == 416 && stale["Gantry-Upload-Offset"] == "3")
    // With Content-Range the client knows better than its token.
    #expect(bench.send("PATCH", start.location, ["Content-Range": "3-3"], body: [4]).status == 202)
    #expect(bench.send("PATCH", path, ["Content-Range": "3-3"], body: [4]).status == 416)
    #expect(bench.send("PATCH", path, body: [5])["Range"] == "0-4")
    let digest = Bench.digest(of: [1, 2, 3, 4, 5])
    #expect(bench.send("PUT", "\(path)?digest=\(digest)").status == 201)
  }

  @Test("R0: 0-0 stands for nothing and for one byte") func zeroZero() {
    let bench = Bench()
    let start = bench.send("POST", "/v2/a/blobs/uploads/")
    #expect(bench.send("PATCH", start.location, ["Content-Range": "1-1"], body: [2]).status == 416)
    let one = bench.send("PATCH", start.location, ["Content-Range": "0-0"], body: [1])
    #expect(one["Range"] == "0-0" && one["Gantry-Upload-Offset"] == "1")
    #expect(bench.send("PATCH", one.location, ["Content-Range": "0-0"], body: [1]).status == 416)
    #expect(bench.send("PATCH", one.location, ["Content-Range": "1-1"], body: [2])["Range"] == "0-1")
  }

  @Test(
    "A client that leaves in mid-body finds its bytes kept",
    arguments: [
      (BodyError.disconnected, 499), (.stalled, 408), (.draining, 503),
    ])
  func bytesAreKept(_ ending: BodyError, _ status: Int) {
    let bench = Bench()
    let start = bench.send("POST", "/v2/a/blobs/uploads/")
    let cut = bench.send("PATCH", start.location, body: Self.bytes, chunked: true, ending: ending)
    #expect(cut.status == status && cut.closes)
    #expect(cut["Gantry-Upload-Offset"] == "1000")
    let digest = Bench.digest(of: Self.bytes)
    let put = bench.send("PUT", "\(cut.location)&digest=\(digest)", body: [], ending: ending)
    #expect(put.status == status)
    #expect(bench.send("PUT", "\(cut.location)&digest=\(digest)").status == 201)
    // A POST with the whole blob leaves nothing behind: nobody knows its session.
    let post = bench.send("POST", "/v2/a/blobs/uploads/?digest=\(digest)", body: Self.bytes, ending: ending)
    #expect(post.status == status && post["Location"] == nil)
  }
}

/// A session that another process holds.
private final class Held: @unchecked Sendable {
  // Safe because: only the one thread of a simulation uses it.
  var session: (any IngestSession)?
}
