// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryRegistryAPI
import GantryStorage
import GantryTestKit
import GantryWorld
import Testing

/// Manifests as they are read: whoever stored them, and however slowly they are taken.
@Suite(.serialized) struct StoredManifestTests {
  static func name(_ text: String) throws -> RepositoryName { try RepositoryName(parsing: text) }

  @Test(
    "3.1: what another registry took is served as it is",
    arguments: [
      (
        #"{"schemaVersion":1,"name":"a","tag":"t","fsLayers":[],"history":[],"signatures":[{}]}"#,
        MediaType.dockerManifestSchema1Signed
      ),
      (#"{"schemaVersion":2,"config":{"digest":"sha256:00"},"layers":null,"Layers":[]}"#, .ociManifest),
      (#"{"schemaVersion":2,"mediaType":"application/vnd.example.thing.v1+json","mediaType":"a/b"}"#, MediaType("a/b")),
      (#"{"manifests":[{"digest":"sha256:00","size":-1}],"annotations":{"a":1}}"#, .ociIndex),
    ])
  func lenientReading(_ text: String, _ type: MediaType) throws {
    let bench = Bench()
    let (bytes, name) = (Array(text.utf8), try Self.name("a"))
    let digest = Bench.digest(of: bytes)
    let storage = bench.storage
    try bench.simulation.run { try await storage.putManifest(bytes, digest: digest, subject: nil, in: name) }
    for method in ["GET", "HEAD", "GET"] {
      let reply = bench.send(method, "/v2/a/manifests/\(digest)")
      #expect(reply.status == 200 && reply.body == bytes && reply["Content-Type"] == type.text, "\(reply.text)")
    }
  }

  @Test("Long answers that nobody takes are bounded") func slowReaders() throws {
    let bench = Bench(settings: APISettings(secret: Bench.secret, answerBytesInFlightMax: 150_000))
    let digests = [1, 2].map { number in
      let text = "{\"schemaVersion\":2,\"manifests\":[],\"x\":\"\(String(repeating: "\(number)", count: 100_000))\"}"
      let reply = bench.send(
        "PUT", "/v2/a/manifests/t\(number)", ["Content-Type": MediaType.ociIndex.text], body: Array(text.utf8))
      #expect(reply.status == 201)
      return reply["Docker-Content-Digest"] ?? ""
    }
    #expect(bench.send("GET", "/v2/a/manifests/\(digests[0])", staysOpen: true).status == 200)
    let open = RequestID(high: 1, low: bench.sent)
    let refused = bench.send("GET", "/v2/a/manifests/t2")
    #expect(refused.status == 429 && refused.code == "TOOMANYREQUESTS" && refused["Retry-After"] == "1")
    #expect(bench.send("HEAD", "/v2/a/manifests/t1").status == 200)
    bench.api.finished(
      ResponseOutcome(
        head: nil, peer: PeerAddress(host: "192.0.2.1", port: 1), requestID: open, status: .ok, bytesSent: 0,
        duration: .zero, isComplete: false))
    #expect(bench.send("GET", "/v2/a/manifests/\(digests[1])").status == 200)
  }
}
