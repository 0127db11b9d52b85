// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The Range header (RFC 9110, 14.1.2 and 14.2).
public enum ByteRanges {
  /// Resolves a Range header against the size of what is served.
  ///
  /// - A header of another unit, or that breaks the grammar anywhere, is ignored: `whole`.
  /// - One with a range whose last position is before its first is rejected, as 14.2 allows and the conformance suite
  ///   of the OCI specification demands: `unsatisfiable`. A client that miscounts is told, and not sent everything.
  /// - More than `rangesMax` ranges are answered `whole`: each costs a part header and a seek.
  /// - Ranges past the end are clipped; those that begin past the end drop out; `unsatisfiable` when none is left.
  /// - Ranges that do not overlap keep the order in which they were asked for. If any two overlap, all are sorted and
  ///   those that overlap or touch become one (14.2 lets a server coalesce), so that no byte is sent twice.
  /// - Of an empty representation every well-formed header gets `whole`, as Go's file server does for Distribution:
  ///   clients that always send a Range would otherwise fail on empty blobs.
  public static func resolve(_ header: String, size: UInt64, rangesMax: Int) -> RangeOutcome {
    var reader = DecimalReader(header)
    guard reader.take(ignoringCase: "bytes=") else { return .whole }
    var ranges: [Range<UInt64>] = []
    var count = 0
    var isReversed = false
    while true {
      reader.skipBlanks()
      if let byte = reader.next, byte != Octet.comma {
        guard let range = specification(&reader, size, &isReversed) else { return .whole }
        count += 1
        if count > rangesMax { return .whole }
        if !range.isEmpty { ranges.append(range) }
        reader.skipBlanks()
      }
      if reader.isAtEnd { break }
      guard reader.take(Octet.comma) else { return .whole }
    }
    guard count > 0, size > 0 else { return .whole }
    return ranges.isEmpty || isReversed ? .unsatisfiable : .satisfiable(coalesced(ranges))
  }

  /// One `first-last`, `first-` or `-length`, clipped; empty when it selects nothing, nil when it is malformed.
  private static func specification(
    _ reader: inout DecimalReader, _ size: UInt64, _ isReversed: inout Bool
  ) -> Range<UInt64>? {
    if reader.take(Octet.hyphen) {
      guard let length = reader.number() else { return nil }
      return (size - min(length, size))..<size
    }
    guard let first = reader.number(), reader.take(Octet.hyphen) else { return nil }
    let last = reader.number() ?? .max
    if first > last { isReversed = true }
    guard first <= last, first < size else { return 0..<0 }
    return first..<(min(last, size - 1) + 1)
  }

  private static func coalesced(_ ranges: [Range<UInt64>]) -> [Range<UInt64>] {
    guard ranges.count > 1 else { return ranges }
    let sorted = ranges.sorted { $0.lowerBound < $1.lowerBound }
    guard zip(sorted, sorted.dropFirst()).contains(where: { $0.overlaps($1) }) else { return ranges }
    var merged = [sorted[0]]
    for range in sorted.dropFirst() {
      let last = merged[merged.count - 1]
      if range.lowerBound <= last.upperBound {
        merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    return merged
  }
}
