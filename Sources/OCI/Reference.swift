// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a manifest is asked for by (OCI distribution-spec, `<reference>`).
@frozen
public enum Reference: Sendable, Hashable {
  /// By name; may move.
  case tag(Tag)
  /// By content; never moves.
  case digest(Digest)

  /// Parses a reference: a text with a colon can only be a digest, any other only a tag.
  public init(parsing text: String) throws(ReferenceError) {
    if text.utf8.contains(UInt8(ascii: ":")) {
      do { self = .digest(try Digest(parsing: text)) } catch { throw .digest(error) }
    } else {
      do { self = .tag(try Tag(parsing: text)) } catch { throw .tag(error) }
    }
  }
}

extension Reference: CustomStringConvertible {
  /// The tag or digest as text.
  public var description: String {
    switch self {
    case .tag(let tag): tag.description
    case .digest(let digest): digest.description
    }
  }
}
