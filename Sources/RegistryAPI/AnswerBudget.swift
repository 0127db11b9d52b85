// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import Synchronization

/// Bounds how many bytes of long answers a loop holds for clients that take them slowly: manifests that are too large
/// for the cache, long lists. What the cache holds is shared and not counted; of files no more is in memory than what a
/// connection writes next.
///
/// Isolation: safe from everywhere; in practice one loop uses it, so its lock is never waited for.
final class AnswerBudget: Sendable {
  /// Shorter answers are not counted: the number of connections bounds them, over HTTP/2 that of its streams.
  static let uncountedBytesMax = 64 * 1024

  private let budget: ByteBudget
  private let held = Mutex<[RequestID: Int]>([:])

  init(bytesMax: Int) {
    budget = ByteBudget(bytesMax: bytesMax)
  }

  /// Takes what the body needs until ``giveBack(_:)`` is called with the same id, or nothing and says false.
  func take(_ body: ResponseBody, for id: RequestID) -> Bool {
    guard case .bytes(let bytes) = body, bytes.count > Self.uncountedBytesMax else { return true }
    guard budget.take(bytes.count) else { return false }
    let before = held.withLock { $0.updateValue(bytes.count, forKey: id) }
    if let before { budget.giveBack(before) }
    return true
  }

  /// The answer has left, or its client has.
  func giveBack(_ id: RequestID) {
    if let count = held.withLock({ $0.isEmpty ? nil : $0.removeValue(forKey: id) }) { budget.giveBack(count) }
  }
}
