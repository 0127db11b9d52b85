// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The outside, as one value: loops, workers, files, time and randomness.
///
/// Product code reaches the outside through this value only, so the whole house also runs on a simulated one.
public struct World: Sendable {
  /// The loops, at least one. An actor names one of them; a connection lives on one for its whole life.
  public let loops: [any LoopExecutor]
  /// Threads for what may block.
  public let workers: any Workers
  /// The file system.
  public let files: any Files
  /// Randomness fit for secrets.
  public let entropy: any Entropy
  /// The time of day.
  public let clock: any WallClock

  /// Puts a world together.
  public init(
    loops: [any LoopExecutor], workers: any Workers, files: any Files, entropy: any Entropy, clock: any WallClock
  ) {
    precondition(!loops.isEmpty, "a world has at least one loop")
    self.loops = loops
    self.workers = workers
    self.files = files
    self.entropy = entropy
    self.clock = clock
  }

  /// The loop that owns the actor of this name. The same name gives the same loop for as long as the world lives,
  /// whatever process-wide hash seed is in force.
  public func loop(owning name: String) -> any LoopExecutor {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a, 64 bits
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return loops[Int(hash % UInt64(loops.count))]
  }
}
