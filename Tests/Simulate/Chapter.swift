// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantrySimulation

/// One kind of work, whose pieces are numbered.
enum Chapter: String, CaseIterable {
  /// Random histories of whole registries, by seed.
  case histories
  /// Every sequence of five operations at the storage engine, with a crash at every step.
  case storageWorlds = "small-worlds-storage"
  /// Every sequence of three requests to a whole server, with a crash at every step.
  case serverWorlds = "small-worlds-server"
  /// Every file operation of every kind of request fails once, in every way.
  case failures = "fail-each"
  /// Every planted bug is looked for.
  case bugs

  /// How many pieces there are; nil: as many as one likes.
  var count: UInt64? {
    switch self {
    case .histories: nil
    case .storageWorlds: UInt64(StorageWorlds.count())
    case .serverWorlds: UInt64(ServerWorlds.count)
    case .failures: UInt64(FailEach.trials.count)
    case .bugs: UInt64(PlantedBug.allCases.count)
    }
  }

  /// How many pieces one process takes at a time.
  var blockSize: UInt64 {
    switch self {
    case .histories: 200
    case .storageWorlds: 512
    case .serverWorlds: 16
    case .failures: 4
    case .bugs: 1
    }
  }

  /// How many histories are tried for one planted bug.
  private static let historiesPerBug: UInt64 = 4_000

  /// Does one piece; `first` is where the seeds begin.
  func run(_ piece: UInt64, from first: UInt64, bug: PlantedBug?) -> TrialReport {
    var report = TrialReport()
    switch self {
    case .histories:
      let history = History.run(seed: piece, bug: bug)
      report.tally = history.tally
      report.failure = history.failure.map { "seed \(piece): \($0)\nagain with: \(history.again)" }
    case .storageWorlds: report = StorageWorlds.run(Int(piece))
    case .serverWorlds: report = ServerWorlds.run(Int(piece))
    case .failures: report = FailEach.run(FailEach.trials[Int(piece)])
    case .bugs:
      let bug = PlantedBug.allCases[Int(piece)]
      guard let found = bug.find(from: first, histories: Self.historiesPerBug) else {
        report.failure = "the planted bug \(bug) was not found by \(Self.historiesPerBug) histories"
        return report
      }
      report.tally.add(1, "planted bugs found")
      print(
        "bug \(bug): seed \(found.seed), after \(found.seed &- first &+ 1) histories: \(found.complaint.prefix(160))")
    }
    return report
  }
}
