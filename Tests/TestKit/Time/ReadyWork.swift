// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// One piece of work in a scheduler's queue.
struct ReadyWork: Sendable {
  enum Action: Sendable {
    case job(UnownedJob)
    case call(@Sendable () -> Void)
  }

  let process: SimulatedScheduler.ProcessID
  /// The loop it runs as; nil for a worker or for the outside.
  let loop: SimulatedLoop?
  let action: Action
}

/// Timers in the order in which they fire: by deadline, then by age.
struct TimerQueue {
  struct Key: Sendable, Hashable, Comparable {
    let deadline: LoopInstant
    let sequence: Int

    static func < (left: Key, right: Key) -> Bool {
      (left.deadline, left.sequence) < (right.deadline, right.sequence)
    }
  }

  // Sorted descending, so that the next one is last.
  private var entries: [(key: Key, work: ReadyWork)] = []

  var count: Int { entries.count }

  mutating func insert(_ key: Key, _ work: ReadyWork) {
    entries.insert((key, work), at: position(of: key))
  }

  mutating func remove(_ key: Key) -> ReadyWork? {
    let index = position(of: key)
    guard index < entries.count, entries[index].key == key else { return nil }
    return entries.remove(at: index).work
  }

  mutating func popFirst(notAfter limit: LoopInstant? = nil) -> (deadline: LoopInstant, work: ReadyWork)? {
    guard let next = entries.last else { return nil }
    if let limit, limit < next.key.deadline { return nil }
    entries.removeLast()
    return (next.key.deadline, next.work)
  }

  mutating func removeAll(of process: SimulatedScheduler.ProcessID) -> [ReadyWork] {
    let removed = entries.filter { $0.work.process == process }
    entries.removeAll { $0.work.process == process }
    return removed.map(\.work)
  }

  // The first place whose key is not greater than `key`.
  private func position(of key: Key) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if key < entries[middle].key { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// The latest lines of a history.
struct TraceRing {
  private static let linesMax = 256
  private var storage: [String] = []
  private var start = 0

  var lines: [String] { Array(storage[start...] + storage[..<start]) }

  mutating func append(_ line: String) {
    if storage.count < Self.linesMax {
      storage.append(line)
    } else {
      storage[start] = line
      start = (start + 1) % Self.linesMax
    }
  }
}
