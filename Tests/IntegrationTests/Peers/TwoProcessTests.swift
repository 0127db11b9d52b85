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
}
