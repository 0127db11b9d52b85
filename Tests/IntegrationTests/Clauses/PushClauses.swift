// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

extension Clause {
  static let manifestPushes: [Clause] = [
    Clause("7.1", "a manifest is stored byte for byte") { bench in
      let image = try bench.image()
      let put = try bench.put(image)
      #expect(put["Docker-Content-Digest"] == image.digest)
      try bench.expectContent(bench.target(of: put), image)
      let tagged = try bench.put(image, as: "v1")
      #expect(tagged["Docker-Content-Digest"] == Algorithm.sha256.digest(image.bytes))
      try bench.expectContent(bench.target(of: tagged), try bench.asPushedByTag(image))
      // The same again is no error.
      try bench.put(image, as: "v1")
    },
    Clause("7.2", "the digest of a push by digest is checked") { bench in
      let image = try bench.image()
      let wrong = bench.algorithm.digest("another manifest")
      expectError(try bench.put(image, as: wrong, status: 400), [400], ["DIGEST_INVALID"], naming: [wrong])
      expect(try bench.client.send("HEAD", bench.manifest(wrong)), 404)
      expect(try bench.client.send("HEAD", bench.manifest(image.digest)), 404)
    },
    Clause("7.3", "mediaType agrees with Content-Type, whose parameters are ignored", digest: false) { bench in
      let image = try bench.image()
      for type in ["\(Media.image);charset=utf-8", "\(Media.image) ; a=\"b;c\""] {
        expect(
          try bench.client.send("PUT", bench.manifest("a"), [("Content-Type", type)], body: image.bytes), 201)
      }
      for type in [Media.index, Media.dockerImage, Media.dockerList] {
        expectError(
          try bench.client.send("PUT", bench.manifest("b"), [("Content-Type", type)], body: image.bytes), [400],
          ["MANIFEST_INVALID"], naming: ["mediaType"])
      }
    },
    Clause("7.4", "one error for each missing descriptor") { bench in
      let config = Content(Media.config, Array("{}".utf8), bench.algorithm)
      let layers = (0..<3).map { Content(Media.layer, someBytes(9, seed: 740 + $0), bench.algorithm) }
      try bench.push(layers[1].bytes)
      let image = bench.imageManifest(config: config, layers: layers)
      let response = try bench.put(image, as: "a", status: 400)
      #expect(response.codes == Array(repeating: "MANIFEST_BLOB_UNKNOWN", count: 3), "\(response)")
      for missing in [config.digest, layers[0].digest, layers[2].digest] {
        #expect(response.text.contains(missing), "\(missing) is not named: \(response)")
      }
      #expect(!response.text.contains(layers[1].digest))
      expect(try bench.client.send("HEAD", bench.manifest("a")), 404)
      // A blob of another repository is missing here.
      try bench.push(config.bytes, to: bench.name + "/other")
      #expect(try bench.put(image, as: "a", status: 400).codes.count == 3)
    },
    Clause("7.5", "a subject may come later, and is confirmed") { bench in
      let subject = bench.imageManifest(
        config: Content(Media.empty, Array("{}".utf8), bench.algorithm), layers: [])
      let response = try bench.put(try bench.image(seed: 75, subject: subject))
      #expect(response["OCI-Subject"] == subject.digest)
      #expect(try bench.put(try bench.image(seed: 76))["OCI-Subject"] == nil)
      let index = bench.indexManifest([], subject: subject)
      #expect(try bench.put(index, as: "i")["OCI-Subject"] == subject.digest)
    },
    Clause("7.6", "manifests of 4 MiB work, larger ones are 413") { bench in
      let config = Content(Media.config, Array("{}".utf8), bench.algorithm)
      try bench.push(config.bytes)
      let bare = bench.imageManifest(config: config, layers: [], annotations: ["a": ""]).bytes.count
      let limit = 4 << 20
      let fits = bench.imageManifest(
        config: config, layers: [], annotations: ["a": String(repeating: "x", count: limit - bare)])
      #expect(fits.bytes.count == limit)
      try bench.put(fits)
      try bench.expectContent(bench.manifest(fits.digest), fits)
      let large = Content(Media.image, fits.bytes + [0x20], bench.algorithm)
      expectError(try bench.put(large, status: 413), [413], ["SIZE_INVALID", "MANIFEST_INVALID"])
      expect(try bench.client.send("HEAD", bench.manifest(large.digest)), 404)
      // Without a length that says so at once, too.
      let chunked = try bench.client.send(
        "PUT", bench.manifest("large"), [("Content-Type", Media.image)],
        chunks: [large.bytes])
      expect(chunked, 413)
    },
    Clause("7.7", "every shape of manifest") { bench in
      let empty = Content(Media.empty, Array("{}".utf8), bench.algorithm)
      try bench.push(empty.bytes)
      let image = try bench.image()
      try bench.put(image)
      let absentLayer =
        #"{"mediaType":"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip","size":9,"digest":""#
        + bench.algorithm.made(of: "7") + #"","urls":["https://example.com/layer"]}"#
      let inline = #"{"mediaType":"\#(Media.empty)","size":2,"digest":"\#(empty.digest)","data":"e30="}"#
      let inner = bench.indexManifest([image])
      try bench.put(inner)
      let start = #"{"schemaVersion":2,"mediaType":"\#(Media.image)","#
      let shapes: [(String, Content)] = [
        ("no layers", bench.imageManifest(config: empty, layers: [])),
        ("artifact without layers", bench.imageManifest(config: empty, layers: [], artifactType: "application/x.sbom")),
        ("artifact", bench.imageManifest(config: empty, layers: [empty], artifactType: "application/x.sbom")),
        ("unknown fields", bench.imageManifest(config: empty, layers: [], extra: #","x":{"y":[1,null,-2.5e3,"z"]}"#)),
        (
          "data",
          Content(Media.image, Array((start + #""config":\#(inline),"layers":[\#(inline)]}"#).utf8), bench.algorithm)
        ),
        (
          "non-distributable",
          Content(
            Media.image, Array((start + #""config":\#(empty.descriptor),"layers":[\#(absentLayer)]}"#).utf8),
            bench.algorithm)
        ),
        ("index of indexes", bench.indexManifest([inner])),
        ("empty index", bench.indexManifest([])),
        ("artifact index", bench.indexManifest([image], extra: #","artifactType":"application/x.index""#)),
      ]
      for (shape, manifest) in shapes {
        let response = try bench.client.send(
          "PUT", bench.manifest(manifest.digest), [("Content-Type", manifest.mediaType)], body: manifest.bytes)
        #expect(response.status == 201, "\(shape): \(response)")
        try bench.expectContent(bench.manifest(manifest.digest), manifest)
      }
      // Docker's schema 2, equally.
      let config = Content(Media.dockerConfig, image.bytes, bench.algorithm)
      let layer = Content(Media.dockerLayer, someBytes(30, seed: 77), bench.algorithm)
      for content in [config, layer] { try bench.push(content.bytes) }
      let docker = Content(
        Media.dockerImage,
        Array(
          #"{"schemaVersion":2,"mediaType":"\#(Media.dockerImage)","config":\#(config.descriptor),"layers":[\#(layer.descriptor)]}"#
            .utf8), bench.algorithm)
      try bench.put(docker)
      let list = Content(
        Media.dockerList,
        Array(
          #"{"schemaVersion":2,"mediaType":"\#(Media.dockerList)","manifests":[\#(docker.descriptor.dropLast()),"platform":{"architecture":"amd64","os":"linux"}}]}"#
            .utf8), bench.algorithm)
      try bench.put(list, as: "list")
      try bench.expectContent(bench.manifest("list"), try bench.asPushedByTag(list))
    },
    Clause("7.8", "If-Match and If-None-Match on tags") { bench in
      let one = try bench.image(seed: 781)
      let two = try bench.image(seed: 782)
      let only: [Field] = [("If-None-Match", "*")]
      let etag = try bench.put(one, as: "t", only)["Docker-Content-Digest"] ?? ""
      expect(try bench.put(two, as: "t", only, status: 412), 412)
      expect(
        try bench.put(two, as: "t", [("If-Match", #""sha256:\#(String(repeating: "0", count: 64))""#)], status: 412),
        412)
      expect(try bench.put(two, as: "absent", [("If-Match", "*")], status: 412), 412)
      expectSame(try bench.client.send("GET", bench.manifest("t")).body, one.bytes)
      try bench.put(two, as: "t", [("If-Match", #""\#(etag)""#)])
      expectSame(try bench.client.send("GET", bench.manifest("t")).body, two.bytes)
      expect(try bench.put(one, as: "t", [("If-Match", #""\#(etag)""#)], status: 412), 412)
    },
    Clause("7.9", "tags in a push by digest") { bench in
      let image = try bench.image()
      let tags = (1...12).map { "t\($0)" }
      let query = tags.map { "tag=\($0)" }.joined(separator: "&")
      let response = try bench.put(image, as: image.digest + "?" + query)
      #expect(
        Set(response.all("OCI-Tag").flatMap { $0.components(separatedBy: ",") }.map { String($0.trimmed()) })
          == Set(tags))
      for tag in tags { try bench.expectContent(bench.manifest(tag), image) }
      let many = (0..<2000).map { "tag=u\($0)" }.joined(separator: "&")
      expect(
        try bench.client.send(
          "PUT", bench.manifest(image.digest) + "?" + many, [("Content-Type", Media.image)], body: image.bytes), 414,
        431)
      expectError(
        try bench.put(image, as: image.digest + "?tag=-bad", status: 400), [400], ["TAG_INVALID", "MANIFEST_INVALID"])
      #expect(try bench.tags().count == 12)
    },
  ]

  static let tagLists: [Clause] = [
    Clause("8.1", "all tags, in ASCII order", digest: false) { bench in
      let image = try bench.image()
      for tag in ["b", "a", "B", "0", "_", "a.b", "a-b", "ab", "a_b", "A"] { try bench.put(image, as: tag) }
      let response = try bench.client.send("GET", "/v2/\(bench.name)/tags/list")
      expect(response, 200)
      let json = try response.json()
      #expect(json["name"]?.text == bench.name)
      #expect(json["tags"]?.texts == ["0", "A", "B", "_", "a", "a-b", "a.b", "a_b", "ab", "b"])
    },
    Clause("8.2", "n tags and a Link to the rest", digest: false) { bench in
      let image = try bench.image()
      let all = (0..<7).map { "t\($0)" }
      for tag in all { try bench.put(image, as: tag) }
      for n in [1, 2, 3, 6, 7, 8, 1000] {
        var found: [String] = []
        var next: String? = "/v2/\(bench.name)/tags/list?n=\(n)"
        while let target = next {
          let response = try bench.client.send("GET", target)
          expect(response, 200)
          let page = try response.json()["tags"]?.texts ?? []
          next = nextPage(response)
          #expect(page.count <= n)
          #expect(page.count == n || next == nil, "a short page in the middle")
          found += page
          if found.count > 20 { break }
        }
        #expect(found == all, "n=\(n)")
      }
      for n in ["-1", "x", "1.5", "+1", "0x1", "99999999999999999999", "%31%20"] {
        expectError(
          try bench.client.send("GET", "/v2/\(bench.name)/tags/list?n=\(n)"), [400], ["PAGINATION_NUMBER_INVALID"])
      }
    },
    Clause("8.3", "n=0 is empty, without Link", digest: false) { bench in
      try bench.put(try bench.image(), as: "a")
      let response = try bench.client.send("GET", "/v2/\(bench.name)/tags/list?n=0")
      expect(response, 200)
      #expect(try response.json()["tags"]?.texts == [])
      #expect(response["Link"] == nil)
    },
    Clause("8.4", "last: strictly after, there or not", digest: false) { bench in
      let image = try bench.image()
      for tag in ["a", "a.b", "b", "c"] { try bench.put(image, as: tag) }
      #expect(try bench.tags("?last=a") == ["a.b", "b", "c"])
      #expect(try bench.tags("?last=aa") == ["b", "c"])
      #expect(try bench.tags("?last=a&n=1") == ["a.b"])
      #expect(try bench.tags("?n=2&last=A") == ["a", "a.b"])
      #expect(try bench.tags("?last=c") == [])
      #expect(try bench.tags("?last=z&n=5") == [])
    },
    Clause("8.5", "an unknown repository is 404", digest: false) { bench in
      expectError(
        try bench.client.send("GET", "/v2/\(bench.name)/tags/list"), [404], ["NAME_UNKNOWN"], naming: [bench.name])
    },
  ]
}

/// The target of the `next` link, nil where there is none.
func nextPage(_ response: Response) -> String? {
  guard let link = response["Link"] else { return nil }
  #expect(link.hasPrefix("<") && link.contains(#">; rel="next""#), "\(link)")
  return link.firstIndex(of: ">").map { targetOf(String(link[link.index(after: link.startIndex)..<$0])) }
}
