// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

extension Clause {
  static let deletions: [Clause] = [
    Clause("9.1", "a tag, or a manifest with every tag of it") { bench in
      let image = try bench.image()
      let other = try bench.image(seed: 2)
      try bench.put(image)
      try bench.put(other)
      try bench.put(image, as: image.digest + "?tag=a&tag=b&tag=c")
      try bench.put(other, as: other.digest + "?tag=d")
      expect(try bench.client.send("DELETE", bench.manifest("a")), 202)
      expect(try bench.client.send("GET", bench.manifest("a")), 404)
      #expect(try bench.tags() == ["b", "c", "d"])
      try bench.expectContent(bench.manifest(image.digest), image)
      try bench.expectContent(bench.manifest("b"), image)
      expect(try bench.client.send("DELETE", bench.manifest(image.digest)), 202)
      for reference in ["b", "c", image.digest] {
        expect(try bench.client.send("GET", bench.manifest(reference)), 404)
        expect(try bench.client.send("HEAD", bench.manifest(reference)), 404)
      }
      #expect(try bench.tags() == ["d"])
      try bench.expectContent(bench.manifest("d"), other)
    },
    Clause("9.2", "unknown is 404, disabled 405") { bench in
      let image = try bench.image()
      try bench.put(image, as: "a")
      for reference in ["b", bench.algorithm.made(of: "9")] {
        expectError(
          try bench.client.send("DELETE", bench.manifest(reference)), [404], ["MANIFEST_UNKNOWN"], naming: [reference])
      }
      let locked = try RegistryProcess(RegistrySettings(deletes: false))
      let keeping = try Bench("9.2", bench.algorithm, registry: locked)
      let kept = try keeping.image()
      try keeping.put(kept, as: kept.digest + "?tag=a")
      let layer = try keeping.push(someBytes(5, seed: 5))
      for target in [keeping.manifest(kept.digest), keeping.manifest("a"), keeping.blob(layer)] {
        expectError(try keeping.client.send("DELETE", target), [400, 405], ["UNSUPPORTED"])
        expect(try keeping.client.send("GET", target), 200)
      }
      locked.stop()
    },
    Clause("9.3", "a deleted referrer leaves the list") { bench in
      let subject = try bench.image()
      try bench.put(subject)
      let referrer = try bench.image(seed: 93, subject: subject)
      try bench.put(referrer)
      #expect(try bench.referrers(of: subject.digest).count == 1)
      expect(try bench.client.send("DELETE", bench.manifest(referrer.digest)), 202)
      #expect(try bench.referrers(of: subject.digest).isEmpty)
    },
    Clause("10.1", "a blob leaves its repository only") { bench in
      let bytes = someBytes(1010, seed: 101)
      let digest = try bench.push(bytes)
      let other = "\(bench.name)/other"
      try bench.push(bytes, to: other)
      expect(try bench.client.send("DELETE", bench.blob(digest)), 202)
      for method in ["GET", "HEAD", "DELETE"] { expect(try bench.client.send(method, bench.blob(digest)), 404) }
      expectSame(try bench.client.send("GET", "/v2/\(other)/blobs/\(digest)").body, bytes)
      expectError(
        try bench.client.send("DELETE", bench.blob(bench.algorithm.made(of: "8"))), [404], ["BLOB_UNKNOWN"])
      // Pushed again, it is there again.
      try bench.push(bytes)
      expectSame(try bench.client.send("GET", bench.blob(digest)).body, bytes)
    },
  ]

  static let referrers: [Clause] = [
    Clause("12.1", "an index, empty for an unknown subject") { bench in
      for known in [false, true] {
        if known { try bench.put(try bench.image(), as: "a") }
        let response = try bench.client.send(
          "GET", "/v2/\(bench.name)/referrers/\(bench.algorithm.made(of: "2"))")
        expect(response, 200)
        #expect(response["Content-Type"] == Media.index)
        let json = try response.json()
        #expect(json["schemaVersion"]?.integer == 2)
        #expect(json["mediaType"]?.text == Media.index)
        #expect(json["manifests"] == .array([]))
      }
    },
    Clause("12.2", "a malformed digest is 400") { bench in
      for digest in [
        "latest", "sha256:x", "\(bench.algorithm):", "md5:00", String(bench.algorithm.made(of: "2").dropLast()),
      ] {
        expectError(
          try bench.client.send("GET", "/v2/\(bench.name)/referrers/\(digest)"), [400],
          ["DIGEST_INVALID", "UNSUPPORTED"])
      }
    },
    Clause("12.3", "what a descriptor says") { bench in
      let subject = try bench.image()
      let artifact = try bench.image(
        seed: 1, subject: subject, artifactType: "application/x.sbom", annotations: ["k": "v", "l": "w"])
      let image = try bench.image(seed: 2, subject: subject)
      let index = bench.indexManifest([], subject: subject)
      for manifest in [artifact, image, index] { try bench.put(manifest) }
      let found = try bench.referrers(of: subject.digest)
      #expect(found.count == 3)
      for (manifest, type) in [(artifact, "application/x.sbom"), (image, Media.config), (index, nil)] {
        guard let descriptor = found.first(where: { $0["digest"]?.text == manifest.digest }) else {
          Issue.record("\(manifest.digest) is not listed")
          continue
        }
        #expect(descriptor["mediaType"]?.text == manifest.mediaType)
        #expect(descriptor["size"]?.integer == manifest.bytes.count)
        #expect(descriptor["artifactType"]?.text == type)
      }
      let annotated = found.first { $0["digest"]?.text == artifact.digest }
      #expect(annotated?["annotations"] == .object(["k": .string("v"), "l": .string("w")]))
    },
    Clause("12.4", "a Link when it does not fit one answer") { bench in
      let subject = try bench.image()
      let text = String(repeating: "x", count: 1 << 20)
      var pushed: Set<String> = []
      for seed in 1...6 {
        let referrer = try bench.image(seed: UInt64(seed), subject: subject, annotations: ["a": text])
        try bench.put(referrer)
        pushed.insert(referrer.digest)
      }
      var found: [String] = []
      var pages = 0
      var next: String? = "/v2/\(bench.name)/referrers/\(subject.digest)"
      while let target = next, pages < 10 {
        let response = try bench.client.send("GET", target)
        expect(response, 200)
        #expect(response.body.count <= 4 << 20, "a page is larger than a manifest may be")
        found += (try response.json()["manifests"]?.elements ?? []).compactMap { $0["digest"]?.text }
        next = nextPage(response)
        pages += 1
      }
      #expect(pages > 1)
      #expect(found.count == 6 && Set(found) == pushed)
    },
    Clause("12.5", "artifactType filters, and says so") { bench in
      let subject = try bench.image()
      let one = try bench.image(seed: 1, subject: subject, artifactType: "application/x.one")
      let two = try bench.image(seed: 2, subject: subject, artifactType: "application/x.two")
      for manifest in [one, two] { try bench.put(manifest) }
      let target = "/v2/\(bench.name)/referrers/\(subject.digest)"
      let response = try bench.client.send("GET", target + "?artifactType=application%2Fx.one")
      expect(response, 200)
      #expect(response["OCI-Filters-Applied"] == "artifactType")
      #expect((try response.json()["manifests"]?.elements ?? []).map { $0["digest"]?.text } == [one.digest])
      let none = try bench.client.send("GET", target + "?artifactType=application/x.none")
      #expect(try none.json()["manifests"] == .array([]))
      #expect(try bench.client.send("GET", target)["OCI-Filters-Applied"] == nil)
    },
    Clause("12.6", "manifests listed under the fallback tag") { bench in
      let subject = try bench.image()
      try bench.put(subject)
      let referrer = try bench.image(seed: 126, subject: subject)
      try bench.put(referrer)
      let stranger = try bench.image(seed: 127)
      try bench.put(stranger)
      let encoded = subject.digest.dropFirst("\(bench.algorithm):".count).prefix(64)
      try bench.put(bench.indexManifest([referrer, stranger]), as: "\(bench.algorithm)-\(encoded)")
      let found = try bench.referrers(of: subject.digest)
      #expect(found.compactMap { $0["digest"]?.text } == [referrer.digest])
    },
  ]
}

extension Bench {
  /// The descriptors of the referrers list.
  func referrers(of digest: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> [JSON] {
    let response = try client.send("GET", "/v2/\(name)/referrers/\(digest)")
    expect(response, 200, sourceLocation: sourceLocation)
    return try response.json()["manifests"]?.elements ?? []
  }
}
