// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryStorage
internal import GantryTelemetry
internal import Synchronization

/// Counts storage operations and how long they took. Callable from any thread; each of them costs a worker's turn, next
/// to which the lock is nothing.
final class ActionMeters: Sendable {
  private let histograms = Mutex(
    [StorageAction: Histogram](
      uniqueKeysWithValues: StorageAction.allCases.map { ($0, Histogram(.actionSeconds)) }))

  func record(_ action: StorageAction, _ nanoseconds: UInt64) {
    histograms.withLock { $0[action]?.record(nanoseconds) }
  }

  /// What was counted so far, in the order of the cases.
  var measures: [(StorageAction, Histogram)] {
    let histograms = histograms.withLock { $0 }
    return StorageAction.allCases.map { ($0, histograms[$0] ?? Histogram(.actionSeconds)) }
  }
}
