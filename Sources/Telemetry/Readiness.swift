// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Synchronization

/// Whether this process wants new work, for whoever sends it there: `/readyz` tells. Callable from any thread.
///
/// Lowered first of all when the registry stops, and never raised again: a load balancer that looks at it has turned
/// away before the listener closes.
public final class Readiness: Sendable {
  /// Where a process is in its life.
  public enum Phase: UInt8, Sendable {
    /// Not listening yet.
    case starting
    /// Taking requests.
    case ready
    /// Answering what has come, and wanting nothing more.
    case draining
  }

  private let value = Atomic<UInt8>(Phase.starting.rawValue)

  /// Of a process that starts.
  public init() {}

  /// Where the process is now.
  public var phase: Phase {
    // Only raw values of phases are ever stored.
    Phase(rawValue: value.load(ordering: .relaxed)) ?? .draining
  }

  /// The process listens; does nothing once it is draining.
  public func raise() {
    _ = value.compareExchange(
      expected: Phase.starting.rawValue, desired: Phase.ready.rawValue, ordering: .relaxed)
  }

  /// The process wants nothing more. For good.
  public func lower() {
    value.store(Phase.draining.rawValue, ordering: .relaxed)
  }
}
