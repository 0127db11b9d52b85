// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The versions that are spoken here. A request line with any other than the first two is answered with 505.
@frozen
public enum HTTPVersion: Hashable, Sendable {
  case http10
  case http11
  /// Never in a request line: its heads come as field sections.
  case http2

  /// The version as it stands in a request line; that of HTTP/2 as Go's logs have it.
  public var text: String {
    switch self {
    case .http10: "HTTP/1.0"
    case .http11: "HTTP/1.1"
    case .http2: "HTTP/2.0"
    }
  }
}
