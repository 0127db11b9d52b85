// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a tree has to hold at a moment of the trace: what was acknowledged until then, with what is under way.
struct Expectation {
  private let logs: [ClientLog]
  /// The deeds of each port that were not answered yet, the next one last.
  private var waiting: [Int: [(client: Int, deed: Deed)]] = [:]
  private var answered: [Int]
  /// The digest that each target has to show.
  private(set) var values: [Target: String] = [:]
  /// How many answered deeds changed something.
  private(set) var acknowledged = 0

  init(_ logs: [ClientLog]) throws(TraceError) {
    self.logs = logs
    answered = logs.map { _ in 0 }
    for (client, log) in logs.enumerated() {
      for deed in log.deeds { waiting[deed.port, default: []].append((client, deed)) }
    }
    for (port, deeds) in waiting {
      if Set(deeds.map(\.client)).count > 1 { throw TraceError("two clients came from port \(port)") }
      waiting[port] = deeds.reversed()
    }
  }

  /// Takes an answer into account and returns what was answered.
  mutating func take(port: Int, status: Int) throws(TraceError) -> Deed {
    guard let (client, deed) = waiting[port]?.popLast() else {
      throw TraceError("an answer \(status) to port \(port), where nobody asked")
    }
    guard deed.status == status else { throw TraceError("\(deed) stands as \(status) in the trace") }
    answered[client] += 1
    for (target, digest) in deed.effects { values[target] = digest }
    if !deed.effects.isEmpty { acknowledged += 1 }
    return deed
  }

  /// What each target may show instead, because a write of it is under way.
  var underWay: [Target: Set<String>] {
    var result: [Target: Set<String>] = [:]
    for (client, log) in logs.enumerated() where answered[client] < log.deeds.count {
      for (target, digest) in log.deeds[answered[client]].effects { result[target, default: []].insert(digest) }
    }
    return result
  }

  /// Whether all that the clients did before this phase is answered.
  func isPast(_ phase: Int) -> Bool {
    logs.indices.allSatisfy { client in
      !logs[client].deeds[answered[client]...].contains { $0.phase < phase }
    }
  }

  /// What is still to be answered.
  var left: Int { waiting.values.reduce(0) { $0 + $1.count } }
}
