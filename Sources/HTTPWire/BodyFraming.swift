// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// How the end of a request body is found (RFC 9112, 6.3).
@frozen
public enum BodyFraming: Hashable, Sendable {
  /// Neither Content-Length nor Transfer-Encoding: the request has no body.
  case none
  /// Content-Length: exactly this many bytes follow; at most `Int64.max`, so that it converts to `Int`.
  case length(UInt64)
  /// Transfer-Encoding: chunked; `ChunkedDecoder` finds the end.
  case chunked
}
