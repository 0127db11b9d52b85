// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a text is not a pattern of names.
public enum GlobError: Error, Sendable, Hashable, CustomStringConvertible {
  /// There is nothing.
  case empty
  /// It has more bytes than a pattern may have.
  case tooLong
  /// Three stars or more in a row.
  case tooManyStars
  /// A character that neither a name can have nor a wildcard is.
  case unknownCharacter(Character)

  /// What is wrong, for a person.
  public var description: String {
    switch self {
    case .empty: "it is empty"
    case .tooLong: "it has more than \(Glob.bytesMax) bytes"
    case .tooManyStars: "more than two stars in a row mean nothing"
    case .unknownCharacter(let character):
      "\"\(character)\" is in no name; the wildcards are \"*\" (within a component), \"**\" and \"?\""
    }
  }
}
