// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

/// What runs out comes back, and the registry with it.
@Suite("A disk that is full or read-only, descriptors that run out", .serialized)
struct FullDiskTests {
  private static let octets: Field = ("Content-Type", "application/octet-stream")

  @Test(
    "Filled to the brim by pushes: errors are clear, reads unharmed, uploads go on once there is room",
    .enabled(if: SmallDisk.isPermitted, "only root may mount a file system"),
    arguments: SmallDisk.hasLoop ? SmallDisk.Kind.allCases : [.tmpfs])
  func full(_ kind: SmallDisk.Kind) throws {
    let disk = try SmallDisk(kind)
    let ballast = "\(disk.path)/ballast"
    try Files.write(Noise.bytes(12 << 20, 1), to: ballast)
    let registry = try RegistryProcess(root: "\(disk.path)/data")
    let bench = try Bench("full", registry: registry)
    let image = try bench.image()
    try bench.put(image, as: "v1")
    // Moved by none of the pushes that fail, deleted in the end.
    try bench.put(image, as: "v2")
    let bytes = Noise.bytes(6 << 20, 2)
    let opened = try bench.startUpload()
    let begun = try bench.client.send("PATCH", opened, [Self.octets], body: Array(bytes[..<(1 << 20)]))
    expect(begun, 202)

    let ledger = try fill(bench, registry.endpoint)
    print("full disk, \(kind): \(ledger.pushed.count) blobs, \(ledger.refused) refused, \(disk.freeBytes) bytes free")
    #expect(ledger.faults.isEmpty, "\(ledger.faults.prefix(5))")
    #expect(ledger.refused > 0)

    // The upload that was under way stays at what it took, and says so.
    let refused = try bench.client.send(
      "PATCH", bench.target(of: begun), [Self.octets], body: Array(bytes[(1 << 20)...]))
    expectRefusal(refused)
    let status = try bench.client.send("GET", bench.target(of: begun))
    expect(status, 204)
    let stands = Int(status["Gantry-Upload-Offset"] ?? "") ?? -1
    #expect((1 << 20...bytes.count).contains(stands), "\(status)")

    // Reads are as before, a tag that could not be moved included.
    let large = bench.imageManifest(
      config: Content(Media.config, Array(#"{"architecture":"amd64","os":"linux","seed":1}"#.utf8), .sha256),
      layers: [],
      annotations: ["a": String(repeating: "x", count: 1 << 20)])
    expectRefusal(
      try bench.client.send("PUT", bench.manifest("v1"), [("Content-Type", Media.image)], body: large.bytes))
    let tagged = try bench.client.send("PUT", bench.manifest("v3"), [("Content-Type", Media.image)], body: image.bytes)
    if tagged.status != 201 { expectRefusal(tagged) }
    try bench.expectContent(bench.manifest("v1"), image)
    try expectReadable(ledger.pushed, bench)
    // What takes no room can be done.
    expect(try bench.client.send("DELETE", bench.manifest("v2")), 202)
    expect(try bench.client.send("GET", "/v2/_catalog"), 200)

    #expect(unlink(ballast) == 0)
    let more = try bench.client.send("PATCH", bench.target(of: status), [Self.octets], body: Array(bytes[stands...]))
    expect(more, 202)
    let digest = Algorithm.sha256.digest(bytes)
    expect(try bench.client.send("PUT", bench.target(of: more).adding("digest=\(digest)")), 201)
    expectSame(try bench.client.send("GET", bench.blob(digest)).body, bytes, "the upload that went on")
    let next = try bench.image(seed: 77)
    try bench.put(next, as: "v1")
    try bench.expectContent(bench.manifest("v1"), next)
    try expectReadable(ledger.pushed, bench)
    #expect(!registry.child.hasEnded(within: 0), "without a restart")
    registry.stop()
    let again = try RegistryProcess(registry.settings, in: registry.scratch, root: registry.root, at: registry.endpoint)
    try expectReadable(ledger.pushed, bench)
    again.stop()
  }

  private struct Filling {
    var pushed: [String]
    var refused: Int
    var faults: [String]
  }

  /// Four clients push blobs of ever smaller sizes until none fits.
  private func fill(_ bench: Bench, _ endpoint: Endpoint) throws -> Filling {
    let (pushed, refused, faults) = (Notes(), Notes(), Notes())
    let (uploads, name) = (bench.uploads, bench.name)
    try Crowd.run(4) { number in
      let client = HTTPClient(endpoint)
      for (step, size) in [1 << 20, 200_000, 20_000, 3000, 100].enumerated() {
        var failures = 0
        for push in 0..<200 where failures < 3 {
          let bytes = Noise.bytes(size, UInt64(100 + number * 10_000 + step * 1000 + push))
          let digest = Algorithm.sha256.digest(bytes)
          var response = try client.send("POST", uploads)
          if response.status == 202 {
            let location = targetOf(response["Location"] ?? "")
            response = try client.send("PUT", location.adding("digest=\(digest)"), [Self.octets], body: bytes)
          }
          switch response.status {
          case 201: pushed.add("/v2/\(name)/blobs/\(digest)")
          case 507, 503:
            failures += 1
            refused.add("\(response.status)")
            if response["Retry-After"] == nil || response.codes.isEmpty { faults.add("\(response)") }
          default:
            failures += 1
            faults.add("\(response)")
          }
        }
      }
    }
    return Filling(pushed: pushed.all, refused: refused.all.count, faults: faults.all)
  }

  private func expectReadable(_ targets: [String], _ bench: Bench, at: SourceLocation = #_sourceLocation) throws {
    for target in targets {
      let response = try bench.client.send("GET", target)
      #expect(
        response.status == 200 && target.hasSuffix(Algorithm.sha256.digest(response.body)), "\(target)",
        sourceLocation: at)
    }
  }

  private func expectRefusal(_ response: Response, at: SourceLocation = #_sourceLocation) {
    expect(response, 503, 507, sourceLocation: at)
    #expect(Int(response["Retry-After"] ?? "") != nil, "\(response)", sourceLocation: at)
    #expect(!response.codes.isEmpty, "\(response)", sourceLocation: at)
  }

  /// By an attribute, because a file system on which a file is open for writing cannot be remounted read-only.
  @Test(
    "Made read-only under a running server, and writable again",
    .enabled(if: SmallDisk.hasLoop, "only root may mount a file system, and a loop device is needed"))
  func readOnly() throws {
    let disk = try SmallDisk(.ext4)
    let registry = try RegistryProcess(root: "\(disk.path)/data")
    let bench = try Bench("read only", registry: registry)
    let image = try bench.image()
    try bench.put(image, as: "v1")
    let bytes = Noise.bytes(500_000, 3)
    let begun = try bench.client.send(
      "PATCH", try bench.startUpload(), [Self.octets], body: Array(bytes[..<100_000]))
    expect(begun, 202)
    try disk.run(["chattr", "-R", "+i", registry.root])
    expectRefusal(try bench.client.send("POST", bench.uploads))
    expectRefusal(
      try bench.client.send("PATCH", bench.target(of: begun), [Self.octets], body: Array(bytes[100_000...])))
    expectRefusal(
      try bench.client.send("PUT", bench.manifest("v2"), [("Content-Type", Media.image)], body: image.bytes))
    expectRefusal(try bench.client.send("DELETE", bench.manifest("v1")))
    try bench.expectContent(bench.manifest("v1"), image)
    try disk.run(["chattr", "-R", "-i", registry.root])
    let status = try bench.client.send("GET", bench.target(of: begun))
    expect(status, 204)
    let stands = Int(status["Gantry-Upload-Offset"] ?? "") ?? -1
    #expect(stands >= 100_000)
    let digest = Algorithm.sha256.digest(bytes)
    expect(
      try bench.client.send(
        "PUT", bench.target(of: status).adding("digest=\(digest)"), [Self.octets], body: Array(bytes[stands...])), 201)
    expectSame(try bench.client.send("GET", bench.blob(digest)).body, bytes)
    try bench.put(image, as: "v2")
    registry.stop()
  }

  @Test(
    "Gone read-only for good, as ext4 goes when its disk fails: writes are refused, reads go on",
    .enabled(if: SmallDisk.hasLoop, "only root may mount a file system, and a loop device is needed"))
  func aborted() throws {
    let disk = try SmallDisk(.ext4)
    let registry = try RegistryProcess(root: "\(disk.path)/data")
    let bench = try Bench("aborted", registry: registry)
    let image = try bench.image()
    try bench.put(image, as: "v1")
    let begun = try bench.startUpload()
    // The option says that it failed: it is not what one does to a disk that is well.
    _ = try? disk.run(["mount", "-o", "remount,abort", disk.path])
    expectRefusal(try bench.client.send("POST", bench.uploads))
    expectRefusal(try bench.client.send("PATCH", begun, [Self.octets], body: [1, 2, 3]))
    expectRefusal(
      try bench.client.send("PUT", bench.manifest("v2"), [("Content-Type", Media.image)], body: image.bytes))
    try bench.expectContent(bench.manifest("v1"), image)
    #expect(!registry.child.hasEnded(within: 0))
    registry.stop()
  }

  @Test(
    "Descriptors that run out under many connections: the server stays, idles, and recovers",
    .enabled(if: Command.find("prlimit") != nil, "prlimit is not installed"))
  func descriptors() throws {
    let registry = try RegistryProcess()
    let bench = try Bench("descriptors", registry: registry)
    let image = try bench.image()
    try bench.put(image, as: "v1")
    let open = Files.names(in: "/proc/\(registry.child.pid)/fd").count
    let limit = open + 20
    let outcome = try Command.run(
      ["prlimit", "--pid", "\(registry.child.pid)", "--nofile=\(limit):\(limit)"], in: registry.scratch)
    #expect(outcome.code == 0, "\(outcome)")
    // The bench's connection is one of those that were let in.
    var crowd: [Connection] = []
    for _ in 0..<200 {
      let connection = try Connection(to: registry.endpoint)
      try connection.send("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
      crowd.append(connection)
    }
    var answered = 0
    for connection in crowd where connection.isReadable(within: answered < 5 ? 2000 : 5) { answered += 1 }
    let push = try bench.client.send("POST", bench.uploads + "?digest=\(Algorithm.sha256.digest("x"))", body: [0x78])
    if push.status != 201 { expectRefusal(push) }
    let before = cpuTicks(registry)
    #expect(!registry.child.hasEnded(within: 500), "\(registry.log.suffix(1000))")
    let burnt = cpuTicks(registry) - before
    print("descriptors: limit \(limit), \(answered) of 200 answered, push \(push.status), \(burnt) ticks in 500 ms")
    #expect(burnt < 25, "accepting in vain must not spin")
    for connection in crowd { connection.shut() }
    let client = HTTPClient(registry.endpoint)
    expect(try client.send("GET", bench.manifest("v1")), 200)
    let after = try Bench("after", registry: registry)
    let next = try after.image(seed: 5)
    try after.put(next, as: "v1")
    try after.expectContent(after.manifest("v1"), next)
    registry.stop()
  }

  /// Time that the process has used, in ticks of 10 ms.
  private func cpuTicks(_ registry: RegistryProcess) -> Int {
    let fields = Files.text("/proc/\(registry.child.pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
    return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : 0
  }
}
