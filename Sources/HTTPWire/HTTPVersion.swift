// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The two versions of HTTP/1 that are spoken here; any other is answered with 505.
@frozen
public enum HTTPVersion: Hashable, Sendable {
  case http10
  case http11

  /// The version as it stands in a request line.
  public var text: String {
    switch self {
    case .http10: "HTTP/1.0"
    case .http11: "HTTP/1.1"
    }
  }
}
