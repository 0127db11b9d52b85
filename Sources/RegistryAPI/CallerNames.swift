// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryWorld
import Synchronization

/// The names of users whose requests are under way, for the log lines that are written when they end.
///
/// Isolation: safe from everywhere; in practice one loop uses it, so its lock is never waited for.
final class CallerNames: Sendable {
  private let names = Mutex<[RequestID: String]>([:])

  func note(_ name: String, _ id: RequestID) { names.withLock { $0[id] = name } }

  func take(_ id: RequestID) -> String? { names.withLock { $0.isEmpty ? nil : $0.removeValue(forKey: id) } }
}
