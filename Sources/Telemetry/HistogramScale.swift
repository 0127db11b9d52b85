// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The upper bounds of a histogram's buckets, in the whole unit that is recorded.
public struct HistogramScale: Sendable, Hashable {
  /// The bounds, ascending; beyond the last there is one bucket more.
  public let bounds: [UInt64]
  /// How many of the recorded unit make one of the unit that is told: 1 000 000 000 for nanoseconds told as seconds.
  public let unitsPerOne: UInt64
  /// The bounds as the label `le` has them, in Go's shortest form, so that they read as Distribution's do.
  let labels: [String]

  /// Makes a scale.
  public init(bounds: [UInt64], unitsPerOne: UInt64) {
    precondition(zip(bounds, bounds.dropFirst()).allSatisfy(<), "bounds ascend")
    precondition(bounds.count < 64, "a histogram has few buckets")
    self.bounds = bounds
    self.unitsPerOne = unitsPerOne
    labels = bounds.map { MetricsText.text(of: Double($0) / Double(unitsPerOne)) }
  }

  /// Of nanoseconds told as seconds; the bounds are given in microseconds.
  public static func seconds(microseconds: [UInt64]) -> HistogramScale {
    HistogramScale(bounds: microseconds.map { $0 * 1000 }, unitsPerOne: 1_000_000_000)
  }

  /// Durations of requests, with Distribution's bounds: 5 ms to 60 s.
  public static let requestSeconds = seconds(microseconds: [
    5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000,
    60_000_000,
  ])

  /// Durations of storage operations, with Distribution's bounds: 5 ms to 10 s.
  public static let actionSeconds = seconds(microseconds: [
    5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
  ])

  /// Sizes of requests and responses, with Distribution's bounds: 1 KiB to 2 GiB, doubling.
  public static let sizeBytes = HistogramScale(bounds: (0..<22).map { 1024 << $0 }, unitsPerOne: 1)

  /// How late a loop comes to what is due: 1 ms to 10 s.
  public static let lagSeconds = seconds(microseconds: [
    1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000,
  ])

  /// Durations of syncs of the disk: 100 µs to 10 s.
  public static let syncSeconds = seconds(microseconds: [
    100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 10_000_000,
  ])
}
