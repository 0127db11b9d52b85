// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// How the end of a request body is found (RFC 9112, 6.3).
@frozen
public enum BodyFraming: Hashable, Sendable {
  /// Neither Content-Length nor Transfer-Encoding: the request has no body.
  case none
  /// Content-Length: exactly this many bytes follow; at most `Int64.max`, so that it converts to `Int`.
  case length(UInt64)
  /// The length is not known beforehand. HTTP/1.1: Transfer-Encoding: chunked, `ChunkedDecoder` finds the end;
  /// HTTP/2: no Content-Length, the last frame of the stream says so.
  case chunked
}
