// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension RunReport {
  /// What a reader must not take for measured, in words that name scenario, target, count and the first fault: rounds
  /// with faults, with no success or with less held than was asked, burdens that failed or moved nothing, and a run
  /// that was ended early.
  ///
  /// Faults that one of `demands` allows each round of their target to have are none. What kept a target from being
  /// tried at all is in ``problems`` already.
  func findings(_ demands: [Threshold], unbegun: [String]) -> [String] {
    var found: [String] = []
    for scenario in scenarios {
      for target in scenario.targets where !target.rounds.isEmpty {
        let place = "\(scenario.spec.name) at \(target.name)"
        found += faults(scenario, target, demands).map { "\(place): \($0)" }
        if !wasStopped { found += scenario.shortfalls(target).map { "\(place): \($0)" } }
      }
    }
    if wasStopped {
      let rest = unbegun.isEmpty ? "" : ", before it came to \(unbegun.joined(separator: ", "))"
      found.append("the run was stopped early\(rest)")
    }
    return found
  }

  private func faults(_ scenario: ScenarioReport, _ target: TargetReport, _ demands: [Threshold]) -> [String] {
    let allowed =
      demands.filter {
        $0.metric == .faults && $0.against == nil && $0.scenario == scenario.spec.name
          && $0.of ?? targets.first?.name == target.name
      }.compactMap(\.atMost).min() ?? 0
    var found: [String] = []
    // By the worst round, as the threshold is judged: a middle one says nothing of a failure.
    if target.rounds.contains(where: { Double($0.tally.faultCount) > allowed }) {
      found.append(Self.words(scenario.total(of: target)))
    }
    for part in target.beside where part.tally.faultCount > 0 {
      found.append("\(part.title) beside it: \(Self.words(part.tally))")
    }
    return found
  }

  private static func words(_ tally: Tally) -> String {
    FaultKind.allCases.compactMap { kind in
      tally.faults[kind].map { "\($0) x \(kind.rawValue), first: \(tally.firstFaults[kind] ?? "")" }
    }.joined(separator: "; ")
  }
}

extension ScenarioReport {
  /// Where a target's rounds measured less than a figure needs, though nothing failed.
  fileprivate func shortfalls(_ target: TargetReport) -> [String] {
    var found: [String] = []
    for (index, round) in target.rounds.enumerated() {
      let place = "round \(index + 1)"
      if round.tally.operations == 0, round.tally.faultCount == 0 {
        found.append("\(place): no operation ended within \(Figures.time(round.seconds * 1e9)); measure longer")
      }
      if let asked = spec.asked, round.tally.held < asked {
        found.append("\(place): \(round.tally.held) of \(asked) were held to the end")
      }
      for part in round.beside where part.tally.moved == 0 && part.tally.operations == 0 {
        found.append("\(place): \(part.title) beside it moved nothing")
      }
    }
    return found
  }
}

extension ScenarioSpec {
  /// How much a scenario of memory has to hold, for its figure to be one; nil where nothing is held.
  var asked: UInt64? {
    switch kind {
    case .idleConnections: UInt64(clients)
    case .openUploads: UInt64(count)
    default: nil
    }
  }
}
