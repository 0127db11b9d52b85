// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Synchronization

/// What clients may expect of the registry: for each target the digests that a GET of it may show.
///
/// One digest is what was acknowledged. Several are what a write that was never answered leaves open; the first look
/// after that settles it, because what was seen once has to stay.
struct Ledger: Sendable {
  /// Stands for the digest of what is not there.
  static let absent = ""

  private(set) var allowed: [String: Set<String>] = [:]
  /// Writes that were answered with 201 or 202.
  private(set) var acknowledged = 0
  /// Writes that got no answer.
  private(set) var unanswered = 0

  /// A write of these effects, each a target and the digest that it gets. `send` returns whether it was acknowledged; a
  /// write that throws got no answer.
  mutating func write(_ effects: [(target: String, digest: String)], _ send: () throws -> Bool) throws {
    let before = effects.map { allowed[$0.target, default: [Ledger.absent]] }
    for (effect, old) in zip(effects, before) { allowed[effect.target] = old.union([effect.digest]) }
    let isAcknowledged: Bool
    do {
      isAcknowledged = try send()
    } catch {
      unanswered += 1
      throw error
    }
    for (effect, old) in zip(effects, before) {
      allowed[effect.target] = isAcknowledged ? [effect.digest] : old
    }
    if isAcknowledged { acknowledged += 1 }
  }

  /// What the target shows when nothing is open about it.
  func value(of target: String) -> String? {
    guard let digests = allowed[target], digests.count == 1 else { return nil }
    return digests.first
  }

  /// Settles what was open.
  mutating func settle(_ seen: [String: String]) {
    for (target, digest) in seen where allowed[target] != nil { allowed[target] = [digest] }
  }

  /// Looks at each of the targets, with several clients at once. Returns what was seen, and notes whatever is missing,
  /// changed or half there.
  static func look(
    _ expected: [(target: String, digests: Set<String>)], at endpoint: Endpoint, _ faults: Notes
  ) throws -> [String: String] {
    let clients = 4
    let found = Findings()
    try Crowd.run(clients) { number in
      let client = HTTPClient(endpoint)
      var seen: [String: String] = [:]
      for index in stride(from: number, to: expected.count, by: clients) {
        let (target, digests) = expected[index]
        let response = try client.send("GET", target)
        let algorithm: Algorithm = target.contains("sha512:") ? .sha512 : .sha256
        let digest = response.status == 200 ? algorithm.digest(response.body) : absent
        if response.status != 200 && response.status != 404 {
          faults.add("\(target): \(response)")
        } else if !digests.contains(digest) {
          faults.add("\(target) shows \(digest.isEmpty ? "404" : digest) instead of \(digests)")
        } else {
          seen[target] = digest
        }
      }
      found.add(seen)
    }
    return found.all
  }
}

/// What several clients saw.
private final class Findings: Sendable {
  private let found = Mutex<[String: String]>([:])

  var all: [String: String] { found.withLock { $0 } }

  func add(_ seen: [String: String]) { found.withLock { $0.merge(seen) { $1 } } }
}
