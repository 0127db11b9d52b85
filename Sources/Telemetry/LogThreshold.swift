// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import Logging
import Synchronization

/// The lowest level that is logged, shared by all loggers of a server and changeable while it runs. Callable from any
/// thread.
public final class LogThreshold: Sendable {
  private let index: Atomic<Int>

  /// A threshold at `level`.
  public init(_ level: Logger.Level) {
    index = Atomic(Self.index(of: level))
  }

  /// The lowest level that is logged.
  public var level: Logger.Level {
    get { Self.levels[index.load(ordering: .relaxed)] }
    set { index.store(Self.index(of: newValue), ordering: .relaxed) }
  }

  private static let levels = Array(Logger.Level.allCases)

  private static func index(of level: Logger.Level) -> Int {
    // Every level is among all cases; were it not, everything would be logged.
    levels.firstIndex(of: level) ?? 0
  }
}
