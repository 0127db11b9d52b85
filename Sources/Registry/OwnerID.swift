// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Synchronization

/// Names who holds a turn or a lock, so that nothing is ever held by an unnamed, suspended frame.
struct OwnerID: Sendable, Hashable {
  private let number: UInt64

  /// Hands out owner ids, each once. Callable from any thread.
  final class Source: Sendable {
    private let last = Atomic<UInt64>(0)

    /// An owner that nobody else is.
    func next() -> OwnerID {
      OwnerID(number: last.add(1, ordering: .relaxed).newValue)
    }
  }
}
