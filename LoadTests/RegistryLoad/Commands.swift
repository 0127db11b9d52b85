// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import ArgumentParser
import GantryEventLoops
import GantryLoadTesting

/// `registry-load get URL`.
struct Get: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "GET one URL again and again, as fast as it goes or at a fixed rate.",
    discussion: "Bodies are read and not verified. The rate of this loop against nginx is what the tool is measured by."
  )

  @Argument(help: "The URL.") var url: String
  @Option(name: [.customShort("c"), .long], help: "Connections at once.") var clients = 64
  @Option(name: [.customShort("d"), .long], help: "How long: 10s, 500ms.") var duration = "5s"
  @Option(name: [.customShort("r"), .long], help: "Requests per second of an open loop.") var rate: Double?
  @Option(help: "Loops, each a thread; one per core by default.") var loops: Int?
  @Flag(help: "Print the rate alone, for scripts.") var plain = false

  func run() throws {
    guard let nanoseconds = Quantity.nanoseconds(duration), nanoseconds > 0 else {
      throw InputError("--duration \(duration): not a duration such as 10s or 500ms")
    }
    guard (1...1 << 20).contains(clients) else { throw InputError("--clients must be from 1 to \(1 << 20)") }
    if let rate, !(0.001...1e7).contains(rate) { throw InputError("--rate must be from 0.001 to 10 million") }
    if let loops, !(1...256).contains(loops) { throw InputError("--loops must be from 1 to 256") }
    var target = try TargetURL(url)
    var spec = ScenarioSpec(name: "get", kind: .get)
    spec.path = target.path.hasPrefix("/") ? target.path : "/" + target.path
    target.path = ""
    (spec.clients, spec.rate, spec.duration, spec.verify) = (clients, rate, nanoseconds, false)
    let plan = Conductor.Plan(scenarios: [spec], targets: [Target(name: target.authority, url: target)])
    let liveLine = LiveLinePrinter(.auto)
    let report = try Conductor.run(plan, loops: loops ?? LoopGroup.processors, stop: StopSign()) { liveLine.show($0) }
    liveLine.clear()
    let rounds = report.scenarios.flatMap(\.targets).flatMap(\.rounds)
    Console.say(plain ? rounds.map { "\(Figures.fixed($0.rate, 0))\n" }.joined() : TextReport.text(report))
    // In the text they stand already.
    if plain { for problem in report.problems { Console.complain("registry-load: \(problem)") } }
    if !report.problems.isEmpty { throw ExitCode(2) }
  }
}

/// `registry-load plot`.
struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot", abstract: "Draw durations by size, both by powers of ten, as SVG on standard output.")

  @Argument(help: "Lines of name,size,nanoseconds.") var file: String
  @Option(help: "The title.") var title: String
  @Option(help: "What the sizes are.") var x: String

  func run() throws {
    var series: [Plot.Series] = []
    for (index, line) in try TextFile.read(file).split(separator: "\n").enumerated() {
      let fields = line.split(separator: ",")
      guard fields.count == 3, let size = Double(fields[1]), let time = Double(fields[2]) else {
        throw InputError("\(file):\(index + 1): not name,size,nanoseconds")
      }
      let place = series.firstIndex { $0.name == fields[0] } ?? series.count
      if place == series.count { series.append(Plot.Series(name: String(fields[0]), points: [])) }
      series[place].points.append((size, time))
    }
    Console.say(
      Plot.lines(title: title, x: x, .logarithmic, y: "", .logarithmic, series, text: Figures.time))
  }
}

/// `registry-load kinds`.
struct Kinds: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "List the kinds of scenarios.")

  func run() throws {
    let rows = ScenarioKind.allCases.map { [$0.rawValue, $0.summary] }
    let width = rows.map { $0[0].count }.max() ?? 0
    for row in rows {
      Console.say("  \(row[0])\(String(repeating: " ", count: width - row[0].count))  \(row[1])\n")
    }
  }
}

/// `registry-load write-static`.
struct WriteStatic: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write what scenarios pull as files that any HTTP server can serve under the registry's paths.")

  @Argument(help: "Files of scenarios.") var files: [String]
  @Option(help: "The directory; it gets a folder v2.") var into: String
  @Option(help: "What data is made from, instead of the files' seed.") var seed: UInt64?

  func run() throws { try write(.urls, files, into, seed) }
}

/// `registry-load write-storage`.
struct WriteStorage: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write what scenarios pull as a storage directory in Distribution's layout, without a registry.",
    discussion: "The registry that is to serve the directory is started afterwards. Nothing is synced to the disk.")

  @Argument(help: "Files of scenarios.") var files: [String] = []
  @Option(help: "The root directory of the storage; it gets docker/registry/v2.") var into: String
  @Option(help: "What data is made from, instead of the files' seed.") var seed: UInt64?
  @Option(help: "Also this many small blobs, linked to the repository load/grown.") var blobs = 0
  @Option(help: "Also a repository load/grown with this many tags.") var tags = 0

  func run() throws {
    try write(.distribution, files, into, seed)
    var tree = ContentTree(into, .distribution)
    if blobs > 0 { try tree.write(blobs: blobs, repository: "load/grown", seed: seed ?? 1) }
    if tags > 0 { try tree.write(tags: tags, repository: "load/grown", seed: seed ?? 1) }
  }
}

private func write(_ layout: ContentTree.Layout, _ files: [String], _ into: String, _ seed: UInt64?) throws {
  var tree = ContentTree(into, layout)
  for path in files {
    let file = try ScenarioFile(path: path)
    for spec in file.scenarios { _ = try tree.write(spec, seed: seed ?? file.seed ?? 1) }
  }
}
