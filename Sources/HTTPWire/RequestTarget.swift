// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A path, split at its slashes and decoded once, segment by segment.
///
/// Nothing is normalised: what could make a path mean something else to another reader stays in the segments as data
/// and is named in `hazards`, so that a router can refuse it.
public struct RequestTarget: Hashable, Sendable {
  /// What a router should not let pass into names.
  public struct Hazards: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt8

    /// A set of these bits.
    public init(rawValue: UInt8) {
      self.rawValue = rawValue
    }

    /// `%2F`: a slash inside a segment.
    public static var encodedSlash: Hazards { Hazards(rawValue: 1) }
    /// `%00`.
    public static var nul: Hazards { Hazards(rawValue: 2) }
    /// A segment that is `.` or `..` after decoding.
    public static var dotSegment: Hazards { Hazards(rawValue: 4) }
    /// A control byte other than NUL.
    public static var control: Hazards { Hazards(rawValue: 8) }
    /// A backslash, encoded or not.
    public static var backslash: Hazards { Hazards(rawValue: 16) }
    /// Two slashes in a row.
    public static var emptySegment: Hazards { Hazards(rawValue: 32) }
  }

  /// The decoded segments: `/v2/` gives `v2` and an empty last one, `/` one empty segment, `*` itself.
  public let segments: [String]
  /// What was found in them.
  public let hazards: Hazards

  /// Splits and decodes a path; a broken percent-encoding, or one that hides no UTF-8, is an error that names the
  /// place.
  public init(parsing path: ArraySlice<UInt8>) throws(WireError) {
    var segments: [String] = []
    var hazards: Hazards = []
    var start = path.startIndex
    if path.first == Octet.slash { start += 1 }
    while true {
      let end = path[start...].firstIndex(of: Octet.slash) ?? path.endIndex
      let segment = try PercentEncoding.decoded(path[start..<end], base: start - path.startIndex)
      hazards.formUnion(Self.hazards(of: segment, isLast: end == path.endIndex))
      segments.append(segment)
      if end == path.endIndex { break }
      start = end + 1
    }
    self.segments = segments
    self.hazards = hazards
  }

  /// The same for a text.
  public init(parsing path: String) throws(WireError) {
    try self.init(parsing: Array(path.utf8)[...])
  }

  /// Whether a path has nothing to decode and no hazard, so that its bytes can be matched as they are.
  public static func isPlain(_ path: ArraySlice<UInt8>) -> Bool {
    var previous: UInt8 = 0
    for byte in path {
      if !Octet.isVisible(byte) || byte == Octet.percent || byte == Octet.backslash { return false }
      // A segment that begins with a dot may still be harmless; the slow path tells.
      if previous == Octet.slash, byte == Octet.slash || byte == Octet.dot { return false }
      previous = byte
    }
    return path.first == Octet.slash
  }

  private static func hazards(of segment: String, isLast: Bool) -> Hazards {
    var hazards: Hazards = []
    for byte in segment.utf8 {
      switch byte {
      case 0: hazards.insert(.nul)
      case Octet.slash: hazards.insert(.encodedSlash)
      case Octet.backslash: hazards.insert(.backslash)
      case 1..<0x20, 0x7F: hazards.insert(.control)
      default: break
      }
    }
    if segment == "." || segment == ".." { hazards.insert(.dotSegment) }
    if segment.isEmpty, !isLast { hazards.insert(.emptySegment) }
    return hazards
  }
}
