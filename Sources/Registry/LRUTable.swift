// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A table that forgets what was not used for longest, bounded by entries and by the sum of their weights.
///
/// The order of use is a list of slots linked by index, so that a hit moves no memory.
struct LRUTable<Key: Hashable, Value> {
  private struct Slot {
    var key: Key
    var value: Value?
    var weight: Int
    var lastUse: UInt64
    var newer: Int
    var older: Int
  }

  private static var none: Int { -1 }

  private let countMax: Int
  private let weightMax: Int
  private var slots: [Slot] = []
  private var free: [Int] = []
  private var places: [Key: Int] = [:]
  private var newest = -1
  private var oldest = -1
  private(set) var weight = 0

  init(countMax: Int, weightMax: Int) {
    self.countMax = countMax
    self.weightMax = weightMax
  }

  var count: Int { places.count }

  /// The value of `key`, which counts as used at `now`.
  mutating func use(_ key: Key, now: UInt64) -> Value? {
    guard let place = places[key] else { return nil }
    slots[place].lastUse = now
    if place != newest {
      unlink(place)
      linkNewest(place)
    }
    return slots[place].value
  }

  /// Keeps a value, replacing that of an equal key and forgetting old ones until it fits. One that is heavier than an
  /// eighth of the bound is not kept: it would push out too much that is used.
  mutating func keep(_ key: Key, _ value: Value, weight: Int, now: UInt64) {
    remove(key)
    guard countMax > 0, weight <= weightMax / 8 else { return }
    while count >= countMax || self.weight + weight > weightMax { remove(slots[oldest].key) }
    let slot = Slot(key: key, value: value, weight: weight, lastUse: now, newer: Self.none, older: Self.none)
    let place: Int
    if let reused = free.popLast() {
      place = reused
      slots[place] = slot
    } else {
      place = slots.count
      slots.append(slot)
    }
    places[key] = place
    self.weight += weight
    linkNewest(place)
  }

  /// Forgets the value of `key`.
  mutating func remove(_ key: Key) {
    guard let place = places.removeValue(forKey: key) else { return }
    unlink(place)
    weight -= slots[place].weight
    slots[place].value = nil
    free.append(place)
  }

  /// Forgets what was last used before `cutoff`.
  mutating func removeUnused(since cutoff: UInt64) {
    while oldest != Self.none, slots[oldest].lastUse < cutoff { remove(slots[oldest].key) }
  }

  /// Forgets everything.
  mutating func removeAll() {
    self = LRUTable(countMax: countMax, weightMax: weightMax)
  }

  private mutating func linkNewest(_ place: Int) {
    slots[place].newer = Self.none
    slots[place].older = newest
    if newest != Self.none { slots[newest].newer = place }
    newest = place
    if oldest == Self.none { oldest = place }
  }

  private mutating func unlink(_ place: Int) {
    let (newer, older) = (slots[place].newer, slots[place].older)
    if newer != Self.none { slots[newer].older = older } else { newest = older }
    if older != Self.none { slots[older].newer = newer } else { oldest = newer }
  }
}
