// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Synchronization

/// What the clients of a history know: every write that was asked for, whether it was acknowledged, and when.
///
/// A read is judged by the rule of an atomic register, weakened where an answer is missing: what is seen must have
/// been written by somebody, and no acknowledged write may lie wholly between that write and the read. A write without
/// an answer may have happened, until its server is dead, or not.
final class Ledger: Sendable {
  /// Something that can be there or not, or mean this or that.
  enum Key: Hashable, CustomStringConvertible {
    case blob(String, String)
    case manifest(String, String)
    case tag(String, String)

    var description: String {
      switch self {
      case .blob(let repository, let digest): "blob \(repository)@\(digest.prefix(15))"
      case .manifest(let repository, let digest): "manifest \(repository)@\(digest.prefix(15))"
      case .tag(let repository, let tag): "tag \(repository):\(tag)"
      }
    }
  }

  /// What a blob or manifest that is there means.
  static let there = "there"

  /// One write that is about to be asked for.
  struct Intent {
    var key: Key
    /// nil: that it be gone.
    var value: String?
    /// Only where the key means this.
    var onlyOver: String?
  }

  /// What became of a write.
  enum Outcome {
    /// It was acknowledged.
    case done
    /// It was not made and never will be.
    case refused
    /// It was made before the answer, or never will be: what went wrong is over when it is told.
    case doubtful
  }

  fileprivate struct Write {
    var value: String?
    var onlyOver: String?
    var start: Int
    var end: Int?
    var isAcknowledged = false
    var server: Int
  }

  struct Ticket {
    fileprivate var key: Key
    fileprivate var number: Int
  }

  fileprivate struct State {
    var now = 1
    var nextNumber = 0
    var writes: [Key: [Int: Write]] = [:]
    var order: [Key] = []
    var recent: [Key] = []
    var failure: String?
    var powerCuts = 0
    var requests = 0
    var cuts = 0
  }

  private let state = Mutex(State())
  private let failed = Atomic<Bool>(false)

  /// The next moment: later than all before.
  func tick() -> Int {
    state.withLock { state in
      state.now += 1
      return state.now
    }
  }

  // MARK: Failures and counts

  /// Whether a rule was broken.
  var isFailed: Bool { failed.load(ordering: .relaxed) }

  /// The first rule that was broken.
  var failure: String? { state.withLock { $0.failure } }

  /// Says that a rule was broken; the first one counts.
  func fail(_ text: String) {
    state.withLock { if $0.failure == nil { $0.failure = text } }
    failed.store(true, ordering: .relaxed)
  }

  /// How often the power was cut.
  var powerCuts: Int { state.withLock { $0.powerCuts } }

  func notePowerCut() {
    state.withLock { $0.powerCuts += 1 }
  }

  var requests: Int { state.withLock { $0.requests } }

  func noteRequest() {
    state.withLock { $0.requests += 1 }
  }

  var cuts: Int { state.withLock { $0.cuts } }

  func noteCut() {
    state.withLock { $0.cuts += 1 }
  }

  // MARK: Writes

  /// Enters a write that is asked of `server` from now on.
  func begin(_ intent: Intent, server: Int) -> Ticket {
    state.withLock { state in
      state.now += 1
      state.nextNumber += 1
      if state.writes[intent.key] == nil { state.order.append(intent.key) }
      state.recent.removeAll { $0 == intent.key }
      state.recent.append(intent.key)
      state.writes[intent.key, default: [:]][state.nextNumber] = Write(
        value: intent.value, onlyOver: intent.onlyOver, start: state.now, server: server)
      return Ticket(key: intent.key, number: state.nextNumber)
    }
  }

  /// Says what became of a write.
  func settle(_ ticket: Ticket, _ outcome: Outcome) {
    state.withLock { state in
      state.now += 1
      switch outcome {
      case .done:
        state.writes[ticket.key]?[ticket.number]?.isAcknowledged = true
        if state.writes[ticket.key]?[ticket.number]?.end == nil {
          state.writes[ticket.key]?[ticket.number]?.end = state.now
        }
      case .refused: state.writes[ticket.key]?[ticket.number] = nil
      case .doubtful:
        if state.writes[ticket.key]?[ticket.number]?.end == nil {
          state.writes[ticket.key]?[ticket.number]?.end = state.now
        }
      }
    }
  }

  /// What a dead server has not done it will never do.
  func serverEnded(_ server: Int) {
    state.withLock { state in
      state.now += 1
      for key in state.order {
        for number in Array(state.writes[key, default: [:]].keys) {
          guard let write = state.writes[key]?[number], write.server == server, write.end == nil else { continue }
          state.writes[key]?[number]?.end = state.now
        }
      }
    }
  }

  /// What was asked to be written last, latest first, at most `count`.
  func latest(_ count: Int) -> [Key] {
    state.withLock { Array($0.recent.suffix(count).reversed()) }
  }

  /// Everything that anybody asked to be written, in that order.
  var keys: [Key] { state.withLock { $0.order } }

  // MARK: Reads

  /// Judges that `key` meant `value` at some moment between `start` and `end`.
  func judge(_ key: Key, meant value: String?, between start: Int, and end: Int) {
    let verdict = state.withLock { $0.verdict(key, value, start, end) }
    if let verdict { fail("\(key): \(verdict)") }
  }

  /// Judges that `key` meant something, whatever it was.
  func judgeThere(_ key: Key, between start: Int, and end: Int) {
    let verdict = state.withLock { state -> String? in
      let values = Set(state.writes[key, default: [:]].values.compactMap(\.value)).sorted()
      if values.isEmpty { return "is there, and nobody ever wrote it" }
      let verdicts = values.map { state.verdict(key, $0, start, end) }
      return verdicts.contains { $0 == nil } ? nil : verdicts[0]
    }
    if let verdict { fail("\(key): \(verdict)") }
  }
}

extension Ledger.State {
  /// What is wrong with the observation, if anything is.
  fileprivate func verdict(_ key: Ledger.Key, _ value: String?, _ start: Int, _ end: Int) -> String? {
    let writes = writes[key, default: [:]].values
    func isOverwritten(since moment: Int) -> Bool {
      writes.contains { later in
        guard later.isAcknowledged, later.value != value, let done = later.end else { return false }
        return later.start >= moment && done <= start && (later.onlyOver == nil || later.onlyOver == value)
      }
    }
    if value == nil, !isOverwritten(since: 0) { return nil }
    let candidates = writes.filter { $0.value == value && $0.start < end }
    if candidates.contains(where: { !isOverwritten(since: $0.end ?? .max) }) { return nil }
    guard let value else { return "is gone, and was acknowledged" }
    if candidates.isEmpty { return "means \(value.prefix(15)), and nobody ever wrote that" }
    return "still means \(value.prefix(15)), and a later change was acknowledged"
  }
}
