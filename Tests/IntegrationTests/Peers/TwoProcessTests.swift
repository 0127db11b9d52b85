// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

/// Two registries at once on one directory, as behind a proxy that knows nothing of sessions.
@Suite("Two processes on one directory", .serialized)
struct TwoProcessTests {
  /// Runs `body` with two registries, and expects both to end well.
  private func withTwo(
    _ settings: RegistrySettings = RegistrySettings(), _ body: (RegistryProcess, RegistryProcess) throws -> Void
  ) throws {
    let first = try RegistryProcess(settings)
    let second = try RegistryProcess(settings, in: first.scratch, root: first.root)
    try body(first, second)
    first.stop()
    second.stop()
  }

  @Test("What one changes, the next request to the other shows")
  func changesAreSeen() throws {
    try withTwo { first, second in
      let here = try Bench("seen", registry: first)
      let there = HTTPClient(second.endpoint)
      let images = try (1...6).map { try here.image(seed: $0) }
      try here.put(images[0], as: "moving")
      // Hot in both, and old enough to be remembered; then it moves, many times within one tick of the clock.
      for _ in 0..<200 {
        expect(try there.send("GET", here.manifest("moving")), 200)
        expect(try here.client.send("GET", here.manifest("moving")), 200)
      }
      for round in 0..<60 {
        let image = images[round % images.count]
        try here.put(image, as: "moving")
        let seen = try there.send("GET", here.manifest("moving"))
        expect(seen, 200)
        #expect(seen["Docker-Content-Digest"] == image.digest, "round \(round)")
        expectSame(seen.body, image.bytes, "round \(round)")
      }
      expect(try here.client.send("DELETE", here.manifest("moving")), 202)
      expect(try there.send("GET", here.manifest("moving")), 404)
      expect(try there.send("GET", here.manifest(images[1].digest)), 200)
      expect(try here.client.send("DELETE", here.manifest(images[1].digest)), 202)
      expect(try there.send("GET", here.manifest(images[1].digest)), 404)
      let blob = try here.push(someBytes(5000, seed: 99))
      expect(try there.send("GET", here.blob(blob)), 200)
      expect(try here.client.send("DELETE", here.blob(blob)), 202)
      expect(try there.send("GET", here.blob(blob)), 404)
    }
  }

  @Test(
    "An upload goes on at whichever process the proxy picks", arguments: ["a secret of the tests", nil] as [String?])
  func uploadsGoOn(secret: String?) throws {
    try withTwo(RegistrySettings(secret: secret)) { first, second in
      let bench = try Bench("round robin", registry: first)
      let clients = [bench.client, HTTPClient(second.endpoint)]
      let bytes = someBytes(900_000, seed: 7)
      var location = try bench.startUpload()
      for (turn, start) in stride(from: 0, to: bytes.count, by: 100_000).enumerated() {
        let chunk = Array(bytes[start..<(start + 100_000)])
        let client = clients[turn % 2]
        let answer = try client.send(
          "PATCH", location,
          [("Content-Type", "application/octet-stream"), ("Content-Range", "\(start)-\(start + chunk.count - 1)")],
          body: chunk)
        expect(answer, 202)
        #expect(answer["Range"] == "0-\(start + chunk.count - 1)")
        location = try bench.target(of: answer)
        let status = try clients[(turn + 1) % 2].send("GET", location)
        expect(status, 204)
        #expect(status["Range"] == "0-\(start + chunk.count - 1)", "as the other process sees it")
      }
      let digest = Algorithm.sha256.digest(bytes)
      expect(try clients[1].send("PUT", location.adding("digest=\(digest)")), 201)
      let pulled = try bench.client.send("GET", bench.blob(digest))
      expectSame(pulled.body, bytes, "the blob that two processes took in")
    }
  }

  @Test("While one receives, the other says where the upload stands, and goes on when it may")
  func heldByTheOther() throws {
    try withTwo { first, second in
      let bench = try Bench("held", registry: first)
      let there = HTTPClient(second.endpoint)
      let bytes = someBytes(300_000, seed: 8)
      let digest = Algorithm.sha256.digest(bytes)
      let begun = try bench.client.send("PATCH", try bench.startUpload(), body: Array(bytes[..<50_000]))
      expect(begun, 202)
      let location = try bench.target(of: begun)
      let connection = try Connection(to: first.endpoint)
      try connection.send(
        Array("PATCH \(location) HTTP/1.1\r\nHost: x\r\nContent-Length: 250000\r\n\r\n".utf8)
          + bytes[50_000..<150_000])
      let deadline = ContinuousClock.now + .seconds(20)
      while try bench.client.send("GET", location)["Gantry-Upload-Offset"] != "150000", ContinuousClock.now < deadline {
      }
      func expectStanding(_ answer: Response, _ what: String) {
        let told = Int(answer["Gantry-Upload-Offset"] ?? "") ?? -1
        #expect((50_000...150_000).contains(told), "\(what): \(told)")
        #expect(answer["Range"] == "0-\(told - 1)", "\(what)")
        #expect(answer["Docker-Upload-UUID"] == begun["Docker-Upload-UUID"], "\(what)")
        #expect(answer["Location"] != nil, "\(what)")
      }
      for (method, target) in [("PATCH", location), ("PUT", location.adding("digest=\(digest)"))] {
        let refused = try there.send(method, target, body: Array(bytes[50_000...]))
        expectError(refused, [416], ["RANGE_INVALID"], naming: ["another process"])
        #expect(refused["Retry-After"] == "1")
        expectStanding(refused, method)
      }
      let status = try there.send("GET", location)
      expect(status, 204)
      expectStanding(status, "GET")
      let cancelled = try there.send("DELETE", location)
      expectError(cancelled, [429], ["TOOMANYREQUESTS"])
      #expect(cancelled["Retry-After"] == "1")
      try connection.send(Array(bytes[150_000...]))
      let received = try connection.readResponse(to: "PATCH")
      expect(received, 202)
      #expect(received["Gantry-Upload-Offset"] == "300000")
      expect(try there.send("PUT", targetOf(received["Location"] ?? "").adding("digest=\(digest)"), body: []), 201)
      expectSame(try there.send("GET", bench.blob(digest)).body, bytes, "the blob that two processes took in")
      connection.shut()
    }
  }
}
