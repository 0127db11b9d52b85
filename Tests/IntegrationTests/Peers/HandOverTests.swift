// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

/// One data directory, served by Debian's docker-registry and by us in turn.
@Suite(
  "Hand-over with Distribution", .serialized,
  .enabled(if: Command.find("docker-registry") != nil, "docker-registry is not installed"))
struct HandOverTests {
  private static let secret = "one secret for both"
  private static let octets: Field = ("Content-Type", "application/octet-stream")

  /// What was pushed so far: repository, reference, bytes; each registry must show all of it.
  private struct Pushed {
    var manifests: [(repository: String, reference: String, content: Content)] = []
    var blobs: [(repository: String, content: Content)] = []
    var tags: [String: Set<String>] = [:]
  }

  /// Pushes an image with a tag of its own, and moves the tag that every round moves.
  private func push(_ round: Int, to client: HTTPClient, _ pushed: inout Pushed) throws {
    for repository in ["shared", "shared/nested/deep", "round\(round)"] {
      let config = Content(Media.dockerConfig, Array(#"{"round":\#(round),"of":"\#(repository)"}"#.utf8), .sha256)
      let layer = Content(Media.dockerLayer, someBytes(40_000, seed: UInt64(round)), .sha256)
      for content in [config, layer] {
        let opened = try client.send("POST", "/v2/\(repository)/blobs/uploads/")
        expect(opened, 202)
        let patched = try client.send(
          "PATCH", targetOf(opened["Location"] ?? ""), [Self.octets], body: content.bytes)
        expect(patched, 202)
        expect(
          try client.send("PUT", targetOf(patched["Location"] ?? "").adding("digest=\(content.digest)")), 201)
        pushed.blobs.append((repository, content))
      }
      let text =
        #"{"schemaVersion":2,"mediaType":"\#(Media.dockerImage)","config":\#(config.descriptor),"layers":[\#(layer.descriptor)]}"#
      let manifest = Content(Media.dockerImage, Array(text.utf8), .sha256)
      pushed.manifests.removeAll { $0.repository == repository && $0.reference == "moving" }
      for tag in ["r\(round)", "moving"] {
        expect(
          try client.send(
            "PUT", "/v2/\(repository)/manifests/\(tag)", [("Content-Type", manifest.mediaType)], body: manifest.bytes),
          201)
        pushed.manifests.append((repository, tag, manifest))
        pushed.tags[repository, default: []].insert(tag)
      }
      pushed.manifests.append((repository, manifest.digest, manifest))
    }
  }

  /// Expects everything to be readable, and lists to be equal as sets.
  private func verify(_ client: HTTPClient, _ pushed: Pushed, _ who: String) throws {
    for (repository, reference, content) in pushed.manifests {
      let response = try client.send(
        "GET", "/v2/\(repository)/manifests/\(reference)", [("Accept", content.mediaType)])
      expectSame(response.body, content.bytes, "\(who): \(repository):\(reference), \(response.status)")
      #expect(response["Docker-Content-Digest"] == content.digest)
      #expect(response["Content-Type"] == content.mediaType)
    }
    for (repository, content) in pushed.blobs {
      let response = try client.send("GET", "/v2/\(repository)/blobs/\(content.digest)")
      expectSame(response.body, content.bytes, "\(who): \(repository)@\(content.digest), \(response.status)")
    }
    for (repository, tags) in pushed.tags {
      let listed = try client.send("GET", "/v2/\(repository)/tags/list").json()["tags"]?.texts ?? []
      #expect(Set(listed) == tags && listed.count == tags.count, "\(who): \(listed)")
    }
    let catalog = try client.send("GET", "/v2/_catalog?n=1000").json()["repositories"]?.texts ?? []
    #expect(Set(catalog) == Set(pushed.tags.keys), "\(who): \(catalog)")
  }

  @Test("Four hand-overs, everything readable each time")
  func alternately() throws {
    let scratch = try Scratch()
    let root = "\(scratch.path)/data"
    let endpoint = try Endpoint.ip4(port: freePort())
    var pushed = Pushed()
    let client = HTTPClient(endpoint)
    for round in 1...5 {
      if round % 2 == 1 {
        let old = try OldRegistry(root: root, endpoint: endpoint, secret: Self.secret, in: scratch)
        try verify(client, pushed, "Distribution, round \(round)")
        try push(round, to: client, &pushed)
        try verify(client, pushed, "Distribution, round \(round), after its push")
        old.stop()
      } else {
        let ours = try RegistryProcess(RegistrySettings(secret: Self.secret), in: scratch, root: root, at: endpoint)
        try verify(client, pushed, "we, round \(round)")
        try push(round, to: client, &pushed)
        // What we delete is gone for Distribution too.
        expect(try client.send("DELETE", "/v2/round\(round)/manifests/moving"), 202)
        pushed.tags["round\(round)"]?.remove("moving")
        pushed.manifests.removeAll { $0.repository == "round\(round)" && $0.reference == "moving" }
        try verify(client, pushed, "we, round \(round), after our push")
        ours.stop()
      }
    }
  }

  @Test("An upload begun on one is finished on the other", arguments: [true, false])
  func upload(beginsWithUs: Bool) throws {
    let scratch = try Scratch()
    let root = "\(scratch.path)/data"
    let endpoint = try Endpoint.ip4(port: freePort())
    let client = HTTPClient(endpoint)
    func serve(us: Bool, _ body: () throws -> Void) throws {
      if us {
        let ours = try RegistryProcess(RegistrySettings(secret: Self.secret), in: scratch, root: root, at: endpoint)
        try body()
        ours.stop()
      } else {
        let old = try OldRegistry(root: root, endpoint: endpoint, secret: Self.secret, in: scratch)
        try body()
        old.stop()
      }
    }
    // An odd size, so that the saved hash state holds half a block.
    let bytes = someBytes(1_000_003, seed: 99)
    let cuts = [0, 77_777, 500_001, 1_000_003]
    var location = ""
    for part in 0..<3 {
      try serve(us: (part % 2 == 0) == beginsWithUs) {
        if part == 0 {
          let opened = try client.send("POST", "/v2/hand/over/blobs/uploads/")
          expect(opened, 202)
          location = targetOf(opened["Location"] ?? "")
        } else {
          let status = try client.send("GET", location)
          expect(status, 204)
          #expect(status["Range"] == "0-\(cuts[part] - 1)")
        }
        let patched = try client.send(
          "PATCH", location, [Self.octets], body: Array(bytes[cuts[part]..<cuts[part + 1]]))
        expect(patched, 202)
        location = targetOf(patched["Location"] ?? "")
      }
    }
    let digest = Algorithm.sha256.digest(bytes)
    try serve(us: !beginsWithUs) {
      expect(try client.send("PUT", location.adding("digest=\(digest)")), 201)
      expectSame(try client.send("GET", "/v2/hand/over/blobs/\(digest)").body, bytes)
    }
    try serve(us: beginsWithUs) { expectSame(try client.send("GET", "/v2/hand/over/blobs/\(digest)").body, bytes) }
  }

  @Test("Referrers and fallback tags that Distribution stored are found")
  func referrers() throws {
    let scratch = try Scratch()
    let root = "\(scratch.path)/data"
    let endpoint = try Endpoint.ip4(port: freePort())
    let client = HTTPClient(endpoint)
    let config = Content(Media.empty, Array("{}".utf8), .sha256)
    func text(_ more: String) -> [UInt8] {
      Array(
        #"{"schemaVersion":2,"mediaType":"\#(Media.image)","config":\#(config.descriptor),"layers":[]\#(more)}"#.utf8)
    }
    let subject = Content(Media.image, text(""), .sha256)
    let referrer = Content(Media.image, text(#","subject":\#(subject.descriptor)"#), .sha256)
    let index = Content(
      Media.index,
      Array(#"{"schemaVersion":2,"mediaType":"\#(Media.index)","manifests":[\#(referrer.descriptor)]}"#.utf8), .sha256)
    let old = try OldRegistry(root: root, endpoint: endpoint, secret: Self.secret, in: scratch)
    let opened = try client.send("POST", "/v2/ref/blobs/uploads/")
    expect(
      try client.send(
        "PUT", targetOf(opened["Location"] ?? "").adding("digest=\(config.digest)"), [Self.octets], body: config.bytes),
      201)
    for (manifest, reference) in [
      (subject, "v1"), (referrer, referrer.digest), (index, subject.digest.replacing(":", with: "-")),
    ] {
      expect(
        try client.send(
          "PUT", "/v2/ref/manifests/\(reference)", [("Content-Type", manifest.mediaType)], body: manifest.bytes), 201)
    }
    old.stop()
    let ours = try RegistryProcess(RegistrySettings(secret: Self.secret), in: scratch, root: root, at: endpoint)
    let response = try client.send("GET", "/v2/ref/referrers/\(subject.digest)")
    expect(response, 200)
    #expect((try response.json()["manifests"]?.elements ?? []).map { $0["digest"]?.text } == [referrer.digest])
    ours.stop()
  }
}
