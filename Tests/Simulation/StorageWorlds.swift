// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit

/// Every sequence of five of eight operations at the storage engine, with a crash at every step.
///
/// Before each file operation that follows a change of the disk, the disk as a crash would leave it is copied: killed,
/// with the least that a power cut keeps, and with some of the rest. A new engine starts on each copy, and what it
/// then tells is judged; for some copies, also of kills, the power goes in the middle of that start. A crash within an
/// operation is tried once, in the first of the sequences that begin alike.
public enum StorageWorlds {
  /// How many operations the longest sequences have.
  public static let length = 5

  /// How many sequences of this length there are.
  public static func count(of length: Int = length) -> Int {
    (0..<length).reduce(1) { product, _ in product * StorageDeed.allCases.count }
  }

  /// Plays one sequence with every crash that is its to try.
  public static func run(_ index: Int, of length: Int = length) -> TrialReport {
    var (rest, digits) = (index, [Int]())
    for _ in 0..<length {
      digits.insert(rest % StorageDeed.allCases.count, at: 0)
      rest /= StorageDeed.allCases.count
    }
    // What follows an operation is the first of all that could: nobody else tries this beginning.
    let firstWatched = digits.dropFirst().lastIndex { $0 != 0 } ?? 0
    return run(
      digits.map { StorageDeed.allCases[$0] }, watchingFrom: firstWatched, named: "sequence \(index)",
      seed: UInt64(index))
  }

  /// Plays these operations, with a crash at every step from the operation at `firstWatched` on.
  static func run(
    _ deeds: [StorageDeed], watchingFrom firstWatched: Int, named name: String, seed: UInt64
  ) -> TrialReport {
    var report = TrialReport()
    report.tally.add(1, "sequences")
    let world = StorageWorld(seed: seed)
    let failure = world.play(deeds, watchingFrom: firstWatched)
    let names = deeds.map(\.rawValue).joined(separator: ", ")
    if let failure {
      report.failure = "\(name) (\(names)): \(failure)"
      return report
    }
    var generator = SplitMix64(seed: seed)
    for crash in world.crashes {
      report.tally.add(1, crash.isPowerCut ? "power cuts" : "kills")
      let again = generator.oneIn(4) ? generator.below(60) : nil
      if again != nil {
        report.tally.add(1, crash.isPowerCut ? "power cuts during recovery" : "power cuts during recovery from kills")
      }
      if let failure = crash.judge(cuttingAgainAfter: again, seed: generator.next()) {
        report.failure = "\(name) (\(names)), \(crash.note): \(failure)"
        return report
      }
    }
    return report
  }
}

/// One operation of a small world at the storage engine.
enum StorageDeed: String, CaseIterable {
  case pushLarge
  case pushSmall
  case mount
  case putManifest
  case tag
  case retag
  case removeManifest
  case unlink
}
