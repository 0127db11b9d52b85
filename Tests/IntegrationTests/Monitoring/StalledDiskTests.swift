// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTP2Peer
import Glibc
import Testing

/// A disk that stops answering: content is replaced by a pipe that nobody writes to, so whoever opens it waits.
@Suite("A disk that stalls", .serialized)
struct StalledDiskTests {
  /// A blob whose content cannot be opened before ``end()``.
  private final class Stall {
    let path: String
    private var writer: Int32 = -1

    init(_ digest: String, below root: String) throws {
      let hex = digest.split(separator: ":")[1]
      path = "\(root)/docker/registry/v2/blobs/sha256/\(hex.prefix(2))/\(hex)/data"
      guard unlink(path) == 0, mkfifo(path, 0o644) == 0 else {
        throw HarnessError("mkfifo \(path): \(String(cString: strerror(errno)))")
      }
    }

    /// Whoever waits goes on, and nobody waits any more.
    func end() { if writer < 0 { writer = open(path, O_RDWR) } }

    deinit { if writer >= 0 { close(writer) } }
  }

  private func get(_ target: String) -> String { "GET \(target) HTTP/1.1\r\nHost: r\r\n\r\n" }

  @Test("Metrics, health and logs tell of it, pulls that need no disk go on, and pushes are refused early")
  func isToldOf() throws {
    let registry = try MonitoredRegistry(
      health: ["health:", "  storagedriver: {enabled: true, interval: 100ms}"],
      environment: ["REGISTRY_HTTP_WORKERS": "2"])
    let bench = try Bench("stall", registry: registry.process)
    let manifest = try bench.image()
    try bench.put(manifest, as: "hot")
    // A link that was written a moment ago is not taken as proven.
    #expect(
      try registry.comes {
        expect(try bench.client.send("GET", bench.manifest("hot")), 200)
        let hits = #"gantry_cache_requests_total{kind="manifest",result="hit"}"#
        return MonitoredRegistry.value(hits, in: try registry.page()) ?? 0 > 0
      })
    let digest = try bench.push(someBytes(1000, seed: 9))
    let stall = try Stall(digest, below: registry.process.root)
    // More than there are workers.
    var waiting: [Connection] = []
    for _ in 0..<3 {
      let connection = try Connection(to: registry.process.endpoint)
      try connection.send(get(bench.blob(digest)))
      waiting.append(connection)
    }
    #expect(
      try registry.comes {
        let page = try registry.page()
        let busy = MonitoredRegistry.value(#"gantry_workers{state="busy"}"#, in: page)
        let queued = MonitoredRegistry.value("gantry_workers_queue", in: page)
        return busy == 2 && (queued ?? 0) > 0
      })
    expect(try registry.operations.send("GET", "/livez"), 200)
    expect(try bench.client.send("GET", bench.manifest("hot"), [("User-Agent", "while-it-stalls")]), 200)
    #expect(try registry.comes { registry.process.log.contains("while-it-stalls") }, "the access log is written")
    let sick = try registry.awaited("/debug/health", 503)
    #expect(sick.text.contains("no answer for 10.0 seconds"), "\(sick)")
    #expect(try registry.comes { registry.process.log.contains("a health check fails") })
    expect(try registry.operations.send("GET", "/readyz"), 200)
    expectError(try bench.client.send("POST", bench.uploads), [503], ["UNAVAILABLE"])
    stall.end()
    // What is there instead of the content is no content.
    for connection in waiting { expect(try connection.readResponse(to: "GET"), 404) }
    expect(try registry.awaited("/debug/health", 200), 200)
    registry.stop()
  }

  @Test("A client that goes away while its request waits leaves nothing behind that the end trips over")
  func endsWell() throws {
    let registry = try RegistryProcess(RegistrySettings(http: ["  h2c:", "    enabled: true"]))
    let bench = try Bench("gone", registry: registry)
    let digest = try bench.push(someBytes(1000, seed: 9))
    let stall = try Stall(digest, below: registry.root)
    let connection = try Connection(to: registry.endpoint)
    let peer = HTTP2Peer()
    peer.send(.request(1, "GET", bench.blob(digest)), .ping())
    try connection.send(peer.takeOutgoing())
    // The ping is answered once the request has been taken in.
    while !peer.frames.contains(where: { $0.kind == HTTP2Frame.Kind.ping }) { peer.receive(try connection.receive()) }
    connection.reset()
    // Its loop has heard of that when it has answered somebody else, who came later.
    for _ in 0..<8 { expect(try HTTPClient(registry.endpoint).send("GET", "/v2/"), 200) }
    registry.child.signal(SIGTERM)
    #expect(!registry.child.hasEnded(within: 300))
    stall.end()
    #expect(registry.child.hasEnded(within: 40_000) && registry.child.exitCode == 0, "\(registry.log.suffix(2000))")
  }
}
