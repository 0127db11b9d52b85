// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import Synchronization

/// Everything that a run measured.
public struct RunReport: Sendable {
  /// What data was made from.
  public var seed: UInt64
  /// Rounds of each scenario at each target.
  public var rounds: Int
  /// The targets, by name and address.
  public var targets: [Target]
  /// The scenarios that were run.
  public var scenarios: [ScenarioReport] = []
  /// What kept scenarios from being measured, or makes a figure unfit to be used, in words.
  public var problems: [String] = []
  /// Whether a person ended the run early.
  public var wasStopped = false
}

/// What one scenario measured.
public struct ScenarioReport: Sendable {
  /// The scenario.
  public var spec: ScenarioSpec
  /// Each target's rounds.
  public var targets: [TargetReport]

  init(spec: ScenarioSpec, targets: [String]) {
    self.spec = spec
    self.targets = targets.map { TargetReport(name: $0) }
  }
}

/// What one scenario measured at one target.
public struct TargetReport: Sendable {
  /// The target's name.
  public var name: String
  /// The rounds, in the order they were run.
  public var rounds: [RoundReport] = []

  /// What ran beside its rounds, all of them together, in the order of the scenario's file.
  public var beside: [BesideReport] {
    var parts = rounds.first?.beside ?? []
    for round in rounds.dropFirst() {
      for (index, part) in round.beside.enumerated() where index < parts.count {
        parts[index].tally.merge(part.tally)
        parts[index].seconds += part.seconds
      }
    }
    return parts
  }
}

/// What was done beside a measured round, as a burden.
public struct BesideReport: Sendable {
  /// The scenario's name, or its kind.
  public var name: String
  /// The target that bore it.
  public var target: String
  /// Counts and latencies within the measured time of the round.
  public var tally = Tally()
  /// The length of that time, in seconds.
  public var seconds = 0.0

  /// What it was, and where.
  public var title: String { "\(name) at \(target)" }
  /// Operations per second.
  public var rate: Double { seconds > 0 ? Double(tally.operations) / seconds : 0 }
  /// Body bytes per second, both ways, as they were moved: a burden is one before it is acknowledged.
  public var bytesPerSecond: Double { seconds > 0 ? Double(tally.moved) / seconds : 0 }
}

/// What one round measured.
public struct RoundReport: Sendable {
  /// Counts and latencies.
  public var tally = Tally()
  /// The length of the measured time, in seconds.
  public var seconds = 0.0
  /// Processor time that the target's processes took within it, in seconds; nil where they are not known.
  public var processorSeconds: Double?
  /// Resident memory of the target's processes at its end, in bytes.
  public var residentBytes: Int?
  /// What ran beside it.
  public var beside: [BesideReport] = []

  mutating func take(_ before: ProcessProbe.Sample?, _ after: ProcessProbe.Sample?) {
    guard let before, let after else { return }
    processorSeconds = after.seconds - before.seconds
    residentBytes = after.residentBytes
  }

  /// Operations per second.
  public var rate: Double { seconds > 0 ? Double(tally.operations) / seconds : 0 }
  /// Body bytes per second, both ways; of what is pushed, those of blobs and manifests that were acknowledged, because
  /// what has merely left is neither verified nor on the disk.
  public var bytesPerSecond: Double { seconds > 0 ? Double(tally.received + tally.acknowledged) / seconds : 0 }
}

/// Brings a report from a loop to the thread that waits for it.
final class ReportBox: Sendable {
  private let report = Mutex<RunReport?>(nil)

  func put(_ new: RunReport) { report.withLock { $0 = new } }

  func take() -> RunReport {
    guard let report = report.withLock({ $0.take() }) else { preconditionFailure("the run left no report") }
    return report
  }
}
