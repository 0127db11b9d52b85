// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// How often values fell into which bucket, and their sum.
public struct Histogram: Sendable, Hashable {
  /// The buckets' bounds.
  public let scale: HistogramScale
  /// Values by bucket, each counted once; the last holds those beyond every bound.
  public private(set) var counts: [UInt64]
  /// The sum of all values; wraps after 2^64.
  public private(set) var sum: UInt64

  /// An empty histogram.
  public init(_ scale: HistogramScale) {
    self.scale = scale
    counts = Array(repeating: 0, count: scale.bounds.count + 1)
    sum = 0
  }

  /// A histogram of counts that were made elsewhere, one for each bound and one beyond.
  public init(_ scale: HistogramScale, counts: [UInt64], sum: UInt64) {
    precondition(counts.count == scale.bounds.count + 1, "a count for each bucket")
    self.scale = scale
    self.counts = counts
    self.sum = sum
  }

  /// Counts one value.
  public mutating func record(_ value: UInt64) {
    var bucket = 0
    while bucket < scale.bounds.count, value > scale.bounds[bucket] { bucket += 1 }
    counts[bucket] &+= 1
    sum &+= value
  }

  /// Adds the counts of another histogram of the same scale.
  public mutating func add(_ other: Histogram) {
    precondition(other.scale == scale, "only histograms of one scale add up")
    for index in counts.indices { counts[index] &+= other.counts[index] }
    sum &+= other.sum
  }

  /// How many values were counted.
  public var count: UInt64 { counts.reduce(0, &+) }
}
