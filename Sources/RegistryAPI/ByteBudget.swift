// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Synchronization

/// Bounds how many bytes all requests of a loop hold at once, whatever each of them may hold.
///
/// Isolation: safe from everywhere; in practice one loop uses it, so its lock is never waited for.
final class ByteBudget: Sendable {
  private let bytesMax: Int
  private let held = Mutex(0)

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  /// Takes `count` bytes, or nothing and says false. What was taken is given back with ``giveBack(_:)``.
  func take(_ count: Int) -> Bool {
    held.withLock { held in
      guard count <= bytesMax - held else { return false }
      held += count
      return true
    }
  }

  /// Gives back what was taken.
  func giveBack(_ count: Int) {
    held.withLock { held in
      precondition(count <= held, "no more is given back than was taken")
      held -= count
    }
  }
}
