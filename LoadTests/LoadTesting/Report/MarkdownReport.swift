// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The report for a document: the thresholds as a table, the figures as another.
public enum MarkdownReport {
  /// A fragment without a title.
  public static func text(_ report: RunReport, _ verdicts: [Threshold.Verdict]) -> String {
    var lines: [String] = []
    if !verdicts.isEmpty {
      lines.append("| scenario | figure | ours | other | ratio (spread) | demand | hope | |")
      lines.append("|---|---|---|---|---|---|---|---|")
      for verdict in verdicts { lines.append(row(verdict, report)) }
      lines.append("")
      for note in verdicts.compactMap({ verdict in verdict.threshold.note.map { "\(verdict.threshold.title): \($0)" } })
      {
        lines.append("- \(note)")
      }
      lines.append("")
    }
    lines.append("| scenario | target | rate | bytes/s | p50 | p99 | CPU per operation | memory | faults |")
    lines.append("|---|---|---|---|---|---|---|---|---|")
    let metrics: [Metric] = [.rate, .bytesPerSecond, .p50, .p99, .cpuPerOperation, .resident, .faults]
    for scenario in report.scenarios {
      for target in scenario.targets where !target.rounds.isEmpty {
        let cells = metrics.map { metric in
          scenario.spread(metric, of: target.name).map { metric.text($0.median) } ?? ""
        }
        lines.append("| \(scenario.spec.name) | \(target.name) | \(cells.joined(separator: " | ")) |")
      }
    }
    lines.append("")
    for scenario in report.scenarios {
      for target in scenario.targets {
        let words = [TextReport.heldText(scenario, target)].compactMap(\.self) + TextReport.besideTexts(target)
        lines += words.map { "- \(scenario.spec.name), \($0)" }
      }
    }
    for problem in report.problems { lines += ["- **Problem: \(problem)**"] }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The plots of a run: side-by-side bars and latencies of each scenario.
  public static func plotFiles(_ report: RunReport) -> [(name: String, svg: String)] {
    report.scenarios.flatMap { scenario in
      [
        ("\(scenario.spec.name)-bars", ScenarioPlots.bars(scenario)),
        ("\(scenario.spec.name)-latency", ScenarioPlots.latency(scenario)),
      ]
    }.filter { !$0.1.isEmpty }
  }

  private static func row(_ verdict: Threshold.Verdict, _ report: RunReport) -> String {
    let threshold = verdict.threshold
    func figure(_ value: Double) -> String {
      threshold.against == nil ? threshold.metric.text(value) : Figures.fixed(value, 2)
    }
    let demand = threshold.atLeast.map { "at least \(figure($0))" } ?? threshold.atMost.map { "at most \(figure($0))" }
    let own = verdict.own.map { threshold.metric.text($0.median) } ?? ""
    var other = ""
    if let name = threshold.against {
      other = "\(name) " + (verdict.other.map { threshold.metric.text($0.median) } ?? "not measured")
    }
    var ratio = "not measured"
    if let value = verdict.value {
      let spread = "\(Figures.fixed(value.low, 2))-\(Figures.fixed(value.high, 2))"
      ratio = threshold.against == nil ? "" : "**\(Figures.fixed(value.median, 2))** (\(spread))"
    }
    let cells: [String] = [
      threshold.title, threshold.metric.rawValue, own, other, ratio, demand ?? "", threshold.hope.map(figure) ?? "",
      verdict.isMet ? "met" : "**missed**\(verdict.spoiled.map { ": \($0)" } ?? "")",
    ]
    return "| \(cells.joined(separator: " | ")) |"
  }
}
