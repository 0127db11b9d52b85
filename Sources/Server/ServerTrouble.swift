// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

/// What went wrong in the server's surroundings and no client can be told of: for the log.
public enum ServerTrouble: Sendable {
  /// No connection can be accepted, for want of descriptors as a rule. The server tries again, and tells of it now and
  /// then.
  case acceptFailed(StreamError)
  /// A response broke off because the file behind it could not be read to its end.
  case responseBroken(StreamError, target: String)
  /// A client's connection could not be secured: it speaks no TLS, or none that is served, or has no certificate that
  /// is taken. Its own fault as a rule, and no news to anybody but whoever set it up.
  case handshakeFailed(PeerAddress, reason: String)
  /// An address has as many connections open as one may have, and `count` more of addresses like it were closed at once
  /// since this was told last. Told now and then.
  case addressRefused(PeerAddress, count: UInt64)
  /// A client asked for more than its connection is given, or broke HTTP/2 in a way that leaves nothing to go on with.
  case clientCutOff(PeerAddress, reason: String)
}
