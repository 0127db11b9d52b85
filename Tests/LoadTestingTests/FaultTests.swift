// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Gantry
import GantryConfiguration
import Testing

@testable import GantryLoadTesting

/// The load tool against a registry in this process, directly and through a proxy that breaks it.
@Suite("A broken registry's faults are told for what they are", .serialized)
struct FaultTests {
  static func registry() throws -> (RegistryHost, UInt16) {
    var settings = Settings()
    settings.storage.engine = .inMemory
    settings.http.address = .tcp(host: "127.0.0.1", port: 0)
    settings.log.isAccessLogDisabled = true
    settings.log.level = .error
    settings.http.loops = 1
    let host = try RegistryHost(settings)
    guard case .tcp(_, let port) = host.address else { throw InputError("no port") }
    return (host, port)
  }

  private static func measure(
    _ specs: [ScenarioSpec], at port: UInt16, name: String = "registry", others: [Target] = []
  ) throws -> RunReport {
    let target = Target(name: name, url: try TargetURL("http://127.0.0.1:\(port)"))
    var plan = Conductor.Plan(scenarios: specs, targets: [target] + others)
    plan.run = 7
    return try Conductor.run(plan, loops: 1, stop: StopSign()) { _ in }
  }

  private static func short(_ kind: ScenarioKind) -> ScenarioSpec {
    var spec = ScenarioSpec(name: kind.rawValue, kind: kind)
    (spec.clients, spec.duration, spec.warmup, spec.timeout) = (2, 150_000_000, 0, 50_000_000)
    (spec.size, spec.layers) = (4096, 2)
    return spec
  }

  @Test(
    "One fault, one kind",
    arguments: [
      (BrokenRegistry.Fault.corruptsLastByte, FaultKind.digest, "have the digest sha256:"),
      (.cutsBeforeAnswer, .reset, "the connection was cut before an answer"),
      (.cutsWithinHead, .truncated, "within the head of the answer"),
      (.cutsWithinBody, .truncated, "ended after 4086 bytes of 4096"),
      (.isSilent, .timeout, "nothing moved for 50 ms"),
      (.answers500, .status, "status 500: ouch"),
      (.talksNonsense, .protocol, "does not begin with HTTP/1.x"),
    ])
  func oneFault(_ fault: BrokenRegistry.Fault, _ kind: FaultKind, _ words: String) throws {
    let (host, port) = try Self.registry()
    defer { host.stop() }
    let spec = Self.short(.blobGet)
    _ = try Self.measure([spec], at: port)
    let proxy = try BrokenRegistry(before: port, fault)
    defer { proxy.stop() }
    let report = try Self.measure([spec], at: proxy.port)
    let tally = report.scenarios[0].targets[0].rounds[0].tally
    #expect(tally.operations == 0)
    let first = tally.firstFaults[kind] ?? ""
    #expect(report.problems == ["blob-get at registry: \(tally.faultCount) x \(kind.rawValue), first: \(first)"])
    #expect(tally.faults.keys.sorted { $0.rawValue < $1.rawValue } == [kind])
    #expect(tally.firstFaults[kind]?.contains(words) == true, "\(tally.firstFaults)")
    #expect(tally.firstFaults[kind]?.contains("GET http://127.0.0.1:\(proxy.port)/v2/load/test/blobs/sha256:") == true)
  }

  @Test("Without verification a changed byte goes unnoticed: what notices it is the digest")
  func unverified() throws {
    let (host, port) = try Self.registry()
    defer { host.stop() }
    var spec = Self.short(.blobGet)
    _ = try Self.measure([spec], at: port)
    spec.verify = false
    let proxy = try BrokenRegistry(before: port, .corruptsLastByte)
    defer { proxy.stop() }
    let tally = try Self.measure([spec], at: proxy.port).scenarios[0].targets[0].rounds[0].tally
    #expect(tally.faultCount == 0)
    #expect(tally.operations > 0)
  }

  @Test(
    "A list that lacks a name, or the way to its next page, is a fault",
    arguments: [
      (BrokenRegistry.Fault.losesName, 0, "name 6 is \"tag-0000006\", not \"tag-0000005\""),
      (.losesName, 4, "of a page of 4 is \"tag-0000006\", not \"tag-0000005\""),
      (.losesLink, 4, "the page ends before the list does, and the answer has no Link to the next"),
    ])
  func lists(_ fault: BrokenRegistry.Fault, _ page: Int, _ words: String) throws {
    let (host, port) = try Self.registry()
    defer { host.stop() }
    var spec = Self.short(.tagList)
    (spec.tags, spec.page, spec.timeout) = (12, page, 20_000_000_000)
    let right = try Self.measure([spec], at: port)
    #expect(right.problems == [])
    let proxy = try BrokenRegistry(before: port, fault)
    defer { proxy.stop() }
    let tally = try Self.measure([spec], at: proxy.port).scenarios[0].targets[0].rounds[0].tally
    #expect(tally.faults.keys.map(\.self) == [.protocol])
    #expect(tally.firstFaults[.protocol]?.contains(words) == true, "\(tally.firstFaults)")
    // Pages that begin elsewhere are right.
    #expect((tally.operations > 0) == (page > 0))
    spec.verify = false
    #expect(try Self.measure([spec], at: proxy.port).problems == [])
  }

  @Test("A list's names are read as they stand")
  func names() {
    func names(_ text: String) -> [String]? {
      NameList.names(Array(text.utf8), "tags")?.map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(names("{\"name\":\"a/b\",\"tags\":[\"x\", \"y\"]}\n") == ["x", "y"])
    #expect(names(" { \"tags\" : [ ] , \"n\": 5 } ") == [])
    #expect(names("{\"tags\":null}") == [])
    #expect(names("{\"tags\":[\"a\\\"b\"]}") == ["a\\\"b"])
    let broken = ["", "{", "[]", "{\"tags\":[\"x\"", "{\"tags\":[\"x\"]", "{\"tags\":[x]}", "{\"t\":[]}"]
    for text in broken + ["{\"tags\":[\"x\"]}}"] { #expect(names(text) == nil, "\(text)") }
  }

  @Test("What a registry may do with lists is no fault, and only that")
  func listTruth() {
    let tags = ListTruth(key: "tags", prefix: "t-", count: 4, isCatalog: false)
    let catalog = ListTruth(key: "tags", prefix: "t-", count: 4, isCatalog: true)
    func body(_ numbers: [Int], and other: [String] = []) -> [UInt8] {
      let names = other + numbers.map { "t-\(Padded.text($0))" }
      return Array("{\"tags\":[\(names.map { "\"\($0)\"" }.joined(separator: ","))]}".utf8)
    }
    let link = "</v2/_catalog?n=2>; rel=\"next\""
    // docker-registry 2.8: the whole list for a page, in any order, and no Link. A catalog may not be so.
    #expect(tags.fault(body([2, 0, 3, 1]), after: 0, page: 2, link: nil) == nil)
    #expect(catalog.fault(body([0, 1, 2, 3]), after: 0, page: 2, link: nil) != nil)
    #expect(tags.fault(body([2, 0, 3, 0]), after: 0, page: 2, link: nil) != nil)
    // Names of others are theirs.
    #expect(tags.fault(body([0, 1, 2, 3], and: ["latest"]), after: nil, page: 0, link: nil) == nil)
    #expect(tags.fault(body([0, 1, 2]), after: nil, page: 0, link: link) != nil)
    #expect(tags.fault(body([0, 1, 2, 3, 4]), after: nil, page: 0, link: nil) != nil)
    #expect(tags.fault(body([]), after: nil, page: 0, link: nil) != nil)
    // A catalog that nobody asked pages of may come in pages, with a way on.
    #expect(catalog.fault(body([0, 1]), after: nil, page: 0, link: link) == nil)
    #expect(catalog.fault(body([0, 1]), after: nil, page: 0, link: nil) != nil)
    #expect(catalog.fault(body([1, 2]), after: nil, page: 0, link: link) != nil)
    #expect(catalog.fault(body([1, 2]), after: 0, page: 2, link: link) == nil)
    #expect(catalog.fault(body([1, 2]), after: 0, page: 2, link: nil) != nil)
    #expect(catalog.fault(body([2, 3]), after: 1, page: 2, link: nil) == nil)
    #expect(catalog.fault(body([3]), after: 1, page: 2, link: nil) != nil)
    #expect(catalog.fault(body([2, 1]), after: 0, page: 2, link: link) != nil)
  }

  @Test("A healthy registry has no faults, whatever is done to it", arguments: ScenarioKind.allCases)
  func healthy(_ kind: ScenarioKind) throws {
    let (host, port) = try Self.registry()
    defer { host.stop() }
    var spec = Self.short(kind)
    spec.timeout = 20_000_000_000
    (spec.chunk, spec.path, spec.tags, spec.count) = (1024, "/v2/", 12, 2)
    if kind == .catalog { (spec.repositories, spec.page) = (6, 3) }
    if kind.holds { spec.duration = 1 }
    if kind == .mixed { spec.mix = [(3, Self.short(.manifestGet)), (1, Self.short(.push))] }
    let report = try Self.measure([spec], at: port)
    #expect(report.problems == [])
    let tally = report.scenarios[0].targets[0].rounds[0].tally
    #expect(tally.faults == [:], "\(tally.firstFaults)")
    #expect(tally.operations > 0)
    #expect(tally.latency.count > 0)
  }

  @Test("A target that is not there is a problem with its name, and the other target is measured all the same")
  func unreachable() throws {
    let (host, port) = try Self.registry()
    defer { host.stop() }
    let gone = try BrokenRegistry(before: port, .none)
    let other = Target(name: "gone", url: try TargetURL("http://127.0.0.1:\(gone.port)"))
    gone.stop()
    let report = try Self.measure([Self.short(.manifestGet)], at: port, others: [other])
    #expect(report.problems.count == 1)
    #expect(report.problems[0].hasPrefix("manifest-get at gone: connect: "), "\(report.problems)")
    #expect(report.scenarios[0].targets[0].rounds[0].tally.operations > 0)
    #expect(report.scenarios[0].targets[1].rounds.isEmpty)
  }

  @Test("An open loop counts latency from the intended start, and tells of what never began")
  func openLoop() throws {
    let (host, port) = try Self.registry()
    defer { host.stop() }
    var spec = Self.short(.manifestGet)
    _ = try Self.measure([spec], at: port)
    let proxy = try BrokenRegistry(before: port, .isSlow)
    defer { proxy.stop() }
    (spec.clients, spec.rate, spec.duration, spec.timeout) = (1, 100, 600_000_000, 20_000_000_000)
    let tally = try Self.measure([spec], at: proxy.port).scenarios[0].targets[0].rounds[0].tally
    // One answer takes 50 ms, so some 12 of 60 begin, each later than the one before: the last by most of the time.
    #expect(tally.faults == [:], "\(tally.firstFaults)")
    #expect(tally.latency.maximum > 300_000_000)
    #expect(tally.latency.minimum >= 50_000_000)
    #expect(tally.unstarted > 20)
  }

  @Test("What is counted is measured from its first operation, and at a rate it plans no more than it counts")
  func counted() throws {
    let (host, port) = try Self.registry()
    defer { host.stop() }
    var spec = Self.short(.manifestGet)
    (spec.operations, spec.warmup, spec.timeout) = (3, 3_600_000_000_000, 20_000_000_000)
    for rate in [nil, 100] as [Double?] {
      spec.rate = rate
      let report = try Self.measure([spec], at: port)
      let tally = report.scenarios[0].targets[0].rounds[0].tally
      #expect(report.problems == [])
      #expect(tally.operations == 6 && tally.latency.count == 6 && tally.unstarted == 0, "\(tally)")
    }
  }

  @Test("What runs beside is counted where it ran, and its faults are a problem of the figure that it stands beside")
  func beside() throws {
    let (host, port) = try Self.registry()
    defer { host.stop() }
    let pulls = Self.short(.blobGet)
    var spec = Self.short(.manifestHead)
    var pushes = Self.short(.push)
    // Has everything there, which the proxy would not let pass.
    spec.beside = [("registry", pulls)]
    _ = try Self.measure([spec], at: port)
    let proxy = try BrokenRegistry(before: port, .corruptsLastByte)
    defer { proxy.stop() }
    let broken = Target(name: "broken", url: try TargetURL("http://127.0.0.1:\(proxy.port)"))
    (spec.timeout, pushes.timeout) = (20_000_000_000, 20_000_000_000)
    spec.beside = [("registry", pushes), ("broken", pulls)]
    let report = try Self.measure([spec], at: port, others: [broken])
    for target in report.scenarios[0].targets {
      try #require(target.beside.map(\.title) == ["push at registry", "blob-get at broken"])
      let (pushed, pulled) = (target.beside[0], target.beside[1])
      #expect(pushed.tally.operations > 0 && pushed.tally.faults == [:] && pushed.bytesPerSecond > 0)
      #expect(pulled.tally.operations == 0 && pulled.tally.faults.keys.map(\.self) == [.digest])
      let wanted = "manifest-head at \(target.name): blob-get at broken beside it: \(pulled.tally.faultCount) x digest"
      #expect(report.problems.contains { $0.hasPrefix(wanted) }, "\(report.problems)")
      let line = "beside \(target.name): push at registry, "
      #expect(TextReport.text(report).contains(line) && MarkdownReport.text(report, []).contains(line))
      #expect(HTMLReport.text(report, [], command: "x").contains(line))
    }
    #expect(report.problems.count == 2, "\(report.problems)")
    #expect(JSONReport.text(report, []).contains("\"beside\":[{\"name\":\"push\",\"target\":\"registry\","))
  }

  @Test("Connections and uploads are counted when they were held, not when they were made")
  func held() throws {
    let (host, port) = try Self.registry()
    defer { host.stop() }
    for kind in [ScenarioKind.idleConnections, .openUploads] {
      var spec = Self.short(kind)
      (spec.operations, spec.duration, spec.count, spec.timeout) = (1, 1, 5, 20_000_000_000)
      if kind == .idleConnections { spec.clients = 5 }
      let report = try Self.measure([spec], at: port)
      #expect(report.problems == [])
      #expect(report.scenarios[0].targets[0].rounds[0].tally.held == 5)
    }
    // Answers each request and then closes without a word: nothing of it is held.
    let server = try CannedServer(hangsUp: true) { _ in CannedServer.Answer() }
    defer { server.stop() }
    var spec = Self.short(.idleConnections)
    (spec.operations, spec.duration) = (1, 50_000_000)
    let report = try Self.measure([spec], at: server.port)
    #expect(report.problems == ["idle-connections at registry: round 1: 0 of 2 were held to the end"])
  }

  @Test("Two targets take turns, and are compared round by round")
  func comparison() throws {
    let (host, port) = try Self.registry()
    defer { host.stop() }
    let target = Target(name: "a", url: try TargetURL("http://127.0.0.1:\(port)"))
    let other = Target(name: "b", url: try TargetURL("http://127.0.0.1:\(port)"))
    var plan = Conductor.Plan(scenarios: [Self.short(.manifestGet)], targets: [target, other])
    plan.rounds = 2
    let report = try Conductor.run(plan, loops: 2, stop: StopSign()) { _ in }
    let scenario = report.scenarios[0]
    #expect(scenario.targets.map(\.rounds.count) == [2, 2])
    let ratio = try #require(scenario.ratio(.rate, of: "a", to: "b"))
    #expect(ratio.low <= ratio.median && ratio.median <= ratio.high)
    #expect(TextReport.text(report).contains("a / b"))
    let page = HTMLReport.text(report, [], command: "x")
    #expect(page.contains("<svg") && !page.contains("src=") && !page.contains("href="))
  }
}
