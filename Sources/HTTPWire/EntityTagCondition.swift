// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The value of If-Match or If-None-Match (RFC 9110, 13.1.1 and 13.1.2).
///
/// Besides the grammar, a tag without quotes is accepted as a strong one, because clients of Distribution send bare
/// digests.
@frozen
public enum EntityTagCondition: Hashable, Sendable {
  /// `*`: anything that exists.
  case any
  /// One of these; at least one.
  case tags([EntityTag])

  /// Most tags in a list: a client names what it holds of one manifest, rarely more than one.
  public static var tagsMax: Int { 64 }

  /// Reads a list; several fields of the name are joined with commas first.
  public init(parsing text: String) throws(WireError) {
    var reader = EntityTagReader(text)
    var tags: [EntityTag] = []
    if reader.takeAsterisk() {
      self = .any
      return
    }
    while let tag = try reader.next() {
      guard tags.count < Self.tagsMax else { throw .entityTagsTooMany(max: Self.tagsMax) }
      tags.append(tag)
    }
    guard !tags.isEmpty else { throw .entityTagMalformed(at: 0) }
    self = .tags(tags)
  }

  /// Whether If-Match holds: the current tag (nil: nothing exists) is among these by strong comparison.
  public func matchesStrongly(_ current: EntityTag?) -> Bool {
    guard let current else { return false }
    switch self {
    case .any: return true
    case .tags(let tags): return tags.contains { $0.matchesStrongly(current) }
    }
  }

  /// Whether If-None-Match fails: the current tag (nil: nothing exists) is among these by weak comparison.
  public func matchesWeakly(_ current: EntityTag?) -> Bool {
    guard let current else { return false }
    switch self {
    case .any: return true
    case .tags(let tags): return tags.contains { $0.matchesWeakly(current) }
    }
  }
}

extension RequestHead {
  /// The condition that all fields of this name state together; nil without such a field.
  public func entityTagCondition(_ lowercasedName: StaticString) throws(WireError) -> EntityTagCondition? {
    guard var text = fieldText(lowercasedName) else { return nil }
    if fieldOccurrences(lowercasedName) > 1 {
      // Not `fieldValues`: a backslash in an entity tag escapes nothing.
      text = fieldTexts(lowercasedName).joined(separator: ", ")
    }
    return try EntityTagCondition(parsing: text)
  }
}

/// Walks a list of entity tags.
struct EntityTagReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  /// Whether the list is the asterisk alone.
  func takeAsterisk() -> Bool {
    let range = Octet.trimmed(bytes, from: 0, to: bytes.count)
    return range.count == 1 && bytes[range.lowerBound] == Octet.asterisk
  }

  /// The next tag; nil at the end.
  mutating func next() throws(WireError) -> EntityTag? {
    while position < bytes.count, Octet.isBlank(bytes[position]) || bytes[position] == Octet.comma { position += 1 }
    guard position < bytes.count else { return nil }
    let start = position
    let isWeak = bytes[position...].starts(with: "W/\"".utf8)
    if isWeak { position += 2 }
    let isQuoted = bytes[position] == Octet.quote
    if isQuoted { position += 1 }
    let opaqueStart = position
    while position < bytes.count, Octet.isEntityTag(bytes[position]), isQuoted || bytes[position] != Octet.comma {
      position += 1
    }
    let opaque = opaqueStart..<position
    if isQuoted {
      guard position < bytes.count, bytes[position] == Octet.quote else { throw .entityTagMalformed(at: position) }
      position += 1
    } else if opaque.count == 1, bytes[start] == Octet.asterisk {
      throw .entityTagMalformed(at: start)
    }
    while position < bytes.count, Octet.isBlank(bytes[position]) { position += 1 }
    guard position == bytes.count || bytes[position] == Octet.comma else { throw .entityTagMalformed(at: position) }
    return EntityTag(opaque: String(decoding: bytes[opaque], as: UTF8.self), isWeak: isWeak)
  }
}
