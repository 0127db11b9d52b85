// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Counts of latencies in nanoseconds, to three significant digits, from 1 ns to more than an hour.
///
/// The layout of an HdrHistogram: below 2048 each value has its own count; above, each power of two is cut into 1024
/// equal steps. Recording is one increment; memory is 270 KiB however many values are recorded.
public struct LatencyHistogram: Sendable, Equatable {
  private static let stepBits = 10
  private static let largest: UInt64 = 1 << 42
  private static let slots = slot(largest) + 1

  private var counts: [UInt64]
  /// How many values were recorded.
  public private(set) var count: UInt64 = 0
  /// The sum of all values, for the mean.
  public private(set) var sum: UInt64 = 0
  /// The smallest value; 0 when there is none.
  public private(set) var minimum: UInt64 = 0
  /// The largest value; 0 when there is none.
  public private(set) var maximum: UInt64 = 0

  /// An empty histogram.
  public init() { counts = Array(repeating: 0, count: Self.slots) }

  /// Takes one latency; one above 73 minutes counts as that.
  public mutating func record(_ nanoseconds: UInt64) {
    let value = min(nanoseconds, Self.largest)
    counts[Self.slot(value)] &+= 1
    if count == 0 || value < minimum { minimum = value }
    if value > maximum { maximum = value }
    count &+= 1
    sum &+= value
  }

  /// Adds what another histogram counted.
  public mutating func merge(_ other: LatencyHistogram) {
    guard other.count > 0 else { return }
    for index in counts.indices { counts[index] &+= other.counts[index] }
    minimum = count == 0 ? other.minimum : min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
    count &+= other.count
    sum &+= other.sum
  }

  /// Forgets everything.
  public mutating func reset() {
    guard count > 0 else { return }
    for index in counts.indices { counts[index] = 0 }
    (count, sum, minimum, maximum) = (0, 0, 0, 0)
  }

  /// The mean in nanoseconds; 0 when there is none.
  public var mean: Double { count == 0 ? 0 : Double(sum) / Double(count) }

  /// The latency that this share of the values does not exceed, 0 to 100 per cent, to three digits; 0 when empty.
  public func percentile(_ percent: Double) -> UInt64 {
    guard count > 0 else { return 0 }
    let exact = Double(count) * min(max(percent, 0), 100) / 100
    let wanted = max(1, UInt64(exact.rounded(.up)))
    var seen: UInt64 = 0
    for (index, slotCount) in counts.enumerated() where slotCount > 0 {
      seen += slotCount
      if seen >= wanted { return min(Self.upperEdge(index), maximum) }
    }
    return maximum
  }

  /// One line of the percentile table: the share, the latency, and how many values lie at or below it.
  public struct Line: Sendable, Equatable {
    /// The share in per cent.
    public var percent: Double
    /// The latency in nanoseconds.
    public var nanoseconds: UInt64
    /// How many values lie at or below it.
    public var total: UInt64
  }

  /// The table that HdrHistogram prints: `ticks` lines between each halving of the distance to 100 %.
  public func table(ticks: Int = 5) -> [Line] {
    guard count > 0 else { return [] }
    var lines: [Line] = []
    var percent = 0.0
    while true {
      let value = self.percentile(percent)
      lines.append(Line(percent: percent, nanoseconds: value, total: counted(upTo: value)))
      if value >= maximum || lines.count > 400 { break }
      var half = 1.0
      while 100 - percent <= 100 / half / 2 { half *= 2 }
      percent += 100 / half / Double(2 * ticks)
    }
    if let last = lines.last, last.percent < 100 {
      lines.append(Line(percent: 100, nanoseconds: maximum, total: count))
    }
    return lines
  }

  private func counted(upTo value: UInt64) -> UInt64 {
    counts[...Self.slot(value)].reduce(0, &+)
  }

  private static func slot(_ value: UInt64) -> Int {
    if value < 2 << stepBits { return Int(value) }
    let shift = 63 - value.leadingZeroBitCount - stepBits
    return (shift << stepBits) + Int(value >> UInt64(shift))
  }

  private static func upperEdge(_ slot: Int) -> UInt64 {
    if slot < 2 << stepBits { return UInt64(slot) }
    let shift = (slot >> stepBits) - 1
    let step = UInt64(slot - (shift << stepBits))
    return ((step + 1) << UInt64(shift)) - 1
  }
}
