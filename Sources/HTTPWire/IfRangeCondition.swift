// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The value of If-Range (RFC 9110, 13.1.5): serve the range only if the representation is still the one the client
/// has a part of.
@frozen
public enum IfRangeCondition: Hashable, Sendable {
  /// The client's entity tag.
  case tag(EntityTag)
  /// The Last-Modified the client was given.
  case date(HTTPDate)

  /// Nil for anything that is neither one tag nor a date; the Range header is to be ignored then.
  public init?(parsing text: String) {
    if let date = HTTPDate(parsing: text) {
      self = .date(date)
      return
    }
    var reader = EntityTagReader(text)
    do throws(WireError) {
      guard !reader.takeAsterisk(), let tag = try reader.next(), try reader.next() == nil else { return nil }
      self = .tag(tag)
    } catch {
      return nil
    }
  }

  /// Whether the range may be served: the tag by strong comparison, the date exactly.
  public func permits(tag current: EntityTag, lastModified: HTTPDate?) -> Bool {
    switch self {
    case .tag(let tag): tag.matchesStrongly(current)
    case .date(let date): date == lastModified
    }
  }
}
