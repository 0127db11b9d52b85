// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryPatterns
public import GantryWorld

/// Where a login comes from, and when: what slows down whoever guesses.
public struct LoginOrigin: Sendable, Hashable {
  /// The client's address; nil for a client without one, behind a unix-domain socket.
  public var address: NetworkAddress?
  /// Now, on the loop of the request.
  public var now: LoopInstant

  /// Makes an origin.
  public init(address: NetworkAddress?, now: LoopInstant) {
    self.address = address
    self.now = now
  }
}
