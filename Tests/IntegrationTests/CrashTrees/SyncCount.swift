// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// How many syncs a server made for the writes of one phase of a trace.
struct SyncCount {
  /// Begun before the phase's last answer left.
  private(set) var before = 0
  /// Begun after it, until the server had ended: what was left for later.
  private(set) var behind = 0

  static let calls: Set<String> = ["fsync", "fdatasync", "sync_file_range", "syncfs", "sync", "msync"]

  /// Counts from when `earlier` answers have left until `answers` more have.
  init(_ trace: SystemTrace, after earlier: Int, answers: Int) throws {
    var left = 0
    for case .begin(let index) in trace.events {
      let call = trace.calls[index]
      if SyncCount.calls.contains(call.name), left >= earlier {
        if left < earlier + answers { before += 1 } else { behind += 1 }
      } else if ["write", "writev", "sendto", "sendmsg"].contains(call.name), call.isDone, try Self.isAnswer(call) {
        left += 1
      }
    }
    guard left == earlier + answers else {
      throw TraceError("\(left) answers are in the trace instead of \(earlier + answers)")
    }
  }

  private static func isAnswer(_ call: SystemCall) throws -> Bool {
    let head = String(decoding: try call.bytes(1, head: true).prefix(12), as: UTF8.self)
    // Logs may quote an answer.
    return try head.hasPrefix("HTTP/1.") && (Int(head.suffix(3)) ?? 0) >= 200 && call.number(0) > 2
  }
}
