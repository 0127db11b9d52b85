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

  /// A report in which nothing has happened yet.
  public init(seed: UInt64) {
    self.seed = seed
  }
}
