// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
import Synchronization

/// Randomness that follows from a seed. Callable from any thread; reproducible as long as the calls come in order.
public final class SeededEntropy: Entropy {
  private let generator: Mutex<SplitMix64>

  /// Randomness whose whole future follows from `seed`.
  public init(seed: UInt64) {
    generator = Mutex(SplitMix64(seed: seed))
  }

  /// The next `count` bytes.
  public func bytes(_ count: Int) -> [UInt8] {
    generator.withLock { $0.bytes(count) }
  }
}
