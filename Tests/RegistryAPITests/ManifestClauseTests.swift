// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryRegistry
import GantryRegistryAPI
import GantryStorage
import GantryTestKit
import Testing

/// end-3, end-7, end-9 and end-12 by clause.
@Suite(.serialized) struct ManifestClauseTests {
  static func type(_ type: MediaType) -> KeyValuePairs<String, String> { ["Content-Type": type.text] }

  /// The same document, pushed by digest under an algorithm.
  static func put(_ text: String, _ type: MediaType, _ algorithm: DigestAlgorithm, _ bench: Bench) -> Reply {
    let bytes = Array(text.utf8)
    let digest = Bench.digest(of: bytes, algorithm)
    return bench.send("PUT", "/v2/a/manifests/\(digest)", Self.type(type), body: bytes)
  }

  @Test("3.1 to 3.5, 7.1, D11", arguments: DigestAlgorithm.allCases) func reading(_ algorithm: DigestAlgorithm) {
    let bench = Bench()
    let config = bench.pushBlob(Array("{}".utf8), to: "a", algorithm)
    let text =
      "\n {\"schemaVersion\":2,\"mediaType\":\"\(MediaType.ociManifest)\",\"config\":{\"mediaType\":\"x/y\","
      + "\"digest\":\"\(config)\",\"size\":2},\"layers\":[] } \n"
    let put = Self.put(text, .ociManifest, algorithm, bench)
    let digest = Bench.digest(of: Array(text.utf8), algorithm)
    #expect(put.status == 201 && put.location == "/v2/a/manifests/\(digest)", "\(put.text)")
    #expect(put["Docker-Content-Digest"] == digest.description)
    for accept in ["*/*", "application/json", "text/html", MediaType.ociIndex.text] {
      for method in ["GET", "HEAD"] {
        let reply = bench.send(method, put.location, ["Accept": accept])
        #expect(reply.status == 200 && reply.text == text && reply["Content-Type"] == MediaType.ociManifest.text)
        #expect(reply["Docker-Content-Digest"] == digest.description)
      }
    }
    #expect(bench.send("GET", put.location, ["If-None-Match": "\"\(digest)\""]).status == 304)
    #expect(bench.send("HEAD", put.location, ["If-None-Match": digest.description]).status == 304)
    #expect(bench.send("GET", put.location, ["If-None-Match": "\"x\""]).status == 200)
    for reference in ["none", Bench.digest(of: [0], algorithm).description] {
      let reply = bench.send("GET", "/v2/a/manifests/\(reference)")
      #expect(reply.status == 404 && reply.code == "MANIFEST_UNKNOWN" && reply.text.contains(reference))
    }
  }

  @Test("7.2", arguments: DigestAlgorithm.allCases) func digestIsChecked(_ algorithm: DigestAlgorithm) {
    let bench = Bench()
    let image = bench.pushImage(to: "a")
    let wrong = Bench.digest(of: [1], algorithm)
    let reply = bench.send("PUT", "/v2/a/manifests/\(wrong)", Self.type(.ociManifest), body: image.bytes)
    #expect(reply.status == 400 && reply.code == "DIGEST_INVALID" && reply.text.contains("\(wrong)"))
    #expect(bench.send("HEAD", "/v2/a/manifests/\(wrong)").status == 404)
  }

  @Test("7.3: types") func types() {
    let bench = Bench()
    let image = bench.pushImage(to: "a")
    func put(_ fields: KeyValuePairs<String, String>, _ bytes: [UInt8]) -> Reply {
      bench.send("PUT", "/v2/a/manifests/t", fields, body: bytes)
    }
    #expect(put(["Content-Type": "\(MediaType.ociManifest); charset=utf-8"], image.bytes).status == 201)
    #expect(put([:], image.bytes).status == 201)
    #expect(put(Self.type(.json), image.bytes).status == 201)
    for type in [MediaType.ociIndex, .dockerManifest, MediaType("text/plain"), .dockerManifestSchema1] {
      let reply = put(Self.type(type), image.bytes)
      #expect(reply.status == 400 && reply.code == "MANIFEST_INVALID", "\(type): \(reply.text)")
    }
    // A type that the document does not tell could not be served again: what is stored are the bytes.
    let untyped = String(decoding: image.bytes, as: UTF8.self)
      .replacing("\"mediaType\":\"\(MediaType.ociManifest)\",", with: "")
    #expect(put(Self.type(.ociManifest), Array(untyped.utf8)).status == 201)
    #expect(bench.send("GET", "/v2/a/manifests/t")["Content-Type"] == MediaType.ociManifest.text)
    let forgotten = put(Self.type(.dockerManifest), Array(untyped.utf8))
    #expect(forgotten.status == 400 && forgotten.text.contains("mediaType"))
  }

  @Test("7.4: one error for each missing descriptor") func missing() {
    let bench = Bench()
    let config = bench.pushBlob(Array("{}".utf8), to: "b")
    let layers = (0..<3).map { Bench.digest(of: [UInt8($0)]) }
    bench.pushBlob([1], to: "a")
    let list = layers.map { "{\"mediaType\":\"x/y\",\"digest\":\"\($0)\",\"size\":1}" }.joined(separator: ",")
    let text =
      "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"x/y\",\"digest\":\"\(config)\",\"size\":2},"
      + "\"layers\":[\(list)]}"
    let reply = bench.send("PUT", "/v2/a/manifests/t", Self.type(.ociManifest), body: Array(text.utf8))
    #expect(reply.status == 400)
    #expect(reply.text.components(of: "MANIFEST_BLOB_UNKNOWN") == 3)
    for digest in [config, layers[0], layers[2]] { #expect(reply.text.contains("\(digest)")) }
    #expect(!reply.text.contains("\(layers[1])"))
    #expect(bench.send("GET", "/v2/a/manifests/t").status == 404)
    let lax = Bench(
      policy: RegistryPolicy(validation: ManifestValidation(isEnabled: false)), storage: bench.storage)
    #expect(lax.send("PUT", "/v2/a/manifests/t", Self.type(.ociManifest), body: Array(text.utf8)).status == 201)
  }

  @Test("A size that the content does not have is named") func sizesOfReferences() {
    let bench = Bench()
    let config = bench.pushBlob(Array("{}".utf8), to: "a")
    let child = bench.pushImage(to: "a")
    let image =
      "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"x/y\",\"digest\":\"\(config)\",\"size\":3},\"layers\":[]}"
    let index =
      "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"\(MediaType.ociManifest)\","
      + "\"digest\":\"\(child.digest)\",\"size\":1}]}"
    for (text, type, digest) in [(image, MediaType.ociManifest, config), (index, .ociIndex, child.digest)] {
      let reply = bench.send("PUT", "/v2/a/manifests/t", Self.type(type), body: Array(text.utf8))
      #expect(reply.status == 400 && reply.code == "SIZE_INVALID")
      #expect(reply.text.contains("\(digest)"))
    }
  }

  @Test("7.5, 12.1 to 12.6, 9.3: subjects and referrers", arguments: DigestAlgorithm.allCases)
  func referrers(_ algorithm: DigestAlgorithm) {
    let bench = Bench()
    let subject = Bench.digest(of: [42], algorithm)
    let target = "/v2/r/referrers/\(subject)"
    let empty = bench.send("GET", target)
    #expect(empty.status == 200 && empty["Content-Type"] == MediaType.ociIndex.text)
    #expect(empty.text == "{\"schemaVersion\":2,\"mediaType\":\"\(MediaType.ociIndex)\",\"manifests\":[]}")
    let one = bench.pushImage("1", to: "r", as: "@", subject: subject, artifactType: "application/x.one")
    let two = bench.pushImage("2", to: "r", as: "@", subject: subject)
    let list = bench.send("GET", target)
    #expect(list.text.contains("\(one.digest)") && list.text.contains("\(two.digest)"))
    #expect(list.text.contains("\"artifactType\":\"\(MediaType.ociConfig)\""))
    #expect(list["OCI-Filters-Applied"] == nil)
    let filtered = bench.send("GET", "\(target)?artifactType=application%2Fx.one")
    #expect(filtered.text.contains("\(one.digest)") && !filtered.text.contains("\(two.digest)"))
    #expect(filtered["OCI-Filters-Applied"] == "artifactType")
    #expect(
      bench.send("GET", "\(target)?last=\(min(one.digest, two.digest))").text.contains("\(max(one.digest, two.digest))")
    )
    #expect(bench.send("GET", "\(target)?last=x").status == 400)
    let push = bench.send("PUT", "/v2/r/manifests/again", Self.type(.ociManifest), body: one.bytes)
    #expect(push["OCI-Subject"] == subject.description)
    #expect(bench.send("DELETE", "/v2/r/manifests/\(one.digest)").status == 202)
    #expect(!bench.send("GET", target).text.contains("\(one.digest)"))
    // Under the fallback tag, only what truly has the subject.
    let stranger = bench.pushImage("3", to: "r", as: "@")
    let entries = [two, stranger].map {
      "{\"mediaType\":\"\(MediaType.ociManifest)\",\"digest\":\"\($0.digest)\",\"size\":\($0.bytes.count)}"
    }
    let index = "{\"schemaVersion\":2,\"manifests\":[\(entries.joined(separator: ","))]}"
    let tag = FallbackTag.name(for: subject)
    let pushed = bench.send("PUT", "/v2/r/manifests/\(tag)", Self.type(.ociIndex), body: Array(index.utf8))
    #expect(pushed.status == 201, "\(pushed.text)")
    let found = bench.send("GET", target)
    #expect(found.text.components(of: "\"digest\"") == 1 && found.text.contains("\(two.digest)"))
  }

  @Test("12.4: a list that does not fit one answer") func longReferrers() {
    let bench = Bench()
    let subject = Bench.digest(of: [42])
    let config = bench.pushBlob(Array("{}".utf8), to: "r")
    var wanted: Set<String> = []
    for number in 0..<6 {
      let text =
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"x/y\",\"digest\":\"\(config)\",\"size\":2},\"layers\":[],"
        + "\"annotations\":{\"a\":\"\(number)\(String(repeating: "x", count: 1 << 20))\"},"
        + "\"subject\":{\"mediaType\":\"x/y\",\"digest\":\"\(subject)\",\"size\":1}}"
      let reply = bench.send("PUT", "/v2/r/manifests/t\(number)", Self.type(.ociManifest), body: Array(text.utf8))
      #expect(reply.status == 201)
      wanted.insert(reply["Docker-Content-Digest"] ?? "")
    }
    var next: String? = "/v2/r/referrers/\(subject)"
    var found: [String] = []
    var pages = 0
    while let target = next, pages < 10 {
      let reply = bench.send("GET", target)
      #expect(reply.status == 200 && reply.body.count <= 4 << 20)
      found += wanted.filter { reply.text.contains($0) }
      next = reply["Link"].map { String($0.dropFirst().prefix { $0 != ">" }) }
      pages += 1
    }
    #expect(pages == 2 && found.count == 6 && Set(found) == wanted)
  }

  @Test("7.6: sizes") func sizes() {
    let bench = Bench(policy: RegistryPolicy(manifestBytesMax: 1000))
    let image = bench.pushImage(to: "a")
    let fits = image.bytes + [UInt8](repeating: 0x20, count: 1000 - image.bytes.count)
    #expect(bench.send("PUT", "/v2/a/manifests/t", Self.type(.ociManifest), body: fits).status == 201)
    for chunked in [false, true] {
      let reply = bench.send(
        "PUT", "/v2/a/manifests/u", Self.type(.ociManifest), body: fits + [0x20], chunked: chunked)
      #expect(reply.status == 413 && reply.text.contains("1000"), "\(reply.text)")
    }
    #expect(bench.send("HEAD", "/v2/a/manifests/u").status == 404)
    let bad = bench.send("PUT", "/v2/a/manifests/u", Self.type(.ociManifest), body: Array("{".utf8))
    #expect(bad.status == 400 && bad.code == "MANIFEST_INVALID")
    #expect(bench.send("PUT", "/v2/a/manifests/u", Self.type(.ociManifest)).status == 400)
  }

  @Test("G7: manifests on their way in share a budget, and get it back") func budget() {
    let open = Bench()
    let image = open.pushImage(to: "a")
    let settings = APISettings(secret: Bench.secret, manifestBytesInFlightMax: image.bytes.count)
    let bench = Bench(seed: 2, settings: settings, storage: open.storage)
    for _ in 0..<3 {
      let reply = bench.send("PUT", "/v2/a/manifests/t", Self.type(.ociManifest), body: image.bytes + [0x20])
      #expect(reply.status == 429 && reply.code == "TOOMANYREQUESTS" && reply["Retry-After"] == "1")
      #expect(bench.send("PUT", "/v2/a/manifests/t", Self.type(.ociManifest), body: image.bytes).status == 201)
    }
  }

  @Test("7.8: conditional pushes") func conditions() {
    let bench = Bench()
    let one = bench.pushImage("1", to: "a", as: "@")
    let two = bench.pushImage("2", to: "a", as: "@")
    func put(_ name: String, _ value: String, _ image: (bytes: [UInt8], digest: Digest), _ tag: String = "t") -> Int {
      let type = MediaType.ociManifest.text
      let fields: KeyValuePairs =
        name == "If-Match"
        ? ["Content-Type": type, "If-Match": value] : ["Content-Type": type, "If-None-Match": value]
      return bench.send("PUT", "/v2/a/manifests/\(tag)", fields, body: image.bytes).status
    }
    #expect(put("If-Match", "*", one) == 412)
    #expect(put("If-None-Match", "*", one) == 201)
    #expect(put("If-None-Match", "*", two) == 412)
    #expect(put("If-None-Match", "\"\(one.digest)\"", two) == 412)
    #expect(put("If-Match", "\"\(two.digest)\"", two) == 412)
    #expect(put("If-Match", "W/\"\(one.digest)\"", two) == 412)
    #expect(bench.send("GET", "/v2/a/manifests/t").body == one.bytes)
    #expect(put("If-Match", "\"x\", \"\(one.digest)\"", two) == 201)
    #expect(bench.send("GET", "/v2/a/manifests/t").body == two.bytes)
    #expect(bench.send("DELETE", "/v2/a/manifests/t", ["If-Match": "\"\(one.digest)\""]).status == 412)
    #expect(bench.send("DELETE", "/v2/a/manifests/t", ["If-Match": "\"\(two.digest)\""]).status == 202)
  }

  @Test("7.9: tags in a push by digest") func tags() {
    let bench = Bench()
    let image = bench.pushImage(to: "a", as: "@")
    let tags = (1...12).map { "t\($0)" }
    let query = tags.map { "tag=\($0)" }.joined(separator: "&")
    let reply = bench.send(
      "PUT", "/v2/a/manifests/\(image.digest)?\(query)", Self.type(.ociManifest), body: image.bytes)
    #expect(reply.status == 201 && reply.all("OCI-Tag") == tags)
    for tag in tags { #expect(bench.send("GET", "/v2/a/manifests/\(tag)").body == image.bytes) }
    let many = (0..<33).map { "tag=u\($0)" }.joined(separator: "&")
    #expect(bench.send("PUT", "/v2/a/manifests/\(image.digest)?\(many)", body: image.bytes).status == 414)
    let bad = bench.send("PUT", "/v2/a/manifests/\(image.digest)?tag=ok&tag=-bad", body: image.bytes)
    #expect(bad.status == 400 && bad.code == "TAG_INVALID" && bad.text.contains("-bad"))
    #expect(bench.send("GET", "/v2/a/manifests/ok").status == 404)
  }

  @Test("9.1, 9.2: deletion") func deleting() {
    let bench = Bench()
    let image = bench.pushImage("1", to: "a", as: "x")
    bench.pushImage("1", to: "a", as: "y")
    let other = bench.pushImage("2", to: "a", as: "z")
    for reference in ["x", "y", "z", image.digest.description] {
      for _ in 0..<2 { #expect(bench.send("GET", "/v2/a/manifests/\(reference)").status == 200) }
    }
    #expect(bench.send("DELETE", "/v2/a/manifests/x").status == 202)
    #expect(bench.send("GET", "/v2/a/manifests/x").status == 404)
    #expect(bench.send("GET", "/v2/a/manifests/\(image.digest)").status == 200)
    #expect(bench.send("DELETE", "/v2/a/manifests/\(image.digest)").status == 202)
    for reference in ["y", image.digest.description] {
      #expect(bench.send("GET", "/v2/a/manifests/\(reference)").status == 404)
      #expect(bench.send("DELETE", "/v2/a/manifests/\(reference)").status == 404)
    }
    #expect(bench.send("GET", "/v2/a/manifests/z").body == other.bytes)
    let locked = Bench(policy: RegistryPolicy(), storage: bench.storage)
    #expect(locked.send("DELETE", "/v2/a/manifests/z").status == 405)
  }

  @Test("B10: what another process changed is seen by the next request") func otherProcess() throws {
    let bench = Bench()
    let one = bench.pushImage("1", to: "a", as: "t")
    let two = bench.pushImage("2", to: "a", as: "@")
    for _ in 0..<3 { #expect(bench.send("GET", "/v2/a/manifests/t").body == one.bytes) }
    let (simulation, storage) = (bench.simulation, bench.storage)
    let (name, tag) = (try RepositoryName(parsing: "a"), try Tag(parsing: "t"))
    try simulation.run { try await storage.setTag(tag, to: two.digest, in: name) }
    #expect(bench.send("GET", "/v2/a/manifests/t").body == two.bytes)
    _ = try simulation.run { try await storage.removeTag(tag, in: name) }
    #expect(bench.send("GET", "/v2/a/manifests/t").status == 404)
  }
}

extension String {
  /// How often `part` stands in this text.
  func components(of part: String) -> Int { ranges(of: part).count }
}
