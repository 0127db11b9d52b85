// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryYAML

/// A demand on a figure: of one target alone, or as a ratio to another's in the same run.
public struct Threshold: Sendable {
  /// The row's title in reports.
  public var title: String
  /// The scenario.
  public var scenario: String
  /// The figure.
  public var metric: Metric
  /// The target that is judged; nil for the first.
  public var of: String?
  /// The target that it is compared with; nil for the figure itself.
  public var against: String?
  /// What the median has to reach.
  public var atLeast: Double?
  /// What the median may reach.
  public var atMost: Double?
  /// What would be better still.
  public var hope: Double?
  /// What a reader should know about the row.
  public var note: String?
  /// Where it stands in its file.
  public var place: String

  /// How a threshold came out.
  public struct Verdict: Sendable {
    /// The threshold.
    public var threshold: Threshold
    /// The figure or ratio; nil where it was not measured.
    public var value: Spread?
    /// The judged target's figure.
    public var own: Spread?
    /// The other target's figure.
    public var other: Spread?

    /// What spoils the figure: faults of the judged targets and of what ran beside them, or less held than was asked.
    public var spoiled: String?

    /// Whether it is met. What was not measured is not, nor is a figure that is spoiled.
    public var isMet: Bool {
      guard let value, spoiled == nil else { return false }
      // A round without a failure makes up for none that has some.
      let most = threshold.metric.countsFailures ? value.high : value.median
      return value.median >= threshold.atLeast ?? -.infinity && most <= threshold.atMost ?? .infinity
    }
  }

  /// Reads a file of thresholds; throws the first mistake with its place.
  public static func read(path: String) throws(InputError) -> [Threshold] {
    try read(text: try ScenarioFile.read(path), origin: path)
  }

  /// Reads the text of a file that is called `origin` in messages.
  public static func read(text: [UInt8], origin: String) throws(InputError) -> [Threshold] {
    var reader = try ScenarioFile.root(text, origin)
    var thresholds: [Threshold] = []
    for node in try reader.list("thresholds") { thresholds.append(try Threshold(node)) }
    try reader.end()
    guard !thresholds.isEmpty else { throw reader.node.wrong("there are no thresholds") }
    return thresholds
  }

  private init(_ node: YAMLNode) throws(InputError) {
    var reader = try MappingReader(node, "a threshold")
    guard let scenario = try reader.text("scenario") else { throw node.wrong("a threshold has no scenario") }
    guard let metric = try reader.choice("metric", Metric.self) else { throw node.wrong("a threshold has no metric") }
    (self.scenario, self.metric) = (scenario, metric)
    title = try reader.text("title") ?? scenario
    of = try reader.text("of")
    against = try reader.text("against")
    atLeast = try Self.value("at-least", &reader, metric, against)
    atMost = try Self.value("at-most", &reader, metric, against)
    hope = try Self.value("hope", &reader, metric, against)
    note = try reader.text("note")
    place = "\(node.origin):\(node.mark)"
    try reader.end()
    guard atLeast != nil || atMost != nil else { throw node.wrong("a threshold needs at-least or at-most") }
  }

  /// A ratio is a plain number; a figure of its own may carry the unit of its metric.
  private static func value(_ key: String, _ reader: inout MappingReader, _ metric: Metric, _ against: String?)
    throws(InputError) -> Double?
  {
    guard let node = reader.node(key) else { return nil }
    if against == nil, let text = node.scalar?.text {
      switch metric {
      case .resident, .bytesPerSecond: if let bytes = Quantity.bytes(text) { return Double(bytes) }
      case .p50, .p90, .p99, .p999, .max, .cpuPerOperation:
        if let time = Quantity.nanoseconds(text) { return Double(time) }
      default: break
      }
    }
    return try reader.number(key)
  }

  /// Judges a report.
  public func verdict(_ report: RunReport) -> Verdict {
    let first = of ?? report.targets.first?.name ?? ""
    guard let scenario = report.scenarios.first(where: { $0.spec.name == scenario }) else {
      return Verdict(threshold: self)
    }
    let own = scenario.spread(metric, of: first)
    let spoiled = spoiled(scenario, [first] + [against].compactMap(\.self))
    guard let against else { return Verdict(threshold: self, value: own, own: own, spoiled: spoiled) }
    return Verdict(
      threshold: self, value: scenario.ratio(metric, of: first, to: against), own: own,
      other: scenario.spread(metric, of: against), spoiled: spoiled)
  }

  /// A registry that refuses work is quick and small, so no figure of a scenario counts beside its failures.
  private func spoiled(_ scenario: ScenarioReport, _ names: [String]) -> String? {
    guard !metric.countsFailures else { return nil }
    for target in scenario.targets where names.contains(target.name) {
      let faults = scenario.total(of: target).faultCount
      if faults > 0 { return "\(faults) faults of \(target.name)" }
      for part in target.beside where part.tally.faultCount > 0 {
        return "\(part.tally.faultCount) faults of \(part.title) beside \(target.name)"
      }
      guard let asked = scenario.spec.asked, let held = target.rounds.map(\.tally.held).min() else { continue }
      if held < asked { return "\(target.name) held \(held) of \(asked)" }
    }
    return nil
  }
}
