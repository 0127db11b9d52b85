// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Gantry
import GantryConfiguration
import Testing

@testable import GantryLoadTesting

/// The load tool against a registry in this process, directly and through a proxy that breaks it.
@Suite("A broken registry's faults are told for what they are", .serialized)
struct FaultTests {
  private static func registry() throws -> (RegistryHost, UInt16) {
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
    #expect(report.problems == [])
    let tally = report.scenarios[0].targets[0].rounds[0].tally
    #expect(tally.operations == 0)
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
