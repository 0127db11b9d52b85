// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

/// How many, how much, how fast: what the registry promises about its size. Run alone (scripts/test does), because two
/// measurements at once measure each other.
@Suite("Scale", .serialized)
struct ScaleTests {
  private static let octets: Field = ("Content-Type", "application/octet-stream")

  @Test("2 000 uploads at once, under 16 KiB each", .enabled(if: FileLimit.raised >= 5000, "needs 5 000 open files"))
  func uploads() throws {
    let registry = try RegistryProcess()
    let bench = try Bench("uploads", registry: registry)
    try bench.push(someBytes(100_000, seed: 1))
    let count = 2000
    // What the first connections cost once (stacks, pools) is no upload's.
    for index in 0..<64 { try bench.push(someBytes(500, seed: UInt64(index))) }
    let before = registry.residentKiB
    let parts = (0..<3).map { part in (0..<count).map { someBytes(200, seed: UInt64(part * count + $0) &+ 7) } }
    var connections: [Connection] = []
    var locations: [String] = []
    func exchange(_ connection: Connection, _ method: String, _ target: String, _ body: [UInt8]) throws -> Response {
      try connection.send(
        Array("\(method) \(target) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body)
      return try connection.readResponse(to: method)
    }
    for _ in 0..<count {
      let connection = try Connection(to: registry.endpoint)
      let opened = try exchange(connection, "POST", bench.uploads, [])
      expect(opened, 202)
      connections.append(connection)
      locations.append(targetOf(opened["Location"] ?? ""))
    }
    for part in 0..<2 {
      for index in 0..<count {
        let patched = try exchange(connections[index], "PATCH", locations[index], parts[part][index])
        expect(patched, 202)
        locations[index] = targetOf(patched["Location"] ?? "")
      }
    }
    let each = Double(registry.residentKiB - before) / Double(count)
    #expect(each < 16, "\(each) KiB for each open upload")
    for index in 0..<count {
      let bytes = parts[0][index] + parts[1][index] + parts[2][index]
      let digest = Algorithm.sha256.digest(bytes)
      expect(try exchange(connections[index], "PUT", locations[index].adding("digest=\(digest)"), parts[2][index]), 201)
      if index % 100 == 0 { expectSame(try bench.client.send("GET", bench.blob(digest)).body, bytes) }
    }
    for connection in connections { connection.shut() }
    print("scale: an open upload costs \(each) KiB")
    registry.stop()
  }

  @Test("10 000 uploads that nobody goes on with: under 1 KiB each, no descriptor, and each can be taken up")
  func abandonedUploads() throws {
    let registry = try RegistryProcess(in: try Scratch(inMemory: true))
    let bench = try Bench("abandoned", registry: registry)
    let (count, batch) = (10_000, 100)
    let connection = try Connection(to: registry.endpoint)
    func request(_ method: String, _ target: String, _ body: [UInt8] = []) -> [UInt8] {
      Array("\(method) \(target) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body
    }
    // Some bytes for each of those before, and nothing for as many: what a client leaves behind that went away.
    func abandon(_ count: Int) throws -> [String] {
      try connection.send((0..<count).flatMap { _ in request("POST", bench.uploads) })
      var locations: [String] = []
      for _ in 0..<count {
        let opened = try connection.readResponse(to: "POST")
        expect(opened, 202)
        locations.append(targetOf(opened["Location"] ?? ""))
      }
      try connection.send(locations.prefix(count / 2).flatMap { request("PATCH", $0, someBytes(200, seed: 1)) })
      for index in 0..<(count / 2) {
        let patched = try connection.readResponse(to: "PATCH")
        expect(patched, 202)
        locations[index] = targetOf(patched["Location"] ?? "")
      }
      return locations
    }
    // As many as the registry remembers, so that the rest costs what is not remembered.
    for _ in 0..<10 { _ = try abandon(batch) }
    let (memory, descriptors) = (registry.residentKiB, registry.descriptorCount)
    var locations: [String] = []
    for _ in 0..<(count / batch) { locations += try abandon(batch) }
    let each = Double(registry.residentKiB - memory) / Double(count)
    print("scale: an upload that nobody goes on with costs \(each) KiB")
    #expect(each < 1, "\(each) KiB for each upload")
    let more = registry.descriptorCount - descriptors
    #expect(more <= 4, "\(more) descriptors more")
    for index in stride(from: 0, to: count, by: 997) {
      let offset = index % batch < batch / 2 ? 200 : 0
      let status = try bench.client.send("GET", locations[index])
      expect(status, 204)
      #expect(status["Gantry-Upload-Offset"] == "\(offset)", "upload \(index)")
      let bytes = someBytes(200, seed: 1).prefix(offset) + someBytes(100, seed: UInt64(index))
      let digest = Algorithm.sha256.digest(Array(bytes))
      let target = targetOf(status["Location"] ?? "").adding("digest=\(digest)")
      expect(try bench.client.send("PUT", target, body: someBytes(100, seed: UInt64(index))), 201)
      expectSame(try bench.client.send("GET", bench.blob(digest)).body, Array(bytes))
    }
    connection.shut()
    registry.stop()
  }

  @Test(
    "5 000 idle connections, under 4 KiB each",
    .enabled(if: FileLimit.raised >= 6000, "needs 6 000 open files"))
  func idleConnections() throws {
    let registry = try RegistryProcess()
    let request = Array("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
    func open(_ count: Int) throws -> [Connection] {
      try (0..<count).map { _ in
        let connection = try Connection(to: registry.endpoint)
        try connection.send(request)
        expect(try connection.readResponse(to: "GET"), 200)
        return connection
      }
    }
    var connections = try open(64)
    let before = registry.residentKiB
    connections += try open(5000)
    let each = Double(registry.residentKiB - before) / 5000
    #expect(each < 4, "\(each) KiB for each idle connection")
    // They are all alive.
    for connection in connections {
      try connection.send(request)
      expect(try connection.readResponse(to: "GET"), 200)
    }
    print("scale: an idle connection costs \(each) KiB")
    for connection in connections { connection.shut() }
    registry.stop()
  }

  @Test("100 000 blobs: the first answer within 100 ms, under 30 MiB when idle")
  func manyBlobs() throws {
    let scratch = try Scratch(inMemory: true)
    let root = "\(scratch.path)/data"
    let store = "\(root)/docker/registry/v2"
    let repository = "\(store)/repositories/many"
    let digits = Array("0123456789abcdef")
    for first in digits { for second in digits { try Files.makeDirectory("\(store)/blobs/sha256/\(first)\(second)") } }
    try Files.makeDirectory("\(repository)/_layers/sha256")
    for index in 0..<100_000 {
      let name = hex(someBytes(32, seed: UInt64(index)))
      let blob = "\(store)/blobs/sha256/\(name.prefix(2))/\(name)"
      mkdir(blob, 0o755)
      let file = creat("\(blob)/data", 0o644)
      close(file)
      // A tenth of them is linked to one repository.
      if index % 10 == 0 { try Files.write("sha256:\(name)", to: "\(repository)/_layers/sha256/\(name)/link") }
    }
    var best = Duration.seconds(100)
    for _ in 0..<3 {
      let settings = RegistrySettings()
      let endpoint = try Endpoint.ip4(port: freePort())
      let configuration = "\(scratch.path)/many.yml"
      try Files.write(settings.text(root: root, address: endpoint.description, isUnix: false), to: configuration)
      let start = ContinuousClock.now
      let child = try RegistryProcess.spawn(["serve", configuration], scratch: scratch)
      var answered = false
      while !answered, ContinuousClock.now - start < .seconds(10) {
        if let connection = try? Connection(to: endpoint) {  // refused until it listens
          try connection.send("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
          expect(try connection.readResponse(to: "GET"), 200)
          answered = true
        } else if child.hasEnded(within: 1) {
          break
        }
      }
      best = min(best, ContinuousClock.now - start)
      #expect(answered)
      let status = Files.text("/proc/\(child.pid)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
      let resident = Int((status ?? "").filter(\.isNumber)) ?? .max
      #expect(resident < 30 * 1024, "\(resident) KiB when idle")
      print("scale: idle with 100 000 blobs: \(resident) KiB")
      child.signal(SIGTERM)
      #expect(child.hasEnded(within: 40_000))
      #expect(child.exitCode == 0)
    }
    print("scale: first answer after \(best)")
    #expect(best < .milliseconds(100), "the first answer came after \(best)")
  }

  @Test("A GiB pushed and pulled under 64 MiB of memory")
  func gibibyte() throws {
    let registry = try RegistryProcess()
    let bench = try Bench("gibibyte", registry: registry)
    let block = someBytes(4 << 20, seed: 1024)
    let blocks = 256
    var stream = DigestStream(.sha256)
    for _ in 0..<blocks { stream.update(block) }
    let digest = stream.finish()
    let location = try bench.startUpload()
    let connection = try Connection(to: registry.endpoint)
    try connection.send(
      "PUT \(location.adding("digest=\(digest)")) HTTP/1.1\r\nHost: x\r\nContent-Length: \(blocks * block.count)\r\n\r\n"
    )
    for _ in 0..<blocks { try connection.send(block) }
    expect(try connection.readResponse(to: "PUT"), 201)
    try connection.send("GET \(bench.blob(digest)) HTTP/1.1\r\nHost: x\r\n\r\n")
    var pulled = DigestStream(.sha256)
    var left = blocks * block.count
    let head = try connection.readResponse(to: "HEAD")
    expect(head, 200)
    #expect(head["Content-Length"] == "\(left)")
    while left > 0 {
      let bytes = try connection.receive()
      if bytes.isEmpty { break }
      left -= bytes.count
      pulled.update(bytes)
    }
    #expect(left == 0)
    #expect(pulled.finish() == digest)
    let peak = registry.peakKiB
    print("scale: peak of a GiB pushed and pulled: \(peak) KiB")
    #expect(peak < 64 * 1024, "\(peak) KiB")
    connection.shut()
    registry.stop()
  }

  @Test("After mixed load the threads are main, loops, workers and errands")
  func threads() throws {
    let registry = try RegistryProcess()
    let bench = try Bench("threads", registry: registry)
    for seed in 1...20 {
      let image = try bench.image(seed: UInt64(seed))
      try bench.put(image, as: "t\(seed)")
      try bench.expectContent(bench.manifest("t\(seed)"), image)
      _ = try bench.tags()
      _ = try bench.referrers(of: image.digest)
      _ = try catalogNames(bench.client)
      expect(try bench.client.send("DELETE", bench.manifest("t\(seed)")), 202)
      _ = try bench.client.send("PATCH", try bench.startUpload(), chunks: [someBytes(100_000, seed: UInt64(seed))])
      _ = try HTTPClient(registry.endpoint).raw(Array("nonsense\r\n\r\n".utf8))
    }
    let strangers = registry.threads.filter { name in
      !["registry", "loop", "worker", "errand"].contains(where: name.hasPrefix)
    }
    #expect(strangers.isEmpty, "\(registry.threads)")
    #expect(registry.threads.contains { $0.hasPrefix("loop") })
    registry.stop()
  }

  @Test("Cold blobs do not hold up what is hot")
  func coldBlobs() throws {
    let registry = try RegistryProcess()
    let bench = try Bench("cold", registry: registry)
    let image = try bench.image()
    try bench.put(image, as: "hot")
    var blobs: [String] = []
    for seed in 1...6 { blobs.append(try bench.push(someBytes(16 << 20, seed: UInt64(seed)))) }
    for digest in blobs {
      let hexadecimal = digest.dropFirst("sha256:".count)
      let path = "\(registry.root)/docker/registry/v2/blobs/sha256/\(hexadecimal.prefix(2))/\(hexadecimal)/data"
      let file = open(path, O_RDONLY)
      #expect(file >= 0, "\(path)")
      fsync(file)
      posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
      close(file)
    }
    // Each cold pull begins on a connection of its own; the hot answers are timed while the bytes come.
    var pulls: [(Connection, Int)] = []
    for digest in blobs {
      let connection = try Connection(to: registry.endpoint)
      try connection.send("GET \(bench.blob(digest)) HTTP/1.1\r\nHost: x\r\n\r\n")
      pulls.append((connection, 16 << 20))
    }
    var times: [Duration] = []
    let clients = (0..<4).map { _ in HTTPClient(registry.endpoint) }
    for connection in pulls.map(\.0) {
      expect(try connection.readResponse(to: "HEAD"), 200)
      var left = 16 << 20
      while left > 0 {
        let bytes = try connection.receive()
        if bytes.isEmpty { break }
        left -= bytes.count
        let client = clients[times.count % clients.count]
        times.append(try ContinuousClock().measure { expect(try client.send("GET", bench.manifest("hot")), 200) })
      }
      #expect(left == 0)
    }
    times.sort()
    let slow = times[times.count * 99 / 100]
    print("scale: beside cold pulls, \(times.count) hot answers, median \(times[times.count / 2]), p99 \(slow)")
    #expect(slow < .milliseconds(100), "the hundredth slowest of the hot answers took \(slow)")
    registry.stop()
  }
}
