// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The Content-Range of an upload's chunk: `<start>-<end>`, inclusive, without a unit (OCI distribution, "Pushing a
/// blob in chunks"). RFC 9110's `bytes <start>-<end>/<size or *>` is accepted too, because some clients send it.
public struct ContentRange: Hashable, Sendable {
  /// The first byte's position.
  public let start: UInt64
  /// The last byte's position, included; at most `Int64.max - 1`.
  public let end: UInt64
  /// The size of the whole, where RFC 9110's form names one.
  public let size: UInt64?

  /// How many bytes the chunk has: at least one; converts to `Int`.
  public var length: UInt64 { end - start + 1 }

  /// A range whose end is not below its start.
  public init(start: UInt64, end: UInt64, size: UInt64? = nil) throws(WireError) {
    guard start <= end else { throw .contentRangeReversed }
    guard end < UInt64(Int64.max) else { throw .contentRangeNumberTooLarge(at: 0) }
    if let size, end >= size { throw .contentRangeBeyondSize }
    self.start = start
    self.end = end
    self.size = size
  }

  /// Reads either form; anything else is an error that names the place.
  public init(parsing text: String) throws(WireError) {
    var reader = DecimalReader(text)
    let hasUnit = reader.take(ignoringCase: "bytes ")
    if !hasUnit, let byte = reader.next, !Octet.isDigit(byte), let space = text.utf8.firstIndex(of: Octet.space),
      text.utf8[..<space].allSatisfy(Octet.isToken)
    {
      throw .contentRangeUnit
    }
    let start = try Self.number(&reader)
    guard reader.take(Octet.hyphen) else { throw .contentRangeMalformed(at: reader.position) }
    let end = try Self.number(&reader)
    var size: UInt64?
    if hasUnit {
      guard reader.take(Octet.slash) else { throw .contentRangeMalformed(at: reader.position) }
      if !reader.take(Octet.asterisk) { size = try Self.number(&reader) }
    }
    guard reader.isAtEnd else { throw .contentRangeMalformed(at: reader.position) }
    try self.init(start: start, end: end, size: size)
  }

  /// The form of the OCI specification.
  public var text: String { "\(start)-\(end)" }

  private static func number(_ reader: inout DecimalReader) throws(WireError) -> UInt64 {
    let at = reader.position
    guard let value = reader.number() else { throw .contentRangeMalformed(at: at) }
    guard value < UInt64(Int64.max) else { throw .contentRangeNumberTooLarge(at: at) }
    return value
  }
}
