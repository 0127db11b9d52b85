// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryWorld
import Synchronization

/// Which passwords were found right lately, so that a push does not pay for bcrypt with each request, and so that
/// whoever worked here today is not taken for somebody who guesses.
///
/// Holds no password: an entry is an HMAC over name, stored hash and password, under a key that this process made for
/// itself and that nobody else knows. As the stored hash is a part of it, an entry means nothing any more once the file
/// has another one. Wrong passwords are not kept.
///
/// Bounded: of two generations the older one is forgotten when the younger one is full.
final class PasswordCache: Sendable {
  /// An HMAC.
  typealias Key = [UInt8]

  /// How long ago a password was found right.
  enum Age: Sendable, Hashable {
    /// So lately that it need not be compared again.
    case fresh
    /// It has to be compared again, and yet is no guess.
    case known
  }

  private struct State {
    var young: [Key: WallTime] = [:]
    var old: [Key: WallTime] = [:]
  }

  private let secret: [UInt8]
  private let freshSeconds: Int64
  private let knownSeconds: Int64
  private let generationMax: Int
  private let state = Mutex(State())

  /// Keeps up to twice `generationMax` entries: each is fresh for five minutes, and known for a day.
  init(secret: [UInt8], freshSeconds: Int64 = 300, knownSeconds: Int64 = 86_400, generationMax: Int = 4096) {
    self.secret = secret
    self.freshSeconds = freshSeconds
    self.knownSeconds = knownSeconds
    self.generationMax = generationMax
  }

  /// The key of a name with a stored hash (which always has one length) and a password.
  func key(_ name: String, _ hash: String, _ password: [UInt8]) -> Key {
    var message: [UInt8] = []
    let length = UInt32(truncatingIfNeeded: name.utf8.count)
    for shift in [24, 16, 8, 0] as [UInt32] { message.append(UInt8(truncatingIfNeeded: length >> shift)) }
    message += name.utf8
    message += hash.utf8
    message += password
    return hmacSHA256(key: secret, message: message)
  }

  /// A number that a name has for as long as this process lives, and that nobody else can tell.
  func number(of name: String) -> UInt64 {
    let mac = hmacSHA256(key: secret, message: Array("name ".utf8) + Array(name.utf8))
    return mac.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// How long before `now` the password was found right; nil: never, or too long ago to matter.
  func age(of key: Key, at now: WallTime) -> Age? {
    guard let since = state.withLock({ $0.young[key] ?? $0.old[key] }) else { return nil }
    let seconds = now.seconds - since.seconds
    // A clock that was set back makes entries worthless, not eternal.
    guard seconds >= 0, seconds < knownSeconds else { return nil }
    return seconds < freshSeconds ? .fresh : .known
  }

  /// Remembers that the password was found right at `now`.
  func keep(_ key: Key, at now: WallTime) {
    state.withLock { state in
      if state.young.count >= generationMax {
        state.old = state.young
        state.young.removeAll(keepingCapacity: true)
      }
      state.young[key] = now
    }
  }
}
