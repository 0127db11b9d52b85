// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantrySimulation
import Testing

@Suite struct SimulationTests {
  /// How many histories one test case runs: cases run side by side, so each takes a few.
  private static let histories: UInt64 = 20

  @Test(arguments: 0..<10 as Range<UInt64>)
  func nothingAcknowledgedIsEverLost(block: UInt64) {
    for seed in (block * Self.histories)..<((block + 1) * Self.histories) {
      let report = History.run(seed: seed)
      #expect(report.failure == nil, "seed \(seed), step \(report.steps); \(report.again)")
    }
  }

  @Test func aSeedGivesTheSameHistoryEveryTime() {
    for seed in 1_000..<1_020 as Range<UInt64> {
      let (first, second) = (History.run(seed: seed), History.run(seed: seed))
      #expect(first.fingerprint == second.fingerprint && first.steps == second.steps, "seed \(seed)")
      #expect(first.requests > 0)
    }
  }

  @Test(arguments: PlantedBug.allCases)
  func everyPlantedBugIsFound(bug: PlantedBug) {
    let found = bug.find(from: 0, histories: 800)
    #expect(found != nil, "\(bug) was not found by 800 histories, by what it does: a checker is blind")
  }
}
