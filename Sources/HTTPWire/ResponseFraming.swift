// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// How the end of a response body is made known (RFC 9112, 6.3).
@frozen
public enum ResponseFraming: Hashable, Sendable {
  /// No content and no framing field: 1xx, 204, 304.
  case none
  /// Content-Length. For an answer to HEAD it is what GET would send, and no body follows.
  case length(UInt64)
  /// Transfer-Encoding: chunked. Only for HTTP/1.1 clients.
  case chunked
  /// The end of the connection ends the body: for HTTP/1.0 clients and a length not known beforehand. Goes with
  /// `keepAlive: false`.
  case untilClose
}
