// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryTLS
public import GantryWorld
internal import Synchronization

/// The keys that sessions are sealed with when they are given to clients to keep (RFC 5077; RFC 8446, section 4.6.1).
///
/// A new key every hour; older ones open what they sealed for as long as a ticket counts. So whoever takes a key out of
/// this process reads some hours of TLS 1.2 and not more. Keys are of this process alone: a ticket of another one leads
/// to a full handshake.
public final class TicketKeys: Sendable {
  static let nameBytes = 16
  /// How long a key seals.
  static let sealingSeconds: Int64 = 3600
  /// How long a ticket counts.
  static let ticketSeconds: Int64 = 7200

  struct Key: Sendable {
    let name: [UInt8]
    let cipher: [UInt8]
    let authentication: [UInt8]
    let made: Int64
  }

  private let clock: any WallClock
  private let keys = Mutex<[Key]>([])

  /// Makes keys; the first at first use.
  public init(clock: any WallClock) {
    self.clock = clock
  }

  /// The key that seals now.
  func sealing() -> Key? {
    let now = clock.now.seconds
    return keys.withLock { keys in
      if let newest = keys.first, newest.made <= now, now - newest.made < Self.sealingSeconds { return newest }
      guard let fresh = Self.fresh(at: now) else { return nil }
      keys.removeAll { $0.made > now || now - $0.made >= Self.sealingSeconds + Self.ticketSeconds }
      keys.insert(fresh, at: 0)
      return fresh
    }
  }

  /// The key of this name, and whether another one seals by now.
  func opening(_ name: [UInt8]) -> (key: Key, isOld: Bool)? {
    let now = clock.now.seconds
    return keys.withLock { keys in
      guard let place = keys.firstIndex(where: { $0.name == name }) else { return nil }
      let age = now - keys[place].made
      guard age < Self.sealingSeconds + Self.ticketSeconds else { return nil }
      return (keys[place], place > 0 || age >= Self.sealingSeconds)
    }
  }

  private static func fresh(at now: Int64) -> Key? {
    var bytes = [UInt8](repeating: 0, count: nameBytes + 64)
    guard unsafe RAND_priv_bytes(&bytes, Int32(bytes.count)) == 1 else { return nil }
    return Key(
      name: Array(bytes[..<nameBytes]), cipher: Array(bytes[nameBytes..<(nameBytes + 32)]),
      authentication: Array(bytes[(nameBytes + 32)...]), made: now)
  }
}
