// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTP2Peer
import Testing

/// curl, nghttp and h2load against the release binary, and a client that floods it.
@Suite("HTTP/2 clients", .serialized)
struct HTTP2PeerTests {
  private static let settings = RegistrySettings(http: ["  h2c:", "    enabled: true"])
  private static func pushed(_ bench: Bench) throws -> [(url: String, bytes: [UInt8], digest: String)] {
    try (0..<Layers.count).map { number in
      let bytes = Layers.bytes(of: number)
      let digest = try bench.push(bytes)
      return ("http://\(bench.registry.endpoint)\(bench.blob(digest))", bytes, digest)
    }
  }

  /// One exchange for each run of curl: Debian 12's curl 7.88 cannot use a connection again that it began with prior
  /// knowledge.
  @Test("curl pulls and pushes", .enabled(if: Peers.has("curl")))
  func curl() throws {
    let registry = try RegistryProcess(Self.settings)
    let pulled = try Bench("curl-pull", registry: registry)
    let bytes = someBytes(1_000_000, seed: 9)
    let blob = pulled.blob(try pulled.push(bytes))
    let got = "\(registry.scratch.path)/got"
    let get = try Command.run(
      [
        "curl", "-sS", "--http2-prior-knowledge", "-o", got, "-w", "%{http_version} %{http_code}",
        "http://\(registry.endpoint)\(blob)",
      ], in: registry.scratch)
    #expect(get.output == "2 200" && Files.read(got) == bytes, "\(get)")
    // And pushes one, its body larger than every window.
    let layer = someBytes(3_000_000, seed: 7)
    let file = "\(registry.scratch.path)/large"
    try Files.write(layer, to: file)
    let bench = try Bench("curl-push", registry: registry)
    let digest = Algorithm.sha256.digest(layer)
    let target = try bench.startUpload().adding("digest=\(digest)")
    let put = try Command.run(
      [
        "curl", "-sS", "--http2-prior-knowledge", "-T", file, "-w", "%{http_version} %{http_code}",
        "http://\(registry.endpoint)\(target)",
      ], in: registry.scratch)
    #expect(put.output == "2 201", "\(put)")
    #expect(try bench.client.send("GET", bench.blob(digest)).body == layer)
    registry.stop()
    #expect(registry.log.contains("HTTP/2.0"), "the access log tells the version")
  }

  @Test("nghttp pulls 100 layers in one connection", .enabled(if: Peers.has("nghttp"), "nghttp2-client is missing"))
  func nghttp() throws {
    let registry = try RegistryProcess(Self.settings)
    let blobs = try Self.pushed(try Bench("nghttp", registry: registry))
    // With windows for everything, frames are whole records, so that bodies can be told apart however they take turns.
    let outcome = try Command.run(["nghttp", "-w24", "-W30", "-m1"] + blobs.map(\.url), in: registry.scratch)
    #expect(outcome.code == 0)
    Layers.expect(all: blobs.map(\.bytes), in: Array(outcome.output.utf8))
    registry.stop()
  }

  @Test("h2load has every request answered", .enabled(if: Peers.has("h2load"), "nghttp2-client is missing"))
  func load() throws {
    let registry = try RegistryProcess(Self.settings)
    let bench = try Bench("load", registry: registry)
    let manifest = try bench.image()
    try bench.put(manifest, as: "latest")
    let digest = try bench.push(someBytes(300_000, seed: 3))
    for target in [bench.manifest("latest"), bench.blob(digest)] {
      let outcome = try Command.run(
        ["h2load", "-n", "1000", "-c", "5", "-m", "50", "http://\(registry.endpoint)\(target)"], in: registry.scratch)
      let isWell = outcome.code == 0 && outcome.output.contains("status codes: 1000 2xx, 0 3xx, 0 4xx, 0 5xx")
      #expect(isWell, "\(outcome)")
      #expect(outcome.output.contains("1000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(outcome)")
    }
    registry.stop()
  }

  @Test("A rapid-reset flood ends its connection, and others are served")
  func rapidReset() throws {
    let registry = try RegistryProcess(Self.settings)
    let bench = try Bench("flood", registry: registry)
    let digest = try bench.push(someBytes(300_000, seed: 3))
    let flooder = HTTP2Peer()
    let connection = try Connection(to: registry.endpoint)
    do {
      for turn in 0..<5000 {
        let stream = Int32(turn * 2 + 1)
        flooder.send(.request(stream, "GET", bench.blob(digest)), .reset(stream))
        if turn % 50 == 49 { try connection.send(flooder.takeOutgoing()) }
        if turn % 1000 == 0 { expect(try bench.client.send("GET", bench.blob(digest)), 200) }
      }
    } catch is HarnessError {
      // Cut off while it sent.
    }
    do {
      while flooder.goAways.isEmpty {
        let bytes = try connection.receive()
        if bytes.isEmpty { break }
        flooder.receive(bytes)
      }
    } catch is HarnessError {
      // Reset is an end, too.
    }
    #expect(flooder.goAways.last?.code == 11 && flooder.goAways.last?.text == "too many streams were reset")
    expect(try bench.client.send("GET", bench.blob(digest)), 200)
    #expect(registry.log.contains("too many streams were reset"))
    registry.stop()
  }

  @Test("What clients began before SIGTERM is finished", .enabled(if: Peers.has("curl")))
  func drain() throws {
    let registry = try RegistryProcess(Self.settings)
    let bench = try Bench("drain", registry: registry)
    let layer = someBytes(2_000_000, seed: 4)
    let digest = try bench.push(layer)
    let file = "\(registry.scratch.path)/pulled"
    let pull = try ChildProcess(
      [
        "curl", "-sS", "--http2-prior-knowledge", "--limit-rate", "1M", "-o", file,
        "http://\(registry.endpoint)\(bench.blob(digest))",
      ], environment: Command.basicEnvironment, output: "\(registry.scratch.path)/curl")
    while (Files.read(file)?.count ?? 0) == 0, !pull.hasEnded(within: 5) {}
    registry.stop()
    #expect(pull.hasEnded(within: 30_000) && pull.exitCode == 0 && Files.read(file) == layer)
  }
}
