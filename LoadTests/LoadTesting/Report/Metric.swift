// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A figure of one round, by which targets are compared and judged.
public enum Metric: String, Sendable, CaseIterable {
  /// Operations per second.
  case rate
  /// Body bytes per second: received, or pushed and acknowledged.
  case bytesPerSecond = "bytes-per-second"
  /// Processor time of the target's processes for one operation, in nanoseconds.
  case cpuPerOperation = "cpu-per-operation"
  /// Processor time of the target's processes for one body byte, in nanoseconds.
  case cpuPerByte = "cpu-per-byte"
  /// Resident memory of the target's processes at the end, in bytes.
  case resident
  /// The median latency, in nanoseconds.
  case p50
  /// The latency that one in ten exceeds.
  case p90
  /// The latency that one in a hundred exceeds.
  case p99
  /// The latency that one in a thousand exceeds.
  case p999 = "p99.9"
  /// The largest latency.
  case max
  /// Failed operations.
  case faults
  /// Planned operations of an open loop that never began.
  case unstarted
  /// Seconds that the round took.
  case seconds

  /// The figure of a round; nil where it was not measured.
  public func value(_ round: RoundReport) -> Double? {
    let tally = round.tally
    func latency(_ percent: Double) -> Double? {
      tally.latency.count == 0 ? nil : Double(tally.latency.percentile(percent))
    }
    switch self {
    case .rate: return round.rate
    case .bytesPerSecond: return round.bytesPerSecond
    case .cpuPerOperation:
      return round.processorSeconds.flatMap { tally.operations == 0 ? nil : $0 * 1e9 / Double(tally.operations) }
    case .cpuPerByte:
      let bytes = tally.moved
      return round.processorSeconds.flatMap { bytes == 0 ? nil : $0 * 1e9 / Double(bytes) }
    case .resident: return round.residentBytes.map { Double($0) }
    case .p50: return latency(50)
    case .p90: return latency(90)
    case .p99: return latency(99)
    case .p999: return latency(99.9)
    case .max: return tally.latency.count == 0 ? nil : Double(tally.latency.maximum)
    case .faults: return Double(tally.faultCount)
    case .unstarted: return Double(tally.unstarted)
    case .seconds: return round.seconds
    }
  }

  /// Whether it counts what went wrong: then it is judged by its worst round, and failures do not spoil it.
  var countsFailures: Bool { self == .faults || self == .unstarted }

  /// A figure for people.
  public func text(_ value: Double) -> String {
    switch self {
    case .rate: "\(Figures.short(value))/s"
    case .bytesPerSecond: Figures.bytes(value) + "/s"
    case .cpuPerOperation, .p50, .p90, .p99, .p999, .max: Figures.time(value)
    case .cpuPerByte: "\(Figures.fixed(value, 3)) s/GB"
    case .resident: Figures.mebibytes(value)
    case .faults, .unstarted: Figures.fixed(value, 0)
    case .seconds: Figures.time(value * 1e9)
    }
  }
}

/// The middle of some values, and between what they lie.
public struct Spread: Sendable, Equatable {
  /// The middle value; the mean of the two middle ones of an even count.
  public var median: Double
  /// The smallest.
  public var low: Double
  /// The largest.
  public var high: Double

  /// Of values; nil where there are none.
  public init?(_ values: [Double]) {
    let sorted = values.sorted()
    guard let low = sorted.first, let high = sorted.last else { return nil }
    (self.low, self.high) = (low, high)
    let middle = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

extension ScenarioReport {
  /// A figure of one target over its rounds; nil where it was not measured.
  public func spread(_ metric: Metric, of target: String) -> Spread? {
    targets.first { $0.name == target }.flatMap { Spread($0.rounds.compactMap(metric.value)) }
  }

  /// One target's figure divided by another's, round by round.
  public func ratio(_ metric: Metric, of target: String, to other: String) -> Spread? {
    guard let own = targets.first(where: { $0.name == target }),
      let others = targets.first(where: { $0.name == other })
    else { return nil }
    return Spread(
      zip(own.rounds, others.rounds).compactMap { own, other in
        guard let value = metric.value(own), let divisor = metric.value(other), divisor > 0 else { return nil }
        return value / divisor
      })
  }

  /// The figure that the scenario is about.
  public var mainMetric: Metric {
    if spec.kind.holds { return .resident }
    if spec.rate != nil { return .p99 }
    if spec.kind == .blobGet { return spec.size >= 1 << 20 ? .bytesPerSecond : .rate }
    return spec.kind.countsBytes && spec.size >= 1 << 20 ? .bytesPerSecond : .rate
  }

  /// All rounds of a target together.
  public func total(of target: TargetReport) -> Tally {
    var total = Tally()
    for round in target.rounds { total.merge(round.tally, appendingTimeline: true) }
    return total
  }
}
