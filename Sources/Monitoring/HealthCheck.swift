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
  /// What is looked at.
  public var probe: any HealthProbe

  /// Makes a check.
  public init(name: String, interval: Duration, threshold: Int, probe: any HealthProbe) {
    self.name = name
    self.interval = interval
    self.threshold = threshold
    self.probe = probe
  }
}
