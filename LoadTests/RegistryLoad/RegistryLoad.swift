// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import ArgumentParser
import GantryEventLoops
import GantryLoadTesting

/// `registry-load`.
@main
struct RegistryLoad: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "registry-load", abstract: "Load tests for container registries.", subcommands: [Get.self])
}

/// `registry-load get URL`.
struct Get: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "GET one URL again and again, as fast as it goes.")

  @Argument(help: "The URL.") var url: String
  @Option(name: [.short, .long], help: "Connections at once.") var clients = 64
  @Option(name: [.short, .long], help: "Seconds.") var duration = 5.0
  @Option(help: "Requests per second of an open loop.") var rate: Double?

  func run() throws {
    SystemProcess.prepareToServe()
    var target = try TargetURL(url)
    var spec = ScenarioSpec(name: "get", kind: .get)
    (spec.path, target.path) = (target.path, "")
    (spec.clients, spec.rate, spec.duration) = (clients, rate, UInt64(duration * 1e9))
    let plan = Conductor.Plan(scenarios: [spec], targets: [Target(name: "target", url: target)])
    let report = try Conductor.run(plan, loops: LoopGroup.processors, stop: StopSign()) { _ in }
    for round in report.scenarios.flatMap(\.targets).flatMap(\.rounds) {
      print(round.rate, round.bytesPerSecond, round.tally.latency.percentile(50), round.tally.latency.percentile(99))
      print(round.tally.faults, round.tally.firstFaults, report.problems)
    }
  }
}
