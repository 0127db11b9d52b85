// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

/// Each client pushes, pulls what it pushed, and pulls again after a restart of the registry.
@Suite("Real clients", .serialized)
struct ClientTests {
  private func run(_ arguments: [String], _ environment: [String: String], _ scratch: Scratch) throws -> String {
    let outcome = try Command.run(arguments, environment: environment, in: scratch)
    #expect(outcome.code == 0, "\(arguments.joined(separator: " ")): \(outcome)")
    return outcome.output
  }

  @Test("skopeo", .enabled(if: Peers.has("skopeo"), "skopeo is not installed"))
  func skopeo() throws {
    let scratch = try Scratch()
    let images = try LocalImages(in: scratch)
    let environment = try Peers.environment(scratch)
    var registry = try RegistryProcess()
    let place = "docker://\(registry.endpoint)/skopeo/image"
    let push = ["skopeo", "copy", "--dest-tls-verify=false"]
    // Without this skopeo compresses the layers, and what it pushes is another image.
    let exact = ["--preserve-digests"]
    _ = try run(push + exact + ["oci:\(images.layout):one", "\(place):one"], environment, scratch)
    _ = try run(push + exact + ["--all", "oci:\(images.layout):many", "\(place):many"], environment, scratch)
    _ = try run(push + ["--format=v2s2", "oci:\(images.layout):one", "\(place):docker"], environment, scratch)
    for round in 1...2 {
      let pull = ["skopeo", "copy", "--src-tls-verify=false"]
      for (tag, all, digest) in [("one", false, images.manifestDigest), ("many", true, images.listDigest)] {
        let pulled = "\(scratch.path)/pulled-\(tag)-\(round)"
        _ = try run(pull + (all ? ["--all"] : []) + ["\(place):\(tag)", "dir:\(pulled)"], environment, scratch)
        let manifest = Files.read("\(pulled)/manifest.json") ?? []
        #expect(Algorithm.sha256.digest(manifest) == digest, "\(tag), round \(round)")
      }
      _ = try run(pull + ["\(place):docker", "dir:\(scratch.path)/docker-\(round)"], environment, scratch)
      let raw = try run(["skopeo", "inspect", "--tls-verify=false", "--raw", "\(place):docker"], environment, scratch)
      #expect(raw.contains(Media.dockerImage))
      let tags = try run(["skopeo", "list-tags", "--tls-verify=false", place], environment, scratch)
      #expect(try JSON(Array(tags.utf8))["Tags"]?.texts == ["docker", "many", "one"])
      if round == 1 { registry = try registry.restarted() }
    }
    // A copy between two repositories mounts instead of sending.
    _ = try run(
      push + ["--src-tls-verify=false", "\(place):one", "docker://\(registry.endpoint)/skopeo/copy:one"], environment,
      scratch)
    _ = try run(["skopeo", "delete", "--tls-verify=false", "\(place):one"], environment, scratch)
    #expect(
      try Command.run(
        ["skopeo", "inspect", "--tls-verify=false", "\(place):one"], environment: environment, in: scratch
      ).code != 0)
    registry.stop()
  }

  @Test(
    "podman", .enabled(if: Peers.has("podman"), "podman is not installed"),
    .enabled(if: Peers.isRoot, "podman's storage needs root here"))
  func podman() throws {
    let scratch = try Scratch()
    let images = try LocalImages(in: scratch)
    let environment = try Peers.environment(scratch)
    var registry = try RegistryProcess()
    let place = "\(registry.endpoint)/podman/image"
    let podman = [
      "podman", "--root", "\(scratch.path)/podman", "--runroot", "\(scratch.path)/podman-run", "--storage-driver=vfs",
      "--events-backend=none",
    ]
    _ = try run(podman + ["import", images.rootfs, "\(place):v1"], environment, scratch)
    let id = try run(podman + ["image", "inspect", "--format={{.Id}}", "\(place):v1"], environment, scratch)
    _ = try run(podman + ["push", "--tls-verify=false", "\(place):v1"], environment, scratch)
    _ = try run(
      podman + ["push", "--tls-verify=false", "--format=v2s2", "\(place):v1", "\(place):docker"], environment, scratch)
    _ = try run(podman + ["manifest", "create", "list"], environment, scratch)
    _ = try run(podman + ["manifest", "add", "--all", "list", "oci:\(images.layout):many"], environment, scratch)
    _ = try run(
      podman + ["manifest", "push", "--tls-verify=false", "--all", "list", "docker://\(place):many"], environment,
      scratch)
    for round in 1...2 {
      _ = try run(podman + ["rmi", "--all", "--force"], environment, scratch)
      _ = try run(podman + ["pull", "--tls-verify=false", "\(place):v1"], environment, scratch)
      let pulled = try run(podman + ["image", "inspect", "--format={{.Id}}", "\(place):v1"], environment, scratch)
      #expect(pulled == id)
      _ = try run(podman + ["pull", "--tls-verify=false", "\(place):docker"], environment, scratch)
      for platform in ["linux/amd64", "linux/arm64"] {
        _ = try run(
          podman + ["pull", "--tls-verify=false", "--platform=\(platform)", "\(place):many"], environment, scratch)
      }
      if round == 1 { registry = try registry.restarted() }
    }
    registry.stop()
  }

  @Test(
    "buildah", .enabled(if: Peers.has("buildah"), "buildah is not installed"),
    .enabled(if: Peers.isRoot, "buildah's storage needs root here"))
  func buildah() throws {
    let scratch = try Scratch()
    let images = try LocalImages(in: scratch)
    let environment = try Peers.environment(scratch)
    var registry = try RegistryProcess()
    let place = "\(registry.endpoint)/buildah/image"
    let buildah = [
      "buildah", "--root", "\(scratch.path)/buildah", "--runroot", "\(scratch.path)/buildah-run",
      "--storage-driver=vfs",
    ]
    _ = try run(buildah + ["from", "--name=work", "scratch"], environment, scratch)
    _ = try run(buildah + ["add", "work", images.rootfs, "/"], environment, scratch)
    for format in ["oci", "docker"] {
      _ = try run(buildah + ["commit", "--format=\(format)", "work", "made-\(format)"], environment, scratch)
      _ = try run(
        buildah + ["push", "--tls-verify=false", "made-\(format)", "docker://\(place):\(format)"], environment, scratch)
    }
    _ = try run(buildah + ["rm", "--all"], environment, scratch)
    for round in 1...2 {
      _ = try run(buildah + ["rmi", "--all", "--force"], environment, scratch)
      for format in ["oci", "docker"] {
        _ = try run(buildah + ["pull", "--tls-verify=false", "\(place):\(format)"], environment, scratch)
      }
      if round == 1 { registry = try registry.restarted() }
    }
    registry.stop()
  }

  @Test("the Docker engine", .enabled(if: DockerEngine.canRun, "needs root and a dockerd that can start here"))
  func docker() throws {
    let scratch = try Scratch()
    let images = try LocalImages(in: scratch)
    let engine = try DockerEngine(in: scratch)
    defer { engine.stop() }
    var registry = try RegistryProcess()
    let place = "\(registry.endpoint)/docker/image"
    func docker(_ arguments: String...) throws -> String {
      var outcome = Command.Outcome(code: -1, output: "")
      switch arguments.count {
      case 1: outcome = try engine.docker(arguments[0])
      case 2: outcome = try engine.docker(arguments[0], arguments[1])
      case 3: outcome = try engine.docker(arguments[0], arguments[1], arguments[2])
      default: outcome = try engine.docker(arguments[0], arguments[1], arguments[2], arguments[3])
      }
      #expect(outcome.code == 0, "docker \(arguments.joined(separator: " ")): \(outcome)")
      return outcome.output
    }
    _ = try docker("import", images.rootfs, "\(place):v1")
    let id = try docker("image", "inspect", "--format={{.Id}}", "\(place):v1")
    let pushed = try docker("push", "\(place):v1")
    #expect(pushed.contains("digest: sha256:"), "\(pushed)")
    // The same layers again are found and not sent.
    _ = try docker("tag", "\(place):v1", "\(place):v2")
    #expect(try docker("push", "\(place):v2").contains("Layer already exists"))
    // A multi-platform list made elsewhere.
    let bench = try Bench("docker-list", registry: registry)
    if Peers.has("skopeo") {
      _ = try run(
        ["skopeo", "copy", "--all", "--dest-tls-verify=false", "oci:\(images.layout):many", "docker://\(place):many"],
        try Peers.environment(scratch), scratch)
    }
    for round in 1...2 {
      _ = try docker("rmi", "--force", "\(place):v1", "\(place):v2")
      _ = try docker("pull", "\(place):v1")
      #expect(try docker("image", "inspect", "--format={{.Id}}", "\(place):v1") == id)
      _ = try docker("pull", "\(place):v2")
      if Peers.has("skopeo") { _ = try docker("pull", "\(place):many") }
      if round == 1 { registry = try registry.restarted() }
    }
    expect(try HTTPClient(bench.client.endpoint).send("GET", "/v2/"), 200)
    registry.stop()
  }

  @Test("curl", .enabled(if: Peers.has("curl"), "curl is not installed"))
  func curl() throws {
    let scratch = try Scratch()
    var registry = try RegistryProcess()
    let base = "http://\(registry.endpoint)/v2/curl/artifact"
    let environment = Command.basicEnvironment
    func curl(_ arguments: String...) throws -> String { try run(["curl", "-sSf"] + arguments, environment, scratch) }
    func upload(_ bytes: [UInt8], chunked: Bool) throws {
      let file = "\(scratch.path)/upload"
      try Files.write(bytes, to: file)
      let location = try curl("-X", "POST", "-o", "/dev/null", "-w", "%header{location}", "\(base)/blobs/uploads/")
      if chunked {
        let next = try curl(
          "-X", "PATCH", "-T", file, "-H", "Transfer-Encoding: chunked", "-H", "Content-Type: application/octet-stream",
          "-o", "/dev/null", "-w", "%header{location}", location)
        _ = try curl("-X", "PUT", next.adding("digest=\(Algorithm.sha256.digest(bytes))"))
      } else {
        _ = try curl(
          "-X", "PUT", "--data-binary", "@\(file)", "-H", "Content-Type: application/octet-stream",
          location.adding("digest=\(Algorithm.sha256.digest(bytes))"))
      }
    }
    // Larger than a megabyte, so that curl says Expect: 100-continue.
    let layer = Content(Media.layer, someBytes(3 << 20, seed: 3), .sha256)
    let config = Content(Media.empty, Array("{}".utf8), .sha256)
    try upload(layer.bytes, chunked: true)
    try upload(config.bytes, chunked: false)
    let bench = try Bench("curl", registry: registry)
    let image = bench.imageManifest(config: config, layers: [layer])
    let artifact = bench.imageManifest(
      config: config, layers: [], subject: image, artifactType: "application/x.signature", annotations: ["a": "b"])
    for (manifest, reference) in [(artifact, artifact.digest), (image, "v1")] {
      try Files.write(manifest.bytes, to: "\(scratch.path)/manifest")
      _ = try curl(
        "-X", "PUT", "--data-binary", "@\(scratch.path)/manifest", "-H", "Content-Type: \(manifest.mediaType)",
        "\(base)/manifests/\(reference)")
    }
    for round in 1...2 {
      let out = "\(scratch.path)/pulled-\(round)"
      _ = try curl("-o", out, "\(base)/blobs/\(layer.digest)")
      expectSame(Files.read(out) ?? [], layer.bytes)
      #expect(try curl("\(base)/manifests/v1") == String(decoding: image.bytes, as: UTF8.self))
      let referrers = try JSON(Array(try curl("\(base)/referrers/\(image.digest)").utf8))
      #expect(referrers["manifests"]?[0]?["digest"]?.text == artifact.digest)
      #expect(referrers["manifests"]?[0]?["artifactType"]?.text == "application/x.signature")
      // Half, then the rest: a pull that was cut goes on.
      _ = try curl("-r", "0-1000000", "-o", out, "\(base)/blobs/\(layer.digest)")
      _ = try curl("-C", "-", "-o", out, "\(base)/blobs/\(layer.digest)")
      expectSame(Files.read(out) ?? [], layer.bytes)
      if round == 1 { registry = try registry.restarted() }
    }
    registry.stop()
  }
}
