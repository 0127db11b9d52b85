// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryWorld
import Synchronization

/// Which passwords were found right a short while ago, so that a push does not pay for bcrypt with each request.
///
/// Holds no password: an entry is an HMAC over name, stored hash and password, under a key that this process made for
/// itself and that nobody else knows. As the stored hash is a part of it, an entry means nothing any more once the file
/// has another one. Wrong passwords are not kept.
///
/// Bounded: of two generations the older one is forgotten when the younger one is full.
final class PasswordCache: Sendable {
  /// An HMAC.
  typealias Key = [UInt8]

  private struct State {
    var young: [Key: WallTime] = [:]
    var old: [Key: WallTime] = [:]
  }

  private let secret: [UInt8]
  private let lifetime: Int64
  private let generationMax: Int
  private let state = Mutex(State())

  /// Keeps up to twice `generationMax` entries, each for `lifetime` seconds.
  init(secret: [UInt8], lifetime: Int64 = 300, generationMax: Int = 4096) {
    self.secret = secret
    self.lifetime = lifetime
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

  /// Whether the password was found right, not too long before `now`.
  func holds(_ key: Key, at now: WallTime) -> Bool {
    state.withLock { state in
      guard let since = state.young[key] ?? state.old[key] else { return false }
      // A clock that was set back makes entries worthless, not eternal.
      return since.seconds <= now.seconds && now.seconds - since.seconds < lifetime
    }
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
