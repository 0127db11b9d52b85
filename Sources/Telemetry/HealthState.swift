// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Synchronization

/// What the health checks found, shared by who makes them and who asks. Callable from any thread.
public final class HealthState: Sendable {
  private let failures = Mutex<[String: String]>([:])
  private let isFailing = Atomic<Bool>(false)
  private let switches: Set<String>

  /// Of checks that have not run. A failing check named in `switches` says that an operator has taken this process out
  /// of service by hand.
  public init(switches: Set<String> = []) {
    self.switches = switches
  }

  /// Takes the result of the check of this name: nil, or what is wrong.
  public func set(_ name: String, to failure: String?) {
    failures.withLock { failures in
      failures[name] = failure
      isFailing.store(!failures.isEmpty, ordering: .relaxed)
    }
  }

  /// Whether no check fails. One load.
  public var isHealthy: Bool { !isFailing.load(ordering: .relaxed) }

  /// Whether an operator has taken this process out of service.
  public var isSwitchedOff: Bool {
    !isHealthy && failures.withLock { failures in failures.keys.contains(where: switches.contains) }
  }

  /// The checks that fail, and what is wrong, by name.
  public var all: [(name: String, failure: String)] {
    failures.withLock { $0.map { ($0.key, $0.value) } }.sorted { $0.0 < $1.0 }
  }

  /// The checks that fail as one JSON object, as Distribution's `/debug/health` answers: `{}` when all is well.
  public var json: [UInt8] {
    var bytes: [UInt8] = [UInt8(ascii: "{")]
    for (index, check) in all.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      LogText.appendJSON(check.name, to: &bytes)
      bytes.append(UInt8(ascii: ":"))
      LogText.appendJSON(check.failure, to: &bytes)
    }
    bytes.append(UInt8(ascii: "}"))
    return bytes
  }
}
