// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

/// An upload goes on where it stood, and what is said of where it stands is true.
@Suite("Uploads that are cut and killed", .serialized)
struct ResumeTests {
  /// `$GANTRY_UPLOAD_CUTS` cuts, and as many kills.
  private static let cuts = environmentNumber("GANTRY_UPLOAD_CUTS", default: 15)
  private static let size = 64 << 20

  @Test("64 MiB in random chunks, the connection cut and the server killed: no offset lies, the digest is right")
  func alone() throws {
    let scratch = try Scratch()
    let endpoint = try Endpoint.ip4(port: freePort())
    var registry = try RegistryProcess(in: scratch, at: endpoint)
    let bytes = Noise.bytes(Self.size, Dice.seed)
    var upload = StubbornUpload(
      bytes, to: "resume/alone", at: endpoint, seed: Dice.seed, pause: { _ = registry.child.hasEnded(within: 20) }
    ) {
      registry = try Self.killed(registry)
    }
    let digest = try upload.run(cuts: Self.cuts, kills: Self.cuts, steps: Self.cuts * 4)
    try report("alone", upload, digest, bytes)
    #expect(Files.tree("\(registry.root)/docker/registry/v2/repositories/resume/alone/_uploads").isEmpty)
    registry.stop()
  }

  @Test(
    "The same through nginx, round-robin over two processes on one directory",
    .enabled(if: Proxy.program != nil, "nginx is not installed"))
  func behindProxy() throws {
    let scratch = try Scratch()
    var registries = [try RegistryProcess(in: scratch)]
    registries.append(try RegistryProcess(in: scratch, root: registries[0].root))
    let proxy = try Proxy(to: registries.map(\.endpoint), in: scratch)
    let bytes = Noise.bytes(Self.size, Dice.seed &+ 1)
    var turn = 0
    var upload = StubbornUpload(
      bytes, to: "resume/proxied", at: proxy.endpoint, seed: Dice.seed &+ 1,
      pause: { _ = registries[0].child.hasEnded(within: 20) }
    ) {
      turn += 1
      registries[turn % 2] = try Self.killed(registries[turn % 2])
    }
    let digest = try upload.run(cuts: Self.cuts, kills: Self.cuts, steps: Self.cuts * 4)
    try report("through nginx", upload, digest, bytes)
    for registry in registries {
      expectSame(
        try HTTPClient(registry.endpoint).send("GET", "/v2/resume/proxied/blobs/\(digest)").body, bytes, "each process")
    }
    proxy.stop()
    for registry in registries { registry.stop() }
  }

  @Test("What a status said during an upload is there after a kill, even when the upload was under way")
  func statusDuringUpload() throws {
    let scratch = try Scratch()
    let endpoint = try Endpoint.ip4(port: freePort())
    var registry = try RegistryProcess(in: scratch, at: endpoint)
    let bytes = Noise.bytes(8 << 20, Dice.seed)
    for round in 0..<10 {
      let bench = try Bench("status", registry: registry)
      let location = try bench.startUpload()
      let uploading = try Connection(to: endpoint)
      try uploading.send("PATCH \(location) HTTP/1.1\r\nHost: x\r\nContent-Length: \(bytes.count * 2)\r\n\r\n")
      try uploading.send(Array(bytes.prefix(bytes.count / 10 * (round + 1))))
      let said = try bench.client.send("GET", location)
      registry = try Self.killed(registry)
      expect(said, 204)
      let stands = try HTTPClient(endpoint).send("GET", location)
      expect(stands, 204)
      let offsets = [said, stands].map { Int($0["Gantry-Upload-Offset"] ?? "") ?? -1 }
      #expect(offsets[0] <= offsets[1], "round \(round): \(offsets[0]) were said to be there, \(offsets[1]) are")
    }
    registry.stop()
  }

  private func report(_ what: String, _ upload: StubbornUpload, _ digest: String, _ bytes: [UInt8]) throws {
    let counts = upload.counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    print("resume \(what): GANTRY_TEST_SEED=\(Dice.seed): \(counts); \(upload.lies.count) lies")
    #expect(upload.lies.isEmpty, "GANTRY_TEST_SEED=\(Dice.seed): \(upload.lies.prefix(10))")
    let blob = try HTTPClient(upload.endpoint).send("GET", "/v2/\(upload.repository)/blobs/\(digest)")
    expect(blob, 200)
    expectSame(blob.body, bytes, "GANTRY_TEST_SEED=\(Dice.seed)")
  }

  /// Kills a registry and starts it again on the same address and directory.
  private static func killed(_ registry: RegistryProcess) throws -> RegistryProcess {
    registry.child.signal(SIGKILL)
    guard registry.child.hasEnded(within: 10_000) else { throw HarnessError("SIGKILL did not end the registry") }
    return try RegistryProcess(registry.settings, in: registry.scratch, root: registry.root, at: registry.endpoint)
  }
}

/// nginx, handing requests to each of several servers in turn, and bodies on as they come.
private final class Proxy {
  static let program = Command.find("nginx")

  let endpoint: Endpoint
  private let child: ChildProcess

  init(to servers: [Endpoint], in scratch: Scratch) throws {
    let port = try freePort()
    endpoint = .ip4(port: port)
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
      "\($0)_temp_path \(scratch.path)/nginx-\($0);"
    }
    try Files.write(
      """
      daemon off;
      master_process off;
      pid \(scratch.path)/nginx.pid;
      error_log \(scratch.path)/nginx.log;
      events { worker_connections 256; }
      http {
        access_log off;
        \(temporary.joined(separator: "\n  "))
        client_max_body_size 0;
        upstream registries {
          \(servers.map { "server \($0) max_fails=0;" }.joined(separator: "\n    "))
        }
        server {
          listen 127.0.0.1:\(port);
          location / {
            proxy_pass http://registries;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_buffering off;
            proxy_set_header Host $http_host;
          }
        }
      }

      """, to: "\(scratch.path)/nginx.conf")
    child = try ChildProcess(
      [Proxy.program ?? "nginx", "-p", scratch.path, "-c", "\(scratch.path)/nginx.conf"],
      environment: Command.basicEnvironment, output: "\(scratch.path)/nginx.out")
    for _ in 0..<5000 {
      if let connection = try? Connection(to: endpoint) {  // refused until it listens
        connection.shut()
        return
      }
      if child.hasEnded(within: 2) { break }
    }
    throw HarnessError("nginx does not serve: \(Files.text("\(scratch.path)/nginx.log").suffix(1000))")
  }

  func stop() {
    child.signal(SIGTERM)
    #expect(child.hasEnded(within: 10_000))
  }
}
