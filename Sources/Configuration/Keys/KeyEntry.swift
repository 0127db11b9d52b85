// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// One key that a configuration may hold: ours, or Distribution's in either generation.
public struct KeyEntry: Sendable, Equatable {
  /// The form of a key's value.
  public enum Kind: String, Sendable {
    /// Named keys, a struct in Distribution: an environment variable can only name keys that exist.
    case section
    /// Free keys, a Go map in Distribution: an environment variable may create any key.
    case table
    /// A list of sections.
    case list
    /// A list of text values.
    case texts = "list of text"
    /// Text; numbers and truth values are taken as they are written.
    case text
    /// `true` or `false`, and YAML 1.1's other words for them.
    case bool = "true or false"
    /// A whole number.
    case integer
    /// A whole number, which may be in quotes.
    case integerOrText = "integer or text"
    /// A Go duration (`1h30m`, `500ms`) or a bare whole number of nanoseconds.
    case duration
    /// A Go duration; a bare number is refused.
    case durationText = "duration in text"
    /// A whole number of bytes, or one with `KiB`, `MiB` or `GiB`.
    case bytes
  }

  /// What we do with a key.
  public enum Status: Sendable, Equatable {
    /// It does what its summary says.
    case served
    /// It does nothing; the text says why that is harmless. One warning for the whole section.
    case ignored(String)
    /// It would decide who may enter or where data goes, and we cannot do it: the registry does not start.
    case refused(String)
  }

  /// Who knows the key.
  public enum Generation: String, Sendable {
    /// Distribution 2.8 and 3.
    case both = "2.8, v3"
    /// Distribution 2.8 only.
    case v2 = "2.8"
    /// Distribution 3 only.
    case v3
    /// Only this registry.
    case gantry = "ours"
  }

  /// The dotted path: `http.addr`, `log.hooks[].type` (in each element), `http.headers.*` (any name).
  public var path: String
  /// The form of the value.
  public var kind: Kind
  /// What we do with it.
  public var status: Status
  /// Who knows it.
  public var generation: Generation
  /// The default as it is documented; empty for sections.
  public var fallback: String
  /// What the key does, in one line.
  public var summary: String
  /// The part of an environment variable's name that stands for the key: Distribution's Go field name in upper case.
  public var variablePart: String
  /// Whether the value must never be shown.
  public var isSecret: Bool

  init(
    _ path: String, _ kind: Kind, _ status: Status = .served, _ generation: Generation = .both,
    fallback: String = "", variablePart: String? = nil, isSecret: Bool = false, _ summary: String = ""
  ) {
    self.path = path
    self.kind = kind
    self.status = status
    self.generation = generation
    self.fallback = fallback
    self.summary = summary
    self.isSecret = isSecret
    self.variablePart = variablePart ?? KeyPath.last(of: path).uppercased()
  }
}
