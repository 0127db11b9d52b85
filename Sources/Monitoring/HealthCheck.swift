// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A check as it is configured: what is looked at, how often, and how patient one is.
public struct HealthCheck: Sendable {
  /// Its name in `/debug/health`, one of a kind.
  public var name: String
  /// From the end of one look to the next.
  public var interval: Duration
  /// Failures in a row before the check counts as failed; 0 and 1 are the same.
  public var threshold: Int
  /// How long a look may take before its silence is a failure, once for each further interval.
  public var patience: Duration
  /// Whether silence is a failure at all. Not of a switch, which stays as it was last seen.
  public var isSilenceFailure: Bool
  /// What is looked at.
  public var probe: any HealthProbe

  /// How long the silence of a look is waited for at least.
  public static let patienceLeast = Duration.seconds(10)

  /// Makes a check. Its patience is the interval, or 10 s where that is more.
  public init(
    name: String, interval: Duration, threshold: Int, patience: Duration? = nil, isSilenceFailure: Bool = true,
    probe: any HealthProbe
  ) {
    self.name = name
    self.interval = interval
    self.threshold = threshold
    self.patience = patience ?? max(interval, Self.patienceLeast)
    self.isSilenceFailure = isSilenceFailure
    self.probe = probe
  }
}
