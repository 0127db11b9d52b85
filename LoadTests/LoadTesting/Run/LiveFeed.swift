// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import Synchronization

/// What the loops counted since the live line was drawn last. Callable from any thread.
final class LiveFeed: Sendable {
  private let counts = Mutex(LiveCounts())

  func add(_ recent: LiveCounts) {
    counts.withLock { $0.merge(recent) }
  }

  func take() -> LiveCounts {
    counts.withLock { counts in
      let taken = counts
      counts.reset()
      return taken
    }
  }
}

/// Says that the run ends early, by a person's wish. Callable from any thread.
public final class StopSign: Sendable {
  private let raised = Atomic(false)

  /// A sign that is not raised.
  public init() {}

  /// Asks every loop to stop soon.
  public func raise() { raised.store(true, ordering: .relaxed) }

  /// Whether it is raised.
  public var isRaised: Bool { raised.load(ordering: .relaxed) }
}
