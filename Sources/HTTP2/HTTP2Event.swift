// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryHTTPWire

/// What happened on a connection, in the order in which it did.
public enum HTTP2Event: Sendable {
  /// A request began. It counts until ``HTTP2Session/release(_:)``.
  case head(stream: Int32, RequestHead)
  /// A request began whose head is refused; an answer may be submitted. It counts until it is released, too.
  case malformed(stream: Int32, WireError)
  /// More of a body has come, or its end.
  case body(stream: Int32)
  /// A stream that counts is closed before its response was submitted whole: by the client, or because it broke a
  /// rule on it.
  case reset(stream: Int32)
  /// The client acknowledged our ping.
  case pong
}
