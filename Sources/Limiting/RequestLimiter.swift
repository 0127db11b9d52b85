// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryPatterns
public import GantryWorld

/// Limits how many requests each address and each user makes in a second, and how many of them are under way at once.
///
/// Isolation: shared by all loops, so that it means the same whichever loops a client's connections are on. What it
/// remembers is bounded; see ``ClientTable``.
public final class RequestLimiter: Sendable {
  private let addresses: ClientTable<NetworkAddress>?
  /// By the bytes of the name: what Unicode takes for the same is another user.
  private let users: ClientTable<[UInt8]>?
  private let exempt: AddressSet

  /// Clients of each kind that are remembered. At some 100 bytes each these are a few MiB at most.
  public static let clientsMax = 65_536

  /// A limiter; nil when neither allowance limits anything. Addresses in `exempt` are limited neither as addresses nor
  /// as users.
  public init?(address: Allowance, user: Allowance, exempt: AddressSet, clientsMax: Int = clientsMax) {
    addresses = Self.table(address, clientsMax)
    users = Self.table(user, clientsMax)
    self.exempt = exempt
    if addresses == nil, users == nil { return nil }
  }

  /// Whether users are limited.
  public var limitsUsers: Bool { users != nil }

  /// Whether this client is beyond limits.
  public func exempts(_ address: NetworkAddress?) -> Bool { exempt.contains(address) }

  /// Lets a request of an address in, or says how long its client should wait. Nil means that it is in: at its end
  /// ``leave(address:)`` is due. A client without an address is let in.
  public func enter(address: NetworkAddress?, at now: LoopInstant) -> Duration? {
    guard let addresses, let address else { return nil }
    return addresses.enter(address.client, at: now.nanoseconds).map { .nanoseconds(Int64(clamping: $0)) }
  }

  /// Lets a request of a user in, as ``enter(address:at:)`` does.
  public func enter(user: String, at now: LoopInstant) -> Duration? {
    users?.enter(Array(user.utf8), at: now.nanoseconds).map { .nanoseconds(Int64(clamping: $0)) }
  }

  /// A request of an address is over.
  public func leave(address: NetworkAddress?) {
    if let address { addresses?.leave(address.client) }
  }

  /// A request of an address, which was let in, is to be let in by another way, and counts there.
  public func withdraw(address: NetworkAddress?) {
    guard let address, let addresses else { return }
    addresses.leave(address.client)
    addresses.refund(address.client)
  }

  /// A request of a user is over.
  public func leave(user: String) { users?.leave(Array(user.utf8)) }

  private static func table<Client>(_ allowance: Allowance, _ clientsMax: Int) -> ClientTable<Client>? {
    guard allowance.isLimiting else { return nil }
    return ClientTable(
      cost: allowance.rate > 0 ? 1_000_000_000 / UInt64(allowance.rate) : 0, burst: allowance.burst,
      concurrentMax: allowance.concurrentMax, clientsMax: clientsMax)
  }
}
