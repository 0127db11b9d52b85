// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The report for programs.
public enum JSONReport {
  /// One JSON document: each scenario, target and round with counts, rates, faults, time line and the percentiles of
  /// an HdrHistogram. Latencies are nanoseconds, sizes bytes.
  public static func text(_ report: RunReport, _ verdicts: [Threshold.Verdict]) -> String {
    object([
      ("seed", String(report.seed)), ("rounds", String(report.rounds)), ("stopped", String(report.wasStopped)),
      (
        "targets",
        array(report.targets.map { object([("name", quoted($0.name)), ("url", quoted($0.url.description))]) })
      ),
      ("scenarios", array(report.scenarios.map { scenario($0, first: report.targets.first?.name) })),
      ("thresholds", array(verdicts.map(verdict))),
      ("problems", array(report.problems.map(quoted))),
    ]) + "\n"
  }

  /// Every figure as a line `scenario,target,metric,median`, in the units of the JSON.
  public static func lines(_ report: RunReport) -> String {
    var text = ""
    for scenario in report.scenarios {
      for target in scenario.targets {
        for metric in Metric.allCases {
          guard let spread = scenario.spread(metric, of: target.name) else { continue }
          text += "\(scenario.spec.name),\(target.name),\(metric.rawValue),\(Figures.fixed(spread.median, 3))\n"
        }
      }
    }
    return text
  }

  private static func scenario(_ scenario: ScenarioReport, first: String?) -> String {
    let spec = scenario.spec
    return object([
      ("name", quoted(spec.name)), ("kind", quoted(spec.kind.rawValue)), ("clients", String(spec.clients)),
      ("rate", spec.rate.map(number) ?? "null"), ("verify", String(spec.verify)), ("size", String(spec.size)),
      ("targets", array(scenario.targets.map { target(scenario, $0) })),
      (
        "ratios",
        array(
          scenario.targets.dropFirst().map { other in
            object(
              [("of", quoted(first ?? "")), ("to", quoted(other.name))]
                + Metric.allCases.compactMap { metric in
                  scenario.ratio(metric, of: first ?? "", to: other.name).map { (metric.rawValue, spread($0)) }
                })
          })
      ),
    ])
  }

  private static func target(_ scenario: ScenarioReport, _ target: TargetReport) -> String {
    let total = scenario.total(of: target)
    return object([
      ("name", quoted(target.name)),
      (
        "figures",
        object(
          Metric.allCases.compactMap { metric in
            scenario.spread(metric, of: target.name).map { (metric.rawValue, spread($0)) }
          })
      ),
      ("faults", faults(total)),
      (
        "firstFaults",
        object(FaultKind.allCases.compactMap { k in total.firstFaults[k].map { (k.rawValue, quoted($0)) } })
      ),
      ("held", scenario.spec.asked == nil ? "null" : String(target.rounds.map(\.tally.held).min() ?? 0)),
      ("beside", array(target.beside.map(beside))), ("percentiles", percentiles(total.latency)),
      ("rounds", array(target.rounds.map(round))),
    ])
  }

  private static func beside(_ part: BesideReport) -> String {
    object([
      ("name", quoted(part.name)), ("target", quoted(part.target)), ("seconds", number(part.seconds)),
      ("operations", String(part.tally.operations)), ("received", String(part.tally.received)),
      ("sent", String(part.tally.sent)), ("faults", faults(part.tally)),
    ])
  }

  private static func round(_ round: RoundReport) -> String {
    let tally = round.tally
    return object([
      ("seconds", number(round.seconds)), ("operations", String(tally.operations)),
      ("requests", String(tally.requests)), ("received", String(tally.received)), ("sent", String(tally.sent)),
      ("acknowledged", String(tally.acknowledged)), ("unstarted", String(tally.unstarted)),
      ("connections", String(tally.connections)),
      ("processorSeconds", round.processorSeconds.map(number) ?? "null"),
      ("residentBytes", round.residentBytes.map { String($0) } ?? "null"), ("faults", faults(tally)),
      (
        "latency",
        object([
          ("count", String(tally.latency.count)), ("min", String(tally.latency.minimum)),
          ("mean", number(tally.latency.mean)), ("max", String(tally.latency.maximum)),
          ("p50", String(tally.latency.percentile(50))), ("p90", String(tally.latency.percentile(90))),
          ("p99", String(tally.latency.percentile(99))), ("p99.9", String(tally.latency.percentile(99.9))),
        ])
      ),
      (
        "timeline",
        array(
          tally.timeline.map {
            object([
              ("operations", String($0.operations)), ("bytes", String($0.bytes)), ("faults", String($0.faults)),
            ])
          })
      ),
    ])
  }

  private static func percentiles(_ histogram: LatencyHistogram) -> String {
    array(
      histogram.table().map {
        object([
          ("percent", number($0.percent)), ("nanoseconds", String($0.nanoseconds)), ("total", String($0.total)),
        ])
      })
  }

  private static func faults(_ tally: Tally) -> String {
    object(FaultKind.allCases.map { ($0.rawValue, String(tally.faults[$0] ?? 0)) })
  }

  private static func verdict(_ verdict: Threshold.Verdict) -> String {
    let threshold = verdict.threshold
    return object([
      ("title", quoted(threshold.title)), ("scenario", quoted(threshold.scenario)),
      ("metric", quoted(threshold.metric.rawValue)), ("against", threshold.against.map(quoted) ?? "null"),
      ("value", verdict.value.map(spread) ?? "null"), ("atLeast", threshold.atLeast.map(number) ?? "null"),
      ("atMost", threshold.atMost.map(number) ?? "null"), ("met", String(verdict.isMet)),
      ("spoiled", verdict.spoiled.map(quoted) ?? "null"),
    ])
  }

  private static func spread(_ spread: Spread) -> String {
    object([("median", number(spread.median)), ("low", number(spread.low)), ("high", number(spread.high))])
  }

  private static func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "null" }
  private static func array(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }
  private static func object(_ members: [(String, String)]) -> String {
    "{" + members.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
  }

  /// A JSON string.
  static func quoted(_ text: String) -> String {
    var output = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": output += "\\\""
      case "\\": output += "\\\\"
      case "\n": output += "\\n"
      case let control where control.value < 32:
        output += "\\u00" + Hexadecimal.text([UInt8(control.value)])
      default: output.unicodeScalars.append(scalar)
      }
    }
    return output + "\""
  }
}
