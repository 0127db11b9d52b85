// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

@Suite("A server that starts on a disk that takes nothing", .serialized)
struct FullDiskStartTests {
  private static let octets: Field = ("Content-Type", "application/octet-stream")

  @Test(
    "Without a byte left it starts, serves what is there, refuses pushes, and takes them once there is room",
    .enabled(if: SmallDisk.isPermitted, "only root may mount a file system"),
    arguments: SmallDisk.hasLoop ? SmallDisk.Kind.allCases : [.tmpfs], [nil, "a secret of the tests"])
  func full(_ kind: SmallDisk.Kind, secret: String?) throws {
    let disk = try SmallDisk(kind)
    let ballast = "\(disk.path)/ballast"
    try startAnew(on: disk, secret: secret) {
      let descriptor = open(ballast, O_CREAT | O_WRONLY, 0o600)
      #expect(descriptor >= 0)
      for size in [1 << 20, 4096, 1] {
        let block = [UInt8](repeating: 1, count: size)
        while write(descriptor, block, size) > 0 {}
      }
      close(descriptor)
    } relieved: {
      #expect(unlink(ballast) == 0)
    }
  }

  @Test(
    "Read-only it starts, serves what is there, refuses pushes, and takes them once it is writable",
    .enabled(if: SmallDisk.isPermitted, "only root may mount a file system"),
    arguments: SmallDisk.hasLoop ? SmallDisk.Kind.allCases : [.tmpfs])
  func readOnly(_ kind: SmallDisk.Kind) throws {
    let disk = try SmallDisk(kind)
    let log = try startAnew(on: disk, secret: nil) {
      try disk.run(["mount", "-o", "remount,ro", disk.path])
    } relieved: {
      try disk.run(["mount", "-o", "remount,rw", disk.path])
    }
    for text in ["serves reads alone", "no secret is stored"] {
      #expect(log.split(separator: text, omittingEmptySubsequences: false).count == 2, "\(text): \(log.suffix(4000))")
    }
  }

  /// Pushes, kills the server, troubles the disk, starts another server, and expects it to serve, to refuse, and to
  /// accept as soon as the disk is well. Returns what both logged.
  @discardableResult
  private func startAnew(
    on disk: SmallDisk, secret: String?, troubled: () throws -> Void, relieved: () throws -> Void
  ) throws -> String {
    var settings = RegistrySettings()
    settings.secret = secret
    let first = try RegistryProcess(settings, root: "\(disk.path)/data")
    let bench = try Bench("start", registry: first)
    let image = try bench.image()
    try bench.put(image, as: "v1")
    if secret == nil { #expect(unlink("\(first.root)/gantry/secrets/http") == 0) }
    first.child.signal(SIGKILL)
    #expect(first.child.hasEnded(within: 10_000))
    try troubled()

    let again = try RegistryProcess(first.settings, in: first.scratch, root: first.root, at: first.endpoint)
    let client = HTTPClient(again.endpoint)
    expectSame(try client.send("GET", bench.manifest("v1")).body, image.bytes)
    expect(try client.send("GET", "/v2/_catalog"), 200)
    for size in [200_000, 100] {
      let blob = Noise.bytes(size, 3)
      expectRefusal(
        try client.send("POST", "\(bench.uploads)?digest=\(Algorithm.sha256.digest(blob))", [Self.octets], body: blob))
    }
    expectRefusal(try client.send("PUT", bench.manifest("v2"), [("Content-Type", Media.image)], body: image.bytes))

    try relieved()
    let blob = Noise.bytes(200_000, 4)
    let digest = Algorithm.sha256.digest(blob)
    expect(try client.send("POST", "\(bench.uploads)?digest=\(digest)", [Self.octets], body: blob), 201)
    expect(try client.send("PUT", bench.manifest("v2"), [("Content-Type", Media.image)], body: image.bytes), 201)
    expectSame(try client.send("GET", bench.blob(digest)).body, blob)
    #expect(!again.child.hasEnded(within: 0), "without a restart")
    again.stop()
    #expect(Files.names(in: "\(again.root)/gantry/journal").allSatisfy { $0.hasSuffix(".lock") })
    return again.log
  }

  private func expectRefusal(_ response: Response, at: SourceLocation = #_sourceLocation) {
    expect(response, 503, 507, sourceLocation: at)
    #expect(Int(response["Retry-After"] ?? "") != nil, "\(response)", sourceLocation: at)
    #expect(!response.codes.isEmpty, "\(response)", sourceLocation: at)
  }
}
