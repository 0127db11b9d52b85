// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryLimiting
import GantryOCI
import GantryPatterns
import GantryWorld
import Synchronization

/// Holds the requests of one loop to the limits of their clients, and remembers of each that is under way whose it is.
///
/// Isolation: safe from everywhere; in practice one loop uses it, so its lock is never waited for.
final class ClientThrottle: Sendable {
  private struct Ticket {
    var address: NetworkAddress?
    var user: String?
    /// Beyond limits.
    var isExempt = false
  }

  private let limiter: RequestLimiter
  private let clock: any LoopClock
  private let tickets = Mutex<[RequestID: Ticket]>([:])

  init(_ limiter: RequestLimiter, clock: any LoopClock) {
    self.limiter = limiter
    self.clock = clock
  }

  /// Lets a request of this address in, or throws the refusal.
  func enter(_ id: RequestID, from address: NetworkAddress?) throws(Refusal) {
    if limiter.exempts(address) {
      tickets.withLock { $0[id] = Ticket(isExempt: true) }
      return
    }
    if let pause = limiter.enter(address: address, at: clock.now) {
      throw Self.refusal("this address", pause)
    }
    tickets.withLock { $0[id] = Ticket(address: address) }
  }

  /// Counts a request that was let in as this user's, too, or throws the refusal.
  func enter(_ id: RequestID, as user: String) throws(Refusal) {
    guard limiter.limitsUsers, tickets.withLock({ $0[id]?.isExempt }) == false else { return }
    if let pause = limiter.enter(user: user, at: clock.now) { throw Self.refusal("this user", pause) }
    tickets.withLock { $0[id]?.user = user }
  }

  /// Lets a request of this address and this user in if both have something left; else nothing was taken of either, and
  /// it is for the other ways in to say what is wrong.
  func entersAtOnce(_ id: RequestID, from address: NetworkAddress?, as user: String?) -> Bool {
    if limiter.exempts(address) { return true }
    guard limiter.enter(address: address, at: clock.now) == nil else { return false }
    if let user, limiter.limitsUsers, limiter.enter(user: user, at: clock.now) != nil {
      limiter.withdraw(address: address)
      return false
    }
    tickets.withLock { $0[id] = Ticket(address: address, user: limiter.limitsUsers ? user : nil) }
    return true
  }

  /// The request is over.
  func leave(_ id: RequestID) {
    guard let ticket = tickets.withLock({ $0.removeValue(forKey: id) }) else { return }
    if let address = ticket.address { limiter.leave(address: address) }
    if let user = ticket.user { limiter.leave(user: user) }
  }

  /// A pause in whole seconds, for Retry-After.
  static func seconds(_ pause: Duration) -> Int64 {
    let (seconds, rest) = pause.components
    return max(1, rest > 0 ? seconds + 1 : seconds)
  }

  private static func refusal(_ who: String, _ pause: Duration) -> Refusal {
    var refusal = Refusal(.tooManyRequests, reason: "\(who) makes more requests than it may")
    refusal.fields.append("Retry-After", "\(seconds(pause))")
    return refusal
  }
}
