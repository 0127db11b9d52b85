// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

/// What operators see of the running binary.
@Suite("Monitoring", .serialized)
struct MonitoringTests {
  /// Pushes an image and pulls its manifest twice.
  private func traffic(_ registry: MonitoredRegistry) throws -> (bench: Bench, manifest: Content) {
    let bench = try Bench("monitoring", registry: registry.process)
    let manifest = try bench.image()
    try bench.put(manifest, as: "latest")
    for _ in 0..<2 { expect(try bench.client.send("GET", bench.manifest("latest")), 200) }
    expect(try bench.client.send("GET", bench.manifest("absent")), 404)
    return (bench, manifest)
  }

  @Test func metricsHaveDistributionsNamesAndAreOfPromtoolsLiking() throws {
    let registry = try MonitoredRegistry()
    _ = try traffic(registry)
    // An exchange is counted when its last byte has left, which its client may see first.
    let flying = #"registry_http_in_flight_requests{handler="manifest"}"#
    #expect(try registry.comes { MonitoredRegistry.value(flying, in: try registry.page()) == 0 })
    let page = try registry.page()
    for (series, value) in [
      (#"registry_http_requests_total{code="201",handler="manifest",method="put"}"#, 1),
      (#"registry_http_requests_total{code="200",handler="manifest",method="get"}"#, 2),
      (#"registry_http_requests_total{code="404",handler="manifest",method="get"}"#, 1),
      (#"registry_http_requests_total{code="202",handler="blob_upload",method="post"}"#, 2),
      (#"registry_http_requests_total{code="201",handler="blob_upload_chunk",method="put"}"#, 2),
      (#"registry_http_request_duration_seconds_count{handler="manifest",method="get"}"#, 3),
      (#"registry_http_in_flight_requests{handler="manifest"}"#, 0),
      ("gantry_ready", 1), ("gantry_sync_failures_total", 0), ("gantry_uploads_active", 0),
      ("registry_storage_cache_requests_total", 3),
    ] as [(String, Double)] {
      #expect(MonitoredRegistry.value(series, in: page) == value, "\(series)\n\(page)")
    }
    for series in [
      "gantry_http_received_bytes_total", "gantry_http_sent_bytes_total", "gantry_sync_seconds_count",
      "process_resident_memory_bytes", "process_start_time_seconds", "process_open_fds", "gantry_journal_records",
      #"registry_storage_action_seconds_count{action="PutContent",driver="filesystem"}"#,
    ] {
      #expect(MonitoredRegistry.value(series, in: page) ?? 0 > 0, "\(series)\n\(page)")
    }
    if Command.find("promtool") != nil {
      try Files.write(page, to: "\(registry.process.scratch.path)/page")
      let checked = try Command.run(
        ["sh", "-c", "promtool check metrics < page"], in: registry.process.scratch,
        directory: registry.process.scratch.path)
      #expect(checked.code == 0, "\(checked)")
      #expect(checked.output == "", "promtool has nothing to say: \(checked)")
    }
    registry.stop()
  }

  @Test func whatTheDashboardAsksForExists() throws {
    let registry = try MonitoredRegistry()
    _ = try traffic(registry)
    let page = try registry.page()
    let families = Set(
      page.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.compactMap {
        $0.split(separator: " ").dropFirst(2).first.map(String.init)
      })
    let top = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    let dashboard = Files.text("/\(top)/config/grafana-dashboard.json")
    _ = try JSON(Array(dashboard.utf8))
    let words = dashboard.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
    let asked = Set(
      words.filter { $0.hasPrefix("registry_") || $0.hasPrefix("gantry_") || $0.hasPrefix("process_") })
    #expect(asked.count > 15)
    for name in asked {
      let family = ["_bucket", "_sum", "_count"].reduce(name) { $0.hasSuffix($1) ? String($0.dropLast($1.count)) : $0 }
      #expect(families.contains(family) || families.contains(name), "the dashboard asks for \(name)")
    }
    registry.stop()
  }

  @Test(.enabled(if: Command.find("prometheus") != nil, "prometheus is not installed"))
  func prometheusScrapes() throws {
    let registry = try MonitoredRegistry()
    _ = try traffic(registry)
    let scratch = try Scratch()
    let port = try freePort()
    let top = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    let example = Files.text("/\(top)/config/prometheus.yml")
      .replacing("registry.example.com:5001", with: "127.0.0.1:\(registry.debugPort)")
      .replacing("scrape_interval: 15s", with: "scrape_interval: 1s")
    try Files.write(example, to: "\(scratch.path)/prometheus.yml")
    if Command.find("promtool") != nil {
      let checked = try Command.run(["promtool", "check", "config", "\(scratch.path)/prometheus.yml"], in: scratch)
      #expect(checked.code == 0, "\(checked)")
    }
    let prometheus = try ChildProcess(
      [
        "prometheus", "--config.file=\(scratch.path)/prometheus.yml", "--storage.tsdb.path=\(scratch.path)/tsdb",
        "--web.listen-address=127.0.0.1:\(port)", "--log.level=warn",
      ], environment: Command.basicEnvironment, output: "\(scratch.path)/prometheus.log")
    var answer = ""
    let query = "/api/v1/query?query=registry_http_requests_total%7Bhandler%3D%22manifest%22%2Cmethod%3D%22put%22%7D"
    for _ in 0..<600 {
      if prometheus.hasEnded(within: 50) { break }
      let client = HTTPClient(.ip4(port: port))
      // Refused until it listens.
      guard let response = try? client.send("GET", query, [("Connection", "close")]) else { continue }
      answer = response.text
      if answer.contains(#""code":"201""#) { break }
    }
    #expect(answer.contains(#""code":"201""#), "\(answer)\n\(Files.text("\(scratch.path)/prometheus.log"))")
    #expect(answer.contains(#""job":"registry""#), "\(answer)")
    prometheus.signal(SIGTERM)
    #expect(prometheus.hasEnded(within: 20_000))
    registry.stop()
  }

  @Test func aFileTakesTheRegistryOutOfServiceAndPullsGoOn() throws {
    let scratch = try Scratch()
    let off = "\(scratch.path)/off"
    let registry = try MonitoredRegistry(
      health: [
        "health:", "  storagedriver: {enabled: true, interval: 50ms, threshold: 2}", "  file:",
        "    - {file: \(off), interval: 20ms}",
      ])
    let (bench, manifest) = try traffic(registry)
    expect(try registry.operations.send("GET", "/debug/health"), 200)
    #expect(try registry.operations.send("GET", "/debug/health").text == "{}")
    expect(try registry.operations.send("GET", "/readyz"), 200)
    let begun = try bench.startUpload()
    try Files.write("", to: off)
    let sick = try registry.awaited("/debug/health", 503)
    expect(sick, 503)
    #expect(sick.text == "{\"\(off)\":\"file exists\"}")
    expect(try registry.operations.send("GET", "/readyz"), 503)
    expect(try registry.operations.send("GET", "/livez"), 200)
    // What reads goes on, and what has begun; nothing new is stored or removed.
    expect(try bench.client.send("GET", "/v2/"), 200)
    expect(try bench.client.send("GET", bench.manifest("latest")), 200)
    expect(try bench.client.send("GET", "/v2/\(bench.name)/tags/list"), 200)
    for (method, target) in [
      ("POST", bench.uploads), ("DELETE", bench.manifest("latest")), ("DELETE", bench.blob(manifest.digest)),
    ] {
      let refused = try bench.client.send(method, target)
      expectError(refused, [503], ["UNAVAILABLE"], naming: ["health check failed: please see /debug/health"])
      #expect(refused["Retry-After"] != nil)
    }
    expectError(try bench.put(manifest, as: "other", status: 503), [503], ["UNAVAILABLE"])
    let bytes = someBytes(100, seed: 3)
    let done = try bench.client.send("PUT", begun.adding("digest=\(bench.algorithm.digest(bytes))"), body: bytes)
    expect(done, 201)
    #expect(unlink(off) == 0)
    expect(try registry.awaited("/debug/health", 200), 200)
    expect(try registry.operations.send("GET", "/readyz"), 200)
    try bench.put(manifest, as: "other")
    registry.stop()
  }

  @Test func peersThatDoNotAnswerAreNamed() throws {
    let nobody = try freePort()
    let registry = try MonitoredRegistry(
      health: [
        "health:", "  http:", "    - {uri: 'http://127.0.0.1:\(nobody)/live', timeout: 1s, interval: 50ms}", "  tcp:",
        "    - {addr: '127.0.0.1:\(nobody)', timeout: 1s, interval: 50ms, threshold: 3}",
      ])
    let bench = try Bench("peers", registry: registry.process)
    #expect(
      try registry.comes {
        let text = try registry.operations.send("GET", "/debug/health").text
        return text.contains("127.0.0.1:\(nobody): connection failed: ")
          && text.contains("http://127.0.0.1:\(nobody)/live: error while checking: ")
      })
    expect(try registry.operations.send("GET", "/readyz"), 200)
    expect(try bench.client.send("GET", "/v2/"), 200)
    expect(try bench.client.send("POST", bench.uploads), 503)
    #expect(registry.process.log.contains("a health check fails"))
    registry.stop()
  }

  @Test func anHTTPCheckLooksAtTheStatus() throws {
    let other = try RegistryProcess()
    let registry = try MonitoredRegistry(
      health: [
        "health:", "  http:", "    - {uri: 'http://\(other.endpoint)/v2/', interval: 20ms}",
        "    - {uri: 'http://\(other.endpoint)/elsewhere', interval: 20ms}",
      ])
    let sick = try registry.awaited("/debug/health", 503)
    #expect(
      sick.text == #"{"http://\#(other.endpoint)/elsewhere":"http://\#(other.endpoint)/elsewhere: "#
        + #"downstream service returned unexpected status: 404"}"#)
    registry.stop()
    other.stop()
  }

  @Test func readinessFallsWhileRequestsFinish() throws {
    let registry = try MonitoredRegistry()
    let bench = try Bench("drain", registry: registry.process)
    let begun = try bench.startUpload()
    let bytes = someBytes(1000, seed: 1)
    let connection = try Connection(to: registry.process.endpoint)
    try connection.send(
      Array("PATCH \(begun) HTTP/1.1\r\nHost: r\r\nContent-Length: \(bytes.count)\r\n\r\n".utf8) + bytes[..<500])
    // The request has come as far as the registry when it is counted.
    let flying = #"registry_http_in_flight_requests{handler="blob_upload_chunk"}"#
    #expect(try registry.comes { MonitoredRegistry.value(flying, in: try registry.page()) == 1 })
    registry.process.child.signal(SIGTERM)
    let drained = try registry.awaited("/readyz", 503)
    #expect(drained.text == "draining\n")
    #expect(MonitoredRegistry.value("gantry_ready", in: try registry.page()) == 0)
    try connection.send(Array(bytes[500...]))
    expect(try connection.readResponse(to: "PATCH"), 202)
    connection.shut()
    // It was told to stop already, and a second signal would mean something else.
    #expect(registry.process.child.hasEnded(within: 40_000))
    #expect(registry.process.child.exitCode == 0, "\(registry.process.log.suffix(2000))")
  }

  @Test func theTrailTellsWhoDidWhat() throws {
    let scratch = try Scratch()
    let trail = "\(scratch.path)/audit/trail.log"
    try Files.makeDirectory("\(scratch.path)/audit")
    let registry = try MonitoredRegistry(
      environment: ["REGISTRY_LOG_AUDIT_FILE": trail],
      more: [
        "access:", "  rules:", "    - {immutabletags: ['v*']}",
        "    - {who: [anonymous], actions: [pull, push, delete]}",
      ])
    let bench = try Bench("trail", registry: registry.process)
    let manifest = try bench.image()
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    try bench.put(manifest, as: "v1", [("traceparent", "00-\(trace)-00f067aa0ba902b7-01")])
    try bench.put(try bench.image(seed: 2), as: "v1", status: 403)
    expect(try bench.client.send("GET", bench.manifest("v1")), 200)
    expect(try bench.client.send("DELETE", bench.manifest("v2")), 404)
    func lines(_ path: String) throws -> [JSON] {
      try Files.text(path).split(separator: "\n").map { try JSON(Array($0.utf8)) }
    }
    #expect(try registry.comes { try lines(trail).count >= 7 })
    let told = try lines(trail).map { line in
      ["action", "object", "reference", "outcome"].map { line[$0]?.text ?? "" }.joined(separator: " ")
        .replacing(manifest.digest, with: "DIGEST")
    }
    #expect(told.filter { $0.hasPrefix("push blob") }.count == 4, "\(told)")
    #expect(
      told.filter { !$0.hasPrefix("push blob") } == [
        "push tag v1 done", "push tag v1 denied", "delete tag v2 failed",
      ], "\(told)")
    let push = try #require(try lines(trail).first { $0["object"]?.text == "tag" })
    #expect(push["repository"]?.text == bench.name)
    #expect(push["digest"]?.text == manifest.digest)
    #expect(push["trace"]?.text == trace)
    #expect(push["address"]?.text?.hasPrefix("127.0.0.1:") == true)
    // Rotated away, it goes on under its name.
    #expect(rename(trail, trail + ".1") == 0)
    try bench.put(manifest, as: "again")
    #expect(try registry.comes { try lines(trail).count == 1 })
    registry.stop()
  }

  @Test func aTraceIsTakenOverIntoTheLogs() throws {
    let registry = try MonitoredRegistry()
    let bench = try Bench("trace", registry: registry.process)
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    let parent = ("traceparent", "00-\(trace)-00f067aa0ba902b7-01")
    expect(try bench.client.send("GET", bench.manifest("absent"), [parent]), 404)
    expect(try bench.client.send("GET", "/v2/", [("traceparent", "00-\(trace)x-00f067aa0ba902b7-01")]), 200)
    #expect(
      try registry.comes {
        registry.process.log.contains("trace.id=\(trace)") && registry.process.log.contains(" trace=\(trace)\n")
      })
    #expect(!registry.process.log.contains("\(trace)x"))
    registry.stop()
  }

  @Test func aTrailThatCannotBeWrittenIsSaidAtTheStart() throws {
    let scratch = try Scratch()
    let outcome = try RegistryProcess.run(
      ["serve"], environment: ["REGISTRY_LOG_AUDIT_FILE": "\(scratch.path)/absent/trail", "REGISTRY_HTTP_ADDR": ":0"],
      scratch: scratch, directory: scratch.path)
    #expect(outcome.code == 1)
    #expect(outcome.output.contains("the audit trail cannot be written (log.audit.file)"), "\(outcome)")
  }
}
