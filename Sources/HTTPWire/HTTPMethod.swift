// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A request method: a case-sensitive token (RFC 9110, 9.1).
@frozen
public enum HTTPMethod: Hashable, Sendable {
  case get
  case head
  case post
  case put
  case patch
  case delete
  case options
  /// Any other token, as it was sent: `get` is not GET.
  case other(String)

  /// Sorts a token into a known method or `other`; does not check that it is a token.
  public init(_ token: String) {
    switch token {
    case "GET": self = .get
    case "HEAD": self = .head
    case "POST": self = .post
    case "PUT": self = .put
    case "PATCH": self = .patch
    case "DELETE": self = .delete
    case "OPTIONS": self = .options
    default: self = .other(token)
    }
  }

  /// The token as it stands in a request line.
  public var text: String {
    switch self {
    case .get: "GET"
    case .head: "HEAD"
    case .post: "POST"
    case .put: "PUT"
    case .patch: "PATCH"
    case .delete: "DELETE"
    case .options: "OPTIONS"
    case .other(let token): token
    }
  }
}
