// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryPatterns
public import GantryWorld

/// Slows down whoever tries passwords: an address has so many wrong ones in a minute, and then waits for the next. A
/// site of IPv6, which has thousands of nets, has eight times as many in all.
///
/// An attempt counts from its start, so that many at once are no way around it; one that was right is given back.
/// Isolation: shared by all loops; bounded.
public final class LoginBrake: Sendable {
  private let attempts: ClientTable<NetworkAddress>
  /// The attempts of a whole site of IPv6, whose clients are without number.
  private let siteAttempts: ClientTable<NetworkAddress>

  /// How much more than one client a site may try.
  private static let clientsOfSite = 8

  /// Addresses that are remembered: those forgotten first are those that have tried least.
  public static let addressesMax = 16_384

  /// A brake that lets `failuresPerMinute` wrong passwords through, at once or one after the other.
  public init(failuresPerMinute: Int, addressesMax: Int = addressesMax) {
    precondition(failuresPerMinute > 0, "without any attempt nobody could log in")
    attempts = ClientTable(
      cost: 60_000_000_000 / UInt64(failuresPerMinute), burst: failuresPerMinute, concurrentMax: 0,
      clientsMax: addressesMax)
    let ofSite = failuresPerMinute * Self.clientsOfSite
    siteAttempts = ClientTable(
      cost: 60_000_000_000 / UInt64(ofSite), burst: ofSite, concurrentMax: 0, clientsMax: addressesMax)
  }

  /// Begins an attempt: nil when it may be made, else how long the address has to wait. A client without an address,
  /// behind a unix-domain socket, is never slowed down: it would be for all others there.
  public func begin(_ address: NetworkAddress?, at now: LoopInstant) -> Duration? {
    guard let address else { return nil }
    if let pause = attempts.enter(address.client, at: now.nanoseconds) { return .nanoseconds(Int64(clamping: pause)) }
    guard !address.isIPv4, let pause = siteAttempts.enter(address.site, at: now.nanoseconds) else { return nil }
    attempts.refund(address.client)
    return .nanoseconds(Int64(clamping: pause))
  }

  /// The attempt was right, or was not judged at all.
  public func forgive(_ address: NetworkAddress?) {
    guard let address else { return }
    attempts.refund(address.client)
    if !address.isIPv4 { siteAttempts.refund(address.site) }
  }

  /// How many addresses it remembers.
  public var count: Int { attempts.count }
}
