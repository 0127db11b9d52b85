// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// Images made from nothing, without any network: a tar of a file, and what is needed around it.
struct LocalImages {
  let scratch: Scratch
  /// An OCI layout that holds the image `one` and the multi-platform list `many`.
  var layout: String { "\(scratch.path)/layout" }
  /// A root file system as a tar.
  var rootfs: String { "\(scratch.path)/rootfs.tar" }
  let manifestDigest: String
  let listDigest: String

  init(in scratch: Scratch) throws {
    self.scratch = scratch
    let layout = "\(scratch.path)/layout"
    func keep(_ content: Content) throws -> Content {
      try Files.write(content.bytes, to: "\(layout)/blobs/\(content.digest.replacing(":", with: "/"))")
      return content
    }
    var descriptors: [String] = []
    var first = ""
    for architecture in ["amd64", "arm64"] {
      let layer = try keep(
        Content(
          "application/vnd.oci.image.layer.v1.tar",
          tar(["hello": Array("hello from \(architecture)\n".utf8), "noise": someBytes(200_000, seed: 7)]), .sha256))
      let config = try keep(
        Content(
          Media.config,
          Array(
            #"{"architecture":"\#(architecture)","os":"linux","config":{"Cmd":["/hello"]},"rootfs":{"type":"layers","diff_ids":["\#(layer.digest)"]},"history":[{"created_by":"test"}]}"#
              .utf8), .sha256))
      let manifest = try keep(
        Content(
          Media.image,
          Array(
            #"{"schemaVersion":2,"mediaType":"\#(Media.image)","config":\#(config.descriptor),"layers":[\#(layer.descriptor)]}"#
              .utf8), .sha256))
      descriptors.append(
        manifest.descriptor.dropLast() + #","platform":{"architecture":"\#(architecture)","os":"linux"}}"#)
      if architecture == "amd64" {
        first = manifest.digest
        try Files.write(layer.bytes, to: "\(scratch.path)/rootfs.tar")
      }
    }
    let list = try keep(
      Content(
        Media.index,
        Array(
          #"{"schemaVersion":2,"mediaType":"\#(Media.index)","manifests":[\#(descriptors.joined(separator: ","))]}"#
            .utf8), .sha256))
    func named(_ descriptor: String, _ name: String) -> String {
      descriptor.dropLast() + #","annotations":{"org.opencontainers.image.ref.name":"\#(name)"}}"#
    }
    try Files.write(#"{"imageLayoutVersion":"1.0.0"}"#, to: "\(layout)/oci-layout")
    try Files.write(
      #"{"schemaVersion":2,"manifests":[\#(named(descriptors[0], "one")),\#(named(list.descriptor, "many"))]}"#,
      to: "\(layout)/index.json")
    manifestDigest = first
    listDigest = list.digest
  }
}

/// A tar archive (ustar) of plain files.
func tar(_ files: [String: [UInt8]]) -> [UInt8] {
  var archive: [UInt8] = []
  for (name, bytes) in files.sorted(by: { $0.key < $1.key }) {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at offset: Int) {
      header.replaceSubrange(offset..<(offset + text.utf8.count), with: text.utf8)
    }
    func octal(_ number: Int, _ digits: Int) -> String {
      let text = String(number, radix: 8)
      return String(repeating: "0", count: digits - text.count) + text
    }
    put(name, at: 0)
    put("0000755", at: 100)
    put("0000000", at: 108)
    put("0000000", at: 116)
    put(octal(bytes.count, 11), at: 124)
    put("00000000000", at: 136)
    put("        ", at: 148)
    put("0", at: 156)
    put("ustar", at: 257)
    put("00", at: 263)
    put(octal(header.reduce(0) { $0 + Int($1) }, 6), at: 148)
    header[154] = 0
    archive += header + bytes
    archive += [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
  }
  return archive + [UInt8](repeating: 0, count: 1024)
}

/// What the tests need to know of this machine to run a peer, and why a peer is not run.
enum Peers {
  static let isRoot = geteuid() == 0

  static func has(_ program: String) -> Bool { Command.find(program) != nil }

  /// Environment in which a client keeps everything below the scratch directory and trusts every image.
  static func environment(_ scratch: Scratch) throws -> [String: String] {
    let home = "\(scratch.path)/home"
    try Files.write(
      #"{"default":[{"type":"insecureAcceptAnything"}]}"#, to: "\(home)/.config/containers/policy.json")
    try Files.makeDirectory("\(scratch.path)/run")
    try Files.makeDirectory("\(scratch.path)/tmp")
    return Command.basicEnvironment.merging([
      "HOME": home, "XDG_RUNTIME_DIR": "\(scratch.path)/run", "TMPDIR": "\(scratch.path)/tmp",
    ]) { $1 }
  }
}

/// The Docker engine, run by hand for one test with everything below a scratch directory.
final class DockerEngine {
  private let scratch: Scratch
  private let engine: ChildProcess
  private let environment: [String: String]

  /// Whether an engine can be started here at all; tried once.
  static let canRun: Bool = {
    guard Peers.isRoot, Peers.has("dockerd"), Peers.has("docker"), let scratch = try? Scratch(),
      let engine = try? DockerEngine(in: scratch)
    else { return false }  // any reason is the same to the tests that need it
    engine.stop()
    return true
  }()

  init(in scratch: Scratch) throws {
    self.scratch = scratch
    let socket = "\(scratch.path)/docker.sock"
    environment = try Peers.environment(scratch).merging(["DOCKER_HOST": "unix://\(socket)"]) { $1 }
    engine = try ChildProcess(
      [
        "dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs",
        "--data-root=\(scratch.path)/docker", "--exec-root=\(scratch.path)/docker-run", "--host=unix://\(socket)",
        "--pidfile=\(scratch.path)/docker.pid",
      ], environment: environment, output: "\(scratch.path)/dockerd.log")
    for _ in 0..<15_000 {
      if let connection = try? Connection(to: .unix(path: socket)) {  // refused until it listens
        connection.shut()
        return
      }
      if engine.hasEnded(within: 2) { break }
    }
    throw HarnessError("dockerd does not start: \(Files.text("\(scratch.path)/dockerd.log").suffix(1000))")
  }

  func docker(_ arguments: String...) throws -> Command.Outcome {
    try Command.run(["docker"] + arguments, environment: environment, in: scratch)
  }

  func stop() {
    engine.signal(SIGTERM)
    if !engine.hasEnded(within: 20_000) { engine.signal(SIGKILL) }
    // What it mounted below the scratch directory would keep that from being removed.
    for mount in Files.text("/proc/self/mounts").split(separator: "\n") {
      let fields = mount.split(separator: " ")
      if fields.count > 1, fields[1].hasPrefix(scratch.path) { umount2(String(fields[1]), 2) }
    }
  }
}
