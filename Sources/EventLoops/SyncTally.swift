// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import Synchronization

/// Counts syncs of the disk and how long they took. Callable from any thread; a sync takes a thousand times as long as
/// counting it.
public final class SyncTally: Sendable {
  /// What was counted.
  public struct Counts: Sendable {
    /// Syncs by the bucket of ``SyncTally/boundsNanoseconds`` that they fell into; the last holds those beyond.
    public var buckets: [UInt64]
    /// Time in all, in nanoseconds.
    public var nanoseconds: UInt64
    /// Syncs that failed; they are counted above, too.
    public var failures: UInt64
  }

  /// The upper bounds of the buckets.
  public let boundsNanoseconds: [UInt64] = [
    100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000,
    250_000_000, 1_000_000_000, 10_000_000_000,
  ]

  private let state: Mutex<Counts>

  init() {
    let buckets = [UInt64](repeating: 0, count: boundsNanoseconds.count + 1)
    state = Mutex(Counts(buckets: buckets, nanoseconds: 0, failures: 0))
  }

  func record(nanoseconds: UInt64, succeeded: Bool) {
    let bucket = boundsNanoseconds.firstIndex { nanoseconds <= $0 } ?? boundsNanoseconds.count
    state.withLock { state in
      state.buckets[bucket] &+= 1
      state.nanoseconds &+= nanoseconds
      if !succeeded { state.failures &+= 1 }
    }
  }

  /// What was counted so far.
  public var counts: Counts { state.withLock { $0 } }
}
