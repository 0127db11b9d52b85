// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The report for people who look: one file with tables and plots, without anything from elsewhere.
public enum HTMLReport {
  /// The page.
  public static func text(_ report: RunReport, _ verdicts: [Threshold.Verdict], command: String) -> String {
    let targets = report.targets.map { "<b>\(e($0.name))</b> \(e($0.url.description))" }
    var body =
      "<h1>Load test</h1><p>\(targets.joined(separator: " &middot; "))"
    body += "<br>\(report.rounds) round(s), seed \(report.seed). <code>\(e(command))</code></p>"
    for problem in report.problems { body += "<p class='bad'>Problem: \(e(problem))</p>" }
    if !verdicts.isEmpty { body += "<h2>Thresholds</h2><pre>\(e(TextReport.text(verdicts)))</pre>" }
    for scenario in report.scenarios {
      body += "<h2>\(e(scenario.spec.name))</h2><p>\(e(TextReport.title(scenario.spec)))</p>"
      body += table(scenario)
      body += ScenarioPlots.bars(scenario) + ScenarioPlots.latency(scenario) + ScenarioPlots.timeline(scenario)
    }
    return """
      <!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
      <title>Load test</title><style>
      body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em}
      body{color:#1f2328;background:#fff}
      @media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}}
      table{border-collapse:collapse;margin:1em 0}
      td,th{padding:.25em .8em;text-align:right;border-bottom:1px solid #8884}
      td:first-child,th:first-child{text-align:left}.bad{color:#d1242f}pre{overflow:auto}svg{max-width:100%;height:auto}
      </style>\(body)</html>

      """
  }

  private static func table(_ scenario: ScenarioReport) -> String {
    let metrics: [Metric] = [
      .rate, .bytesPerSecond, .p50, .p90, .p99, .p999, .max, .cpuPerOperation, .resident, .faults, .unstarted,
    ]
    var rows = "<table><tr><th>target</th>\(metrics.map { "<th>\($0.rawValue)</th>" }.joined())</tr>"
    for target in scenario.targets where !target.rounds.isEmpty {
      let cells = metrics.map { metric in
        "<td>\(scenario.spread(metric, of: target.name).map { e(metric.text($0.median)) } ?? "")</td>"
      }
      rows += "<tr><td>\(e(target.name))</td>\(cells.joined())</tr>"
    }
    if let first = scenario.targets.first?.name {
      for target in scenario.targets.dropFirst() where !target.rounds.isEmpty {
        let cells = metrics.map { metric in
          guard let ratio = scenario.ratio(metric, of: first, to: target.name) else { return "<td></td>" }
          let spread = "\(Figures.fixed(ratio.low, 2)) to \(Figures.fixed(ratio.high, 2))"
          return "<td title='\(spread)'>x \(Figures.fixed(ratio.median, 2))</td>"
        }
        rows += "<tr><td>\(e(first)) / \(e(target.name))</td>\(cells.joined())</tr>"
      }
    }
    rows += "</table>"
    for target in scenario.targets {
      let total = scenario.total(of: target)
      let words = [TextReport.heldText(scenario, target)].compactMap(\.self) + TextReport.besideTexts(target)
      rows += words.map { "<p>\(e($0))</p>" }.joined()
      for kind in FaultKind.allCases {
        guard let count = total.faults[kind] else { continue }
        rows +=
          "<p class='bad'>\(e(target.name)): \(count) x \(kind.rawValue), first: "
          + "\(e(total.firstFaults[kind] ?? ""))</p>"
      }
    }
    return rows
  }

  private static func e(_ text: String) -> String { Plot.escaped(text) }
}

/// The plots of one scenario.
public enum ScenarioPlots {
  /// Side by side: the figure that the scenario is about.
  public static func bars(_ scenario: ScenarioReport) -> String {
    let metric = scenario.mainMetric
    let values = scenario.targets.map { scenario.spread(metric, of: $0.name)?.median }
    return Plot.bars(
      title: "\(scenario.spec.name): \(metric.rawValue)", y: metric.rawValue,
      groups: [(scenario.spec.name, values)], series: scenario.targets.map(\.name), text: metric.text)
  }

  /// Latency by percentile, the axis stretched towards 100 %.
  public static func latency(_ scenario: ScenarioReport) -> String {
    let series = scenario.targets.compactMap { target -> Plot.Series? in
      let lines = scenario.total(of: target).latency.table()
      guard lines.count > 1 else { return nil }
      // Halves are equal steps: 50 %, 75 %, 87.5 % ...
      let points = lines.filter { $0.percent < 100 && $0.nanoseconds > 0 }.map {
        (x: -Logarithm.natural(1 - $0.percent / 100), y: Double($0.nanoseconds))
      }
      return Plot.Series(name: target.name, points: points)
    }
    let ticks = [0, 50, 90, 99, 99.9, 99.99, 99.999].map { percent in
      (-Logarithm.natural(1 - percent / 100), percent == percent.rounded() ? "\(Int(percent)) %" : "\(percent) %")
    }
    return Plot.lines(
      title: "\(scenario.spec.name): latency by percentile", x: "", .linear, y: "", .logarithmic, series,
      xTicks: ticks, text: Figures.time)
  }

  /// Throughput over the measured time, rounds after each other.
  public static func timeline(_ scenario: ScenarioReport) -> String {
    let countsBytes = scenario.mainMetric == .bytesPerSecond
    let series = scenario.targets.compactMap { target -> Plot.Series? in
      let slots = target.rounds.flatMap(\.tally.timeline)
      guard slots.count > 1 else { return nil }
      let seconds = target.rounds.reduce(0) { $0 + $1.seconds } / Double(slots.count)
      let points = slots.enumerated().map { index, slot in
        (x: Double(index) * seconds, y: Double(countsBytes ? slot.bytes : slot.operations) / seconds)
      }
      return Plot.Series(name: target.name, points: points)
    }
    return Plot.lines(
      title: "\(scenario.spec.name): throughput over time", x: "seconds measured", .linear,
      y: countsBytes ? "bytes per second" : "operations per second", .linear, series,
      text: { countsBytes ? Figures.bytes($0) : Figures.short($0) })
  }
}
