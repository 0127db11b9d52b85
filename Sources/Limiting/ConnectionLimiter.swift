// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryPatterns
import Synchronization

/// Limits how many connections each address has open.
///
/// Isolation: shared by all loops; bounded by the connections that there are, as it remembers only who has one.
public final class ConnectionLimiter: Sendable {
  private let exempt: AddressSet
  private let connectionsMax: Int
  private let open = Mutex<[NetworkAddress: Int]>([:])

  /// At most `connectionsMax` connections for each address that is not in `exempt`. Clients without an address, behind
  /// a unix-domain socket, are never limited.
  public init(connectionsMax: Int, exempt: AddressSet) {
    precondition(connectionsMax > 0, "without any connection nobody could be served")
    self.connectionsMax = connectionsMax
    self.exempt = exempt
  }

  /// Counts a connection from this host. `leave` is due at its end, with the place that is returned; nil: it is one too
  /// many, and was not counted.
  public func enter(host: String) -> Place? {
    guard let address = NetworkAddress(host), !exempt.contains(address) else { return Place(client: nil) }
    let client = address.client
    return open.withLock { open in
      let count = open[client, default: 0]
      guard count < connectionsMax else { return nil }
      open[client] = count + 1
      return Place(client: client)
    }
  }

  /// A connection that was counted has ended.
  public func leave(_ place: Place) {
    guard let client = place.client else { return }
    open.withLock { open in
      guard let count = open[client] else { preconditionFailure("a connection ends once") }
      open[client] = count > 1 ? count - 1 : nil
    }
  }

  /// How many addresses have connections that count.
  public var count: Int { open.withLock { $0.count } }

  /// What a connection is counted as.
  public struct Place: Sendable, Hashable {
    fileprivate let client: NetworkAddress?
  }
}
