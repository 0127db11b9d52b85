// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryTelemetry

/// Who watches the API, each where somebody asked for it; what is nil costs nothing.
public struct Observation: Sendable {
  /// Counts the exchanges of the loop.
  public var meters: RequestMeters?
  /// Tells whether anything new may begin.
  public var health: HealthState?
  /// Keeps the trail of changes and denials.
  public var audit: AuditLog?
  /// Makes spans.
  public var tracing: (any RequestTracing)?

  /// Makes an observation.
  public init(
    meters: RequestMeters? = nil, health: HealthState? = nil, audit: AuditLog? = nil,
    tracing: (any RequestTracing)? = nil
  ) {
    self.meters = meters
    self.health = health
    self.audit = audit
    self.tracing = tracing
  }
}
