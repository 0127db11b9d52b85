// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Synchronization

/// What clients have taken lately: for each a time until which its rate is spent (the generic cell rate algorithm, one
/// number for each client) and how many of its requests are under way.
///
/// Bounded: a client that rests owes nothing, so forgetting it changes nothing. When a part of the table is full, those
/// are forgotten that owe least; never one that has a request under way, of which there are no more than requests.
///
/// Isolation: shared by all loops; each of its parts has a lock, held for some tens of nanoseconds.
final class ClientTable<Client: Hashable & Sendable>: Sendable {
  private struct Entry {
    /// The time at which the client owes nothing any more, in nanoseconds.
    var restsAt: UInt64 = 0
    var underWay = 0
  }

  private final class Part: Sendable {
    let entries = Mutex<[Client: Entry]>([:])
  }

  private let parts: [Part]
  private let partMax: Int
  /// What one request costs, in nanoseconds; 0 without a rate.
  private let cost: UInt64
  /// How far ahead a client may be.
  private let tolerance: UInt64
  private let concurrentMax: Int

  /// A table of at most `clientsMax` clients at rest. A request takes `cost` nanoseconds of a client's time.
  init(cost: UInt64, burst: Int, concurrentMax: Int, clientsMax: Int) {
    let count = clientsMax >= 4096 ? 16 : 1
    parts = (0..<count).map { _ in Part() }
    partMax = max(1, clientsMax / count)
    self.cost = cost
    tolerance = cost * UInt64(max(0, burst - 1))
    self.concurrentMax = concurrentMax
  }

  /// Lets a request in: nil, and ``leave(_:)`` is due at its end. Else after how many nanoseconds it is worth trying
  /// again; then nothing was taken.
  func enter(_ client: Client, at now: UInt64) -> UInt64? {
    part(of: client).entries.withLock { entries in
      if entries[client] == nil {
        if entries.count >= partMax { forget(&entries, at: now) }
      }
      var entry = entries[client] ?? Entry()
      if concurrentMax > 0, entry.underWay >= concurrentMax { return Self.pauseAtConcurrency }
      if cost > 0 {
        let start = max(entry.restsAt, now)
        if start - now > tolerance { return start - now - tolerance }
        entry.restsAt = start + cost
      }
      if concurrentMax > 0 { entry.underWay += 1 }
      entries[client] = entry
      return nil
    }
  }

  /// A request that was let in is over.
  func leave(_ client: Client) {
    guard concurrentMax > 0 else { return }
    part(of: client).entries.withLock { entries in
      guard var entry = entries[client] else { return }
      entry.underWay = max(0, entry.underWay - 1)
      entries[client] = entry.underWay == 0 && cost == 0 ? nil : entry
    }
  }

  /// Gives back what a request cost.
  func refund(_ client: Client) {
    part(of: client).entries.withLock { entries in
      guard let entry = entries[client] else { return }
      entries[client]?.restsAt = entry.restsAt > cost ? entry.restsAt - cost : 0
    }
  }

  /// How many clients it knows.
  var count: Int { parts.reduce(0) { sum, part in sum + part.entries.withLock { $0.count } } }

  /// When to try again where it is not known when another request ends.
  private static var pauseAtConcurrency: UInt64 { 1_000_000_000 }

  private func part(of client: Client) -> Part {
    parts.count == 1 ? parts[0] : parts[Int(UInt(bitPattern: client.hashValue) % UInt(parts.count))]
  }

  /// Makes room: forgets whoever rests, and if that is not an eighth of the part, those who owe least.
  private func forget(_ entries: inout [Client: Entry], at now: UInt64) {
    let wanted = max(1, partMax / 8)
    let before = entries.count
    entries = entries.filter { $0.value.underWay > 0 || $0.value.restsAt > now }
    let missing = wanted - (before - entries.count)
    guard missing > 0 else { return }
    let idle = entries.filter { $0.value.underWay == 0 }.sorted { $0.value.restsAt < $1.value.restsAt }
    for (client, _) in idle.prefix(missing) { entries[client] = nil }
  }
}
