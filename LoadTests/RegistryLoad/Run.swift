// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import ArgumentParser
import GantryEventLoops
import GantryLoadTesting

/// `registry-load run`.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run scenarios against registries.",
    discussion: """
      Scenarios come from files (docs/LOAD_TESTING.md tells every key), or from the command line as \
      --scenario '{kind: push, size: 64MiB, clients: 4, duration: 10s}'. `registry-load kinds` lists the kinds.

      Data is generated from a seed, so runs repeat. What a scenario pulls is pushed first, unless the target has it; \
      a target given as --static serves files that `registry-load write-static` wrote, and nothing is pushed to it.

      The first target is the one that ratios are about. Ctrl-C ends the run and reports what was measured.
      """)

  @Argument(help: "Files of scenarios.") var files: [String] = []
  @Option(help: "A scenario in one line of YAML; may be repeated.") var scenario: [String] = []
  @Option(help: ArgumentHelp("A registry; may be repeated.", valueName: "[name=]url")) var target: [String] = []
  @Option(name: .customLong("static"), help: ArgumentHelp("A server of static files.", valueName: "[name=]url"))
  var staticTarget: [String] = []
  @Option(help: ArgumentHelp("A local target's process, for its CPU time and memory.", valueName: "[name=]pid"))
  var pid: [String] = []
  @Option(
    help: ArgumentHelp(
      "User and password; without \":password\", REGISTRY_LOAD_PASSWORD has it.", valueName: "[name=]user[:password]"))
  var user: [String] = []
  @Option(help: ArgumentHelp("A token that is sent with each request.", valueName: "[name=]token"))
  var token: [String] = []
  @Option(help: ArgumentHelp("A token service that a target may send us to.", valueName: "url"))
  var tokenService: [String] = []
  @Option(
    help: ArgumentHelp("Certificates that https targets are checked by, instead of the system's.", valueName: "file"))
  var ca: String?
  @Flag(help: "Take any certificate of https targets.") var insecure = false
  @Option(help: "Only scenarios whose names begin so; may be repeated.") var only: [String] = []
  @Option(help: "Rounds of each scenario at each target.") var rounds: Int?
  @Option(help: "What data is made from.") var seed: UInt64?
  @Option(help: "What makes the pushed data of this run unlike another's; random by default.")
  var runNumber: UInt64?
  @Option(help: "Loops, each a thread; one per core by default.") var loops: Int?
  @Option(help: "Seconds that each timed scenario is measured, instead of its own duration.") var seconds: Double?
  @Option(help: ArgumentHelp("Demands that decide the exit status.", valueName: "file")) var thresholds: String?
  @Option(help: ArgumentHelp("Write the report as JSON.", valueName: "file")) var json: String?
  @Option(help: ArgumentHelp("Write the report as one HTML page.", valueName: "file")) var html: String?
  @Option(help: ArgumentHelp("Write the report as Markdown.", valueName: "file")) var markdown: String?
  @Option(help: ArgumentHelp("Write each figure as a line scenario,target,metric,median.", valueName: "file"))
  var csv: String?
  @Option(help: ArgumentHelp("Write plots as SVG to this directory.", valueName: "directory")) var plots: String?
  @Option(help: "The live line: auto (on a terminal), on, off.") var live = LiveChoice.auto

  func run() throws {
    var (scenarios, plan) = try gather()
    if !only.isEmpty { scenarios = scenarios.filter { spec in only.contains { spec.name.hasPrefix($0) } } }
    if let seconds {
      guard (0.1...1e6).contains(seconds) else { throw InputError("--seconds must be from 0.1 to 1000000") }
      for index in scenarios.indices { scenarios[index].duration = UInt64(seconds * 1e9) }
    }
    guard !scenarios.isEmpty else { throw InputError("there is no scenario to run; see registry-load run --help") }
    guard !plan.targets.isEmpty else { throw InputError("there is no target: give --target name=http://host:port") }
    plan.scenarios = scenarios
    var demands = try thresholds.map { path throws(InputError) in try Threshold.read(path: path) } ?? []
    if !only.isEmpty { demands = demands.filter { demand in scenarios.contains { $0.name == demand.scenario } } }
    try check(demands, plan)
    plan.demands = demands
    let liveLine = LiveLinePrinter(live)
    let report = try Conductor.run(plan, loops: loops ?? LoopGroup.processors, stop: StopSign()) { liveLine.show($0) }
    liveLine.clear()
    let verdicts = demands.map { $0.verdict(report) }
    Console.say(TextReport.text(report))
    if !verdicts.isEmpty { Console.say("\n" + TextReport.text(verdicts)) }
    try write(report, verdicts)
    if !report.problems.isEmpty || report.scenarios.isEmpty { throw ExitCode(2) }
    if verdicts.contains(where: { !$0.isMet }) { throw ExitCode(1) }
  }

  private func gather() throws(InputError) -> ([ScenarioSpec], Conductor.Plan) {
    var plan = Conductor.Plan(scenarios: [], targets: [])
    var scenarios: [ScenarioSpec] = []
    for path in files {
      let file = try ScenarioFile(path: path)
      scenarios += file.scenarios
      if let seed = file.seed { plan.seed = seed }
      if let rounds = file.rounds { plan.rounds = max(plan.rounds, rounds) }
      for target in file.targets { Self.put(target, &plan.targets) }
    }
    for (index, text) in scenario.enumerated() {
      let origin = scenario.count > 1 ? "--scenario \(index + 1)" : "--scenario"
      var spec = try ScenarioFile.scenario(text: Array(text.utf8), origin: origin)
      if scenario.count > 1, spec.name == spec.kind.rawValue { spec.name += "-\(index + 1)" }
      scenarios.append(spec)
    }
    var names: Set<String> = []
    // Reports and thresholds would take the first of them for both.
    for spec in scenarios where !names.insert(spec.name).inserted {
      throw InputError("two scenarios are called \"\(spec.name)\", in different files or on the command line")
    }
    for (texts, isStatic) in [(target, false), (staticTarget, true)] {
      for text in texts {
        let (name, url) = Self.named(text, "target-\(plan.targets.count + 1)", isURL: true)
        Self.put(Target(name: name, url: try TargetURL(url), isStatic: isStatic), &plan.targets)
      }
    }
    for text in pid {
      let (name, value) = Self.named(text, plan.targets.first?.name ?? "")
      guard let number = Int(value), let index = plan.targets.firstIndex(where: { $0.name == name }) else {
        throw InputError("--pid \(text): not a number, or no target of that name")
      }
      plan.targets[index].process = number
    }
    try addUsers(&plan)
    try addTokens(&plan)
    for text in tokenService { plan.tokenServices.append(try TargetURL(text)) }
    plan.trust = TrustSettings(certificates: ca, isBlind: insecure)
    if let seed { plan.seed = seed }
    if let rounds {
      guard (1...1000).contains(rounds) else { throw InputError("--rounds must be from 1 to 1000") }
      plan.rounds = rounds
    }
    if let loops, !(1...256).contains(loops) { throw InputError("--loops must be from 1 to 256") }
    plan.run = runNumber ?? Conductor.runNumber()
    return (scenarios, plan)
  }

  private func addUsers(_ plan: inout Conductor.Plan) throws(InputError) {
    for text in user {
      // A `=` behind the colon is the password's.
      let isNamed = text.prefix { $0 != ":" }.contains("=")
      let (name, value) = isNamed ? Self.named(text, "") : ("", text)
      let parts = value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let variable = SystemProcess.environment.first { $0.name == "REGISTRY_LOAD_PASSWORD" }?.value
      guard let password = parts.count > 1 ? String(parts[1]) : variable else {
        throw InputError("--user \(text): no password; add \":password\" or set REGISTRY_LOAD_PASSWORD")
      }
      let credentials = Credentials(user: String(parts[0]), password: password)
      var found = false
      for index in plan.targets.indices where name.isEmpty || plan.targets[index].name == name {
        plan.targets[index].credentials = credentials
        found = true
      }
      guard found else { throw InputError("--user \(name): no target of that name") }
    }
  }

  private func addTokens(_ plan: inout Conductor.Plan) throws(InputError) {
    for text in token {
      // Those at the end are padding.
      let core = text.reversed().drop { $0 == "=" }
      let (name, value) = core.contains("=") ? Self.named(text, "") : ("", text)
      var found = false
      for index in plan.targets.indices where name.isEmpty || plan.targets[index].name == name {
        plan.targets[index].token = value
        found = true
      }
      guard found else { throw InputError("--token \(name): no target of that name") }
    }
  }

  /// Names that thresholds speak of have to be there, before anything is measured for an hour.
  private func check(_ demands: [Threshold], _ plan: Conductor.Plan) throws(InputError) {
    let names = Set(plan.targets.map(\.name))
    for demand in demands {
      for name in [demand.of, demand.against].compactMap(\.self) where !names.contains(name) {
        throw InputError(
          "\(demand.place): there is no target \"\(name)\"; there are \(names.sorted().joined(separator: ", "))")
      }
      if !plan.scenarios.contains(where: { $0.name == demand.scenario }) {
        throw InputError("\(demand.place): there is no scenario \"\(demand.scenario)\"")
      }
    }
    for spec in plan.scenarios {
      for name in spec.beside.compactMap(\.target) where !names.contains(name) {
        throw InputError("\(spec.name): what runs beside it names the target \"\(name)\", which is not there")
      }
    }
  }

  private func write(_ report: RunReport, _ verdicts: [Threshold.Verdict]) throws(InputError) {
    let command = (["registry-load"] + Self.withoutSecrets(CommandLine.arguments.dropFirst())).joined(separator: " ")
    if let json { try TextFile.write(JSONReport.text(report, verdicts), to: json) }
    if let html { try TextFile.write(HTMLReport.text(report, verdicts, command: command), to: html) }
    if let plots {
      for (name, svg) in MarkdownReport.plotFiles(report) { try TextFile.write(svg, to: "\(plots)/\(name).svg") }
    }
    if let markdown { try TextFile.write(MarkdownReport.text(report, verdicts), to: markdown) }
    if let csv { try TextFile.write(JSONReport.lines(report), to: csv) }
  }

  /// The command line as a report may show it to others: without users, passwords and tokens.
  private static func withoutSecrets(_ arguments: ArraySlice<String>) -> [String] {
    let secrets = ["--user", "--token"]
    var shown: [String] = []
    for argument in arguments {
      if let last = shown.last, secrets.contains(last) {
        shown.append("...")
      } else if let option = secrets.first(where: { argument.hasPrefix("\($0)=") }) {
        shown.append("\(option)=...")
      } else {
        shown.append(argument)
      }
    }
    return shown
  }

  private static func put(_ target: Target, _ targets: inout [Target]) {
    if let index = targets.firstIndex(where: { $0.name == target.name }) {
      targets[index] = target
    } else {
      targets.append(target)
    }
  }

  /// `name=value`, or a value alone. The `=` of a URL's query is none of ours.
  private static func named(_ text: String, _ fallback: String, isURL: Bool = false) -> (String, String) {
    guard let equals = text.firstIndex(of: "=") else { return (fallback, text) }
    let name = text[..<equals]
    if isURL, name.contains("/") || name.contains(":") { return (fallback, text) }
    return (String(name), String(text[text.index(after: equals)...]))
  }
}
