// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// The tokens that were found right a short while ago, so that a signature is checked once and not with each request.
///
/// Bounded in bytes: of two generations the older one is forgotten when the younger one is full. Refused tokens are not
/// kept, so nobody without a right one fills it.
struct TokenCache {
  /// How long a token is believed, in seconds: then its certificates may have expired.
  static let lifetime: Int64 = 300

  private struct Entry {
    var token: VerifiedToken
    var since: Int64

    /// A clock that was set back makes entries worthless, not eternal.
    func isFresh(_ now: WallTime) -> Bool {
      since <= now.seconds && now.seconds - since < TokenCache.lifetime
    }
  }

  /// A token as its own name: what is kept is in base 64 and dots, so its bytes are what Swift compares, as long as the
  /// lengths agree. Of its signature's end alone the hash is as good as of all of it, and nobody without a key chooses
  /// it.
  private struct Key: Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: Key, right: Key) -> Bool {
      left.text.utf8.count == right.text.utf8.count && left.text == right.text
    }

    func hash(into hasher: inout Hasher) {
      for byte in text.utf8.suffix(12) { hasher.combine(byte) }
    }
  }

  private let generationBytesMax: Int
  private var young: [Key: Entry] = [:]
  private var old: [Key: Entry] = [:]
  private var youngBytes = 0

  /// Keeps up to twice so many bytes.
  init(generationBytesMax: Int = 4 << 20) {
    self.generationBytesMax = generationBytesMax
  }

  /// What the token says, if it was found right not too long ago. Whether it still counts is another question.
  mutating func use(_ text: String, at now: WallTime) -> VerifiedToken? {
    let name = Key(text)
    if let entry = young[name] { return entry.isFresh(now) ? entry.token : nil }
    guard let entry = old.removeValue(forKey: name), entry.isFresh(now) else { return nil }
    keep(entry, name, bytes: text.utf8.count)
    return entry.token
  }

  /// Remembers a token that was found right.
  mutating func keep(_ token: VerifiedToken, _ text: String, at now: WallTime) {
    keep(Entry(token: token, since: now.seconds), Key(text), bytes: text.utf8.count)
  }

  /// Forgets everything.
  mutating func removeAll() {
    young = [:]
    old = [:]
    youngBytes = 0
  }

  /// Beyond the token's own bytes, roughly: what was read from it takes no more than it does.
  private static let bookkeepingBytes = 256

  private mutating func keep(_ entry: Entry, _ name: Key, bytes: Int) {
    let weight = bytes * 2 + Self.bookkeepingBytes
    if youngBytes + weight > generationBytesMax {
      old = young
      young = [:]
      youngBytes = 0
    }
    if young.updateValue(entry, forKey: name) == nil { youngBytes += weight }
  }
}
