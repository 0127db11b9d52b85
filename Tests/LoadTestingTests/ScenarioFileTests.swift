// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryEventLoops
import GantryWorld
import Testing

@testable import GantryLoadTesting

@Suite("Files of scenarios and thresholds")
struct ScenarioFileTests {
  @Test(
    "A mistake is named with its place",
    arguments: [
      ("", "f.yml:1:1: the file is empty"),
      ("scenarios: []", "f.yml:1:1: there are no scenarios"),
      ("scenarios:\n  - {name: a}", "f.yml:2:5: a scenario has no kind"),
      ("scenarios:\n  - {kind: pul}", "f.yml:2:12: kind must be one of manifest-get, "),
      ("scenarios:\n  - kind: push\n    clents: 3", "f.yml:3:5: unknown key \"clents\"; known are "),
      ("scenarios:\n  - {kind: push, size: 3 apples}", "size must be a size such as"),
      ("scenarios:\n  - {kind: push, duration: 5}", "duration must be a duration such as"),
      ("scenarios:\n  - {kind: push, clients: 0}", "clients must be a whole number from 1"),
      ("scenarios:\n  - {kind: push, rate: -1}", "rate must be from 0.001"),
      ("scenarios:\n  - {kind: push, rate: 1e-12}", "rate must be from 0.001"),
      ("scenarios:\n  - {kind: mixed}", "a mixed scenario needs a mix"),
      ("scenarios:\n  - {kind: push, verify: maybe}", "verify must be true or false"),
      ("scenarios:\n  - {kind: push}\n  - {kind: push}", "two scenarios are called \"push\""),
      (
        "scenarios:\n  - {kind: push, operations: 2, warmup: 1s}",
        "f.yml:2:41: what has operations is measured from the first of them"
      ),
      ("scenarios: [", "f.yml:"),
      ("targets: {a: {url: 'x'}}\nscenarios: [{kind: push}]", "f.yml:1:14: \"x\" is not the URL of a registry"),
    ])
  func mistakes(_ text: String, _ words: String) {
    do throws(InputError) {
      _ = try ScenarioFile(text: Array(text.utf8), origin: "f.yml")
      Issue.record("was taken: \(text)")
    } catch {
      #expect(error.description.contains(words), "\(error)")
    }
  }

  @Test(
    "A threshold's mistake is named with its place",
    arguments: [
      ("thresholds: [{scenario: a, metric: speed, at-least: 1}]", "f.yml:1:36: metric must be one of rate, "),
      ("thresholds: [{scenario: a, metric: rate}]", "f.yml:1:14: a threshold needs at-least or at-most"),
      ("thresholds: [{metric: rate, at-least: 1}]", "a threshold has no scenario"),
      ("thresholds: [{scenario: a, metric: rate, at-least: many}]", "at-least must be a number"),
    ])
  func thresholdMistakes(_ text: String, _ words: String) {
    do throws(InputError) {
      _ = try Threshold.read(text: Array(text.utf8), origin: "f.yml")
      Issue.record("was taken: \(text)")
    } catch {
      #expect(error.description.contains(words), "\(error)")
    }
  }

  @Test("Values are read with their units")
  func values() throws {
    let text = """
      seed: 5
      targets: {a: {url: http://x:1, static: true, pid: 7}}
      scenarios:
        - {name: n, kind: push-resumed, size: 3MiB, chunk: 64KiB, duration: 1500ms, rate: 2.5, verify: no, cuts: 2}
        - kind: manifest-get
          beside: [{kind: push, target: a, size: 1kB}]
      """
    let file = try ScenarioFile(text: Array(text.utf8), origin: "f.yml")
    let spec = file.scenarios[0]
    #expect(file.seed == 5 && file.targets[0].isStatic && file.targets[0].process == 7)
    #expect(spec.size == 3 << 20 && spec.chunk == 64 << 10 && spec.duration == 1_500_000_000 && spec.rate == 2.5)
    #expect(!spec.verify && spec.cuts == 2)
    #expect(file.scenarios[1].beside[0].target == "a" && file.scenarios[1].beside[0].spec.size == 1000)
  }

  @Test("A threshold is judged by the median, and what was not measured is not met")
  func verdicts() throws {
    var report = RunReport(
      seed: 1, rounds: 3,
      targets: [
        Target(name: "a", url: try TargetURL("http://a")), Target(name: "b", url: try TargetURL("http://b")),
      ])
    var scenario = ScenarioReport(spec: ScenarioSpec(name: "s", kind: .push), targets: ["a", "b"])
    for (index, rates) in [[100, 50], [90, 100], [300, 100]].enumerated() {
      for target in 0...1 {
        var round = RoundReport()
        round.seconds = 1
        round.tally.operations = UInt64(rates[target])
        scenario.targets[target].rounds.append(round)
        #expect(scenario.targets[target].rounds[index].rate == Double(rates[target]))
      }
    }
    report.scenarios = [scenario]
    func isMet(_ text: String) throws -> Bool {
      let thresholds = try Threshold.read(text: Array("thresholds: [{\(text)}]".utf8), origin: "f.yml")
      return thresholds[0].verdict(report).isMet
    }
    #expect(try isMet("scenario: s, metric: rate, of: a, against: b, at-least: 2"))
    #expect(try !isMet("scenario: s, metric: rate, of: a, against: b, at-least: 2.1"))
    #expect(try isMet("scenario: s, metric: rate, of: a, against: b, at-most: 2"))
    #expect(try isMet("scenario: s, metric: rate, at-least: 100"))
    #expect(try !isMet("scenario: s, metric: resident, at-most: 1GiB"))
    #expect(try !isMet("scenario: other, metric: rate, at-least: 0"))
  }

  @Test("A figure that stands beside failures does not count, whoever of the two had them")
  func spoiled() throws {
    var report = RunReport(
      seed: 1, rounds: 1,
      targets: [
        Target(name: "a", url: try TargetURL("http://a")), Target(name: "b", url: try TargetURL("http://b")),
      ])
    var scenario = ScenarioReport(spec: ScenarioSpec(name: "s", kind: .push), targets: ["a", "b"])
    for target in 0...1 {
      var round = RoundReport()
      (round.seconds, round.tally.operations) = (1, 100)
      scenario.targets[target].rounds = [round, round, round]
    }
    func isMet(_ text: String) throws -> Bool {
      report.scenarios = [scenario]
      let thresholds = try Threshold.read(text: Array("thresholds: [{scenario: s, \(text)}]".utf8), origin: "f.yml")
      return thresholds[0].verdict(report).isMet
    }
    let rows = ["metric: rate, of: a, at-least: 1", "metric: rate, of: a, against: b, at-least: 1"]
    for row in rows { #expect(try isMet(row), "\(row)") }
    scenario.targets[1].rounds[1].tally.faults = [.status: 2]
    #expect(try isMet(rows[0]) && !isMet(rows[1]))
    scenario.targets[1].rounds[1].tally.faults = [:]
    scenario.targets[0].rounds[1].tally.faults = [.status: 2]
    for row in rows { #expect(try !isMet(row), "\(row)") }
    // The worst round, not the middle one.
    #expect(try isMet("metric: faults, of: a, at-most: 2") && !isMet("metric: faults, of: a, at-most: 1"))
    scenario.targets[0].rounds[1].tally.faults = [:]
    var part = BesideReport(name: "push", target: "b")
    scenario.targets[0].rounds[1].beside = [part]
    report.scenarios = [scenario]
    #expect(report.findings([], unbegun: []) == ["s at a: round 2: push at b beside it moved nothing"])
    part.tally.faults = [.reset: 1]
    for index in 0...2 { scenario.targets[0].rounds[index].beside = [part] }
    for row in rows { #expect(try !isMet(row), "\(row)") }
  }

  @Test("Memory counts only where as much was held as was asked")
  func spoiledMemory() throws {
    var report = RunReport(seed: 1, rounds: 1, targets: [Target(name: "a", url: try TargetURL("http://a"))])
    var spec = ScenarioSpec(name: "s", kind: .idleConnections)
    spec.clients = 10
    var round = RoundReport()
    (round.seconds, round.residentBytes, round.tally.operations) = (1, 5, 10)
    let demand = "thresholds: [{scenario: s, metric: resident, at-most: 10}]"
    let thresholds = try Threshold.read(text: Array(demand.utf8), origin: "f.yml")
    for held in [9, 10] as [UInt64] {
      round.tally.held = held
      report.scenarios = [ScenarioReport(spec: spec, targets: ["a"])]
      report.scenarios[0].targets[0].rounds = [round]
      let verdict = thresholds[0].verdict(report)
      #expect(verdict.isMet == (held == 10))
      #expect(TextReport.text([verdict]).contains("a held 9 of 10") == (held == 9))
      #expect(report.findings([], unbegun: []).count == (held == 10 ? 0 : 1))
    }
  }

  @Test("The files of LoadTests are right")
  func shipped() throws {
    let top = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/LoadTests"
    let files = LoopGroup.files
    let scenarios = try #require(try files.entries("\(top)/scenarios"))
    #expect(scenarios.count >= 6)
    var names: Set<String> = []
    for entry in scenarios {
      names.formUnion(try ScenarioFile(path: "\(top)/scenarios/\(entry.name)").scenarios.map(\.name))
    }
    let thresholds = try #require(try files.entries("\(top)/thresholds"))
    #expect(thresholds.count >= 5)
    for entry in thresholds {
      for threshold in try Threshold.read(path: "\(top)/thresholds/\(entry.name)") {
        #expect(names.contains(threshold.scenario), "\(threshold.place): no scenario \(threshold.scenario)")
      }
    }
  }
}
