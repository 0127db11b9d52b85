// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What came of one history.
public struct HistoryReport: Sendable {
  /// The seed that everything followed from.
  public var seed: UInt64
  /// Pieces of work that ran.
  public var steps = 0
  /// Requests that were asked.
  public var requests = 0
  /// Servers that were killed alone.
  public var kills = 0
  /// Times that the power was cut.
  public var powerCuts = 0
  /// Servers that were stopped in the middle, as SIGTERM stops them.
  public var drains = 0
  /// File operations that were made to fail.
  public var faults = 0
  /// Connections that were cut.
  public var cuts = 0
  /// The latest notes: what was asked, answered and befell, with step and time.
  public var trace: [String] = []
  /// Equal for equal histories.
  public var fingerprint: UInt64 = 0
  /// Which rule was broken first, and how it came to that; nil when all held.
  public var failure: String?

  /// The counts under their names.
  public var tally: Tally {
    var tally = Tally()
    tally.add(1, "histories")
    tally.add(steps, "steps")
    tally.add(requests, "requests")
    tally.add(kills, "kills")
    tally.add(powerCuts, "power cuts")
    tally.add(drains, "stops in the middle")
    tally.add(faults, "faults")
    tally.add(cuts, "connections cut")
    return tally
  }

  /// A report in which nothing has happened yet.
  public init(seed: UInt64) {
    self.seed = seed
  }
}

/// How this program was built. A seed means another history in another mode: what is optimised asks for less.
public enum BuildMode {
  /// `debug` or `release`, as `swift run -c` takes it.
  public static let name: String = {
    #if DEBUG
      "debug"
    #else
      "release"
    #endif
  }()
}

extension HistoryReport {
  /// The command that runs the same history again, in the mode of this program.
  public var again: String { "swift run -c \(BuildMode.name) simulate --seed \(seed) --trace" }
}
