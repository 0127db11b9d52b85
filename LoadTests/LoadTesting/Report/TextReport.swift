// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The report for a terminal.
public enum TextReport {
  /// The table of everything measured, with ratios to the first target, and the faults.
  public static func text(_ report: RunReport) -> String {
    var lines: [String] = []
    for scenario in report.scenarios {
      lines.append("")
      lines.append(title(scenario.spec))
      lines += table(scenario, rounds: report.rounds)
      for target in scenario.targets {
        let total = scenario.total(of: target)
        if let held = heldText(scenario, target) { lines.append("  \(held)") }
        lines += besideTexts(target).map { "  \($0)" }
        for kind in FaultKind.allCases {
          guard let count = total.faults[kind] else { continue }
          lines.append("  \(target.name): \(count) x \(kind.rawValue), first: \(total.firstFaults[kind] ?? "")")
        }
        if total.unstarted > 0 {
          lines.append("  \(target.name): \(total.unstarted) planned operations never began: the rate was not reached")
        }
      }
    }
    for problem in report.problems { lines += ["", "PROBLEM: \(problem)"] }
    return lines.joined(separator: "\n") + "\n"
  }

  /// How much a target held, where that is what was asked of it: the least of its rounds.
  static func heldText(_ scenario: ScenarioReport, _ target: TargetReport) -> String? {
    guard let asked = scenario.spec.asked, let held = target.rounds.map(\.tally.held).min() else { return nil }
    return "\(target.name): \(held) of \(asked) were held to the end"
  }

  /// What ran beside a target's rounds, a line each.
  static func besideTexts(_ target: TargetReport) -> [String] {
    target.beside.map { part in
      "beside \(target.name): \(part.title), \(Figures.short(part.rate))/s, \(Figures.bytes(part.bytesPerSecond))/s"
        + ", \(part.tally.operations) operations, \(part.tally.faultCount) faults"
    }
  }

  /// What a scenario is, in one line.
  public static func title(_ spec: ScenarioSpec) -> String {
    var parts = [spec.kind.rawValue, "\(spec.clients) client\(spec.clients == 1 ? "" : "s")"]
    if let rate = spec.rate { parts.append("open loop at \(Figures.short(rate))/s") }
    switch spec.kind {
    case .blobGet, .push, .pushChunked, .pushResumed: parts.append(Figures.bytes(Double(spec.size)))
    case .imagePull, .herd, .imagePush: parts.append("\(spec.layers) layers of \(Figures.bytes(Double(spec.size)))")
    default: break
    }
    if spec.operations == nil { parts.append(Figures.time(Double(spec.duration))) }
    if !spec.verify { parts.append("not verified") }
    return "\(spec.name): \(parts.joined(separator: ", "))"
  }

  private static func table(_ scenario: ScenarioReport, rounds: Int) -> [String] {
    let metrics: [(String, Metric)] = [
      ("rate", .rate), ("bytes", .bytesPerSecond), ("p50", .p50), ("p90", .p90), ("p99", .p99), ("p99.9", .p999),
      ("max", .max), ("cpu/op", .cpuPerOperation), ("memory", .resident), ("faults", .faults),
    ]
    var rows = [["target"] + metrics.map(\.0)]
    for target in scenario.targets where !target.rounds.isEmpty {
      rows.append(
        [target.name]
          + metrics.map { _, metric in
            scenario.spread(metric, of: target.name).map { metric.text($0.median) } ?? "-"
          })
    }
    guard rows.count > 1 else { return ["  nothing was measured"] }
    if let first = scenario.targets.first?.name {
      for target in scenario.targets.dropFirst() where !target.rounds.isEmpty {
        rows.append(
          ["\(first) / \(target.name)"]
            + metrics.map { _, metric in
              scenario.ratio(metric, of: first, to: target.name).map { spread in
                rounds > 1
                  ? "\(Figures.fixed(spread.median, 2)) [\(Figures.range(spread.low, spread.high))]"
                  : Figures.fixed(spread.median, 2)
              } ?? "-"
            })
      }
    }
    return aligned(rows)
  }

  /// Rows as columns of one width each, the first to the left.
  public static func aligned(_ rows: [[String]]) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      "  "
        + row.enumerated().map { column, cell in
          let padding = String(repeating: " ", count: widths[column] - cell.count)
          return column == 0 ? cell + padding : padding + cell
        }.joined(separator: "  ")
    }
  }

  /// How thresholds came out, a line each.
  public static func text(_ verdicts: [Threshold.Verdict]) -> String {
    var rows = [["", "threshold", "median", "spread", "demand"]]
    for verdict in verdicts {
      let threshold = verdict.threshold
      func figure(_ value: Double) -> String {
        threshold.against == nil ? threshold.metric.text(value) : Figures.fixed(value, 2)
      }
      let bounds =
        [threshold.atLeast.map { "at least \(figure($0))" }, threshold.atMost.map { "at most \(figure($0))" }]
        .compactMap(\.self).joined(separator: ", ")
      rows.append([
        verdict.isMet ? "met" : "MISSED",
        "\(threshold.title), \(threshold.metric.rawValue)\(threshold.against.map { " to \($0)" } ?? "")",
        verdict.value.map { figure($0.median) } ?? "not measured",
        verdict.value.map { "\(figure($0.low)) - \(figure($0.high))" } ?? "",
        bounds + (verdict.spoiled.map { " (does not count: \($0))" } ?? ""),
      ])
    }
    return aligned(rows).joined(separator: "\n") + "\n"
  }
}
