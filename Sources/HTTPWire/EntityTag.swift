// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// An entity tag (RFC 9110, 8.8.3). Gantry's own are strong, and hold a digest.
public struct EntityTag: Hashable, Sendable {
  /// What stands between the quotes.
  public let opaque: String
  /// Whether `W/` stands before them.
  public let isWeak: Bool

  /// A tag of an opaque text, which must have no quote, space or control in it.
  public init(opaque: String, isWeak: Bool = false) {
    precondition(opaque.utf8.allSatisfy(Octet.isEntityTag), "a quote, space or control in an entity tag")
    self.opaque = opaque
    self.isWeak = isWeak
  }

  /// The tag as it is sent.
  public var text: String { isWeak ? "W/\"\(opaque)\"" : "\"\(opaque)\"" }

  /// Whether both are strong and the same (8.8.3.2): for If-Match and If-Range.
  public func matchesStrongly(_ other: EntityTag) -> Bool { !isWeak && !other.isWeak && opaque == other.opaque }

  /// Whether they are the same, weak or not (8.8.3.2): for If-None-Match.
  public func matchesWeakly(_ other: EntityTag) -> Bool { opaque == other.opaque }
}

extension Octet {
  /// `etagc`: VCHAR except the quote, and obs-text.
  static func isEntityTag(_ byte: UInt8) -> Bool {
    (isVisible(byte) && byte != quote) || byte >= 0x80
  }
}
