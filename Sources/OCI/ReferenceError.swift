// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a text names no manifest: neither a digest nor a tag.
public enum ReferenceError: Error, Sendable, Hashable, CustomStringConvertible {
  /// It contains a colon, so it was meant as a digest, and is none.
  case digest(DigestError)
  /// It contains no colon, so it was meant as a tag, and is none.
  case tag(NameError)

  /// A sentence for the client.
  public var description: String {
    switch self {
    case .digest(let error): error.description
    case .tag(let error): error.description
    }
  }
}
