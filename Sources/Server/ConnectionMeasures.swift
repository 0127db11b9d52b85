// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The connections of a server.
public struct ConnectionMeasures: Sendable, Hashable {
  /// Connections that are open.
  public var open: Int
  /// Connections that were taken since the start.
  public var accepted: UInt64
  /// Connections that were sent away, because there were too many.
  public var refused: UInt64
  /// Connections that were closed at once, because their address had too many.
  public var refusedOfAddress: UInt64

  /// Makes measures.
  public init(open: Int = 0, accepted: UInt64 = 0, refused: UInt64 = 0, refusedOfAddress: UInt64 = 0) {
    self.open = open
    self.accepted = accepted
    self.refused = refused
    self.refusedOfAddress = refusedOfAddress
  }
}
