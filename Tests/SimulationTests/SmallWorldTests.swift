// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantrySimulation
import Testing

/// The whole of what is sampled here runs by `make simulate` and `make small-worlds`.
@Suite struct SmallWorldTests {
  /// All sequences of three operations at the storage engine.
  @Test(arguments: 0..<8) func everyThreeOperationsOfTheStorageSurviveACrashAtEveryStep(block: Int) {
    let size = StorageWorlds.count(of: 3) / 8
    for index in (block * size)..<((block + 1) * size) { expectHeld(StorageWorlds.run(index, of: 3)) }
  }

  @Test func someFiveOperationsOfTheStorageSurviveACrashAtEveryStep() {
    for index in stride(from: 11, to: StorageWorlds.count(), by: 2_017) { expectHeld(StorageWorlds.run(index)) }
  }

  @Test func someThreeRequestsSurviveACrashAtEveryStep() {
    for index in stride(from: 5, to: ServerWorlds.count, by: 149) { expectHeld(ServerWorlds.run(index)) }
  }

  /// Every kind of request and every way to fail, at every seventh operation, beginning with another for each trial.
  @Test(arguments: 0..<7) func whatFailsOnceSucceedsWhenTriedAgain(part: Int) {
    for (number, trial) in FailEach.trials.enumerated() where number % 7 == part {
      expectHeld(FailEach.run(trial, from: number % 7, stride: 7))
    }
  }

  private func expectHeld(_ report: TrialReport, sourceLocation: SourceLocation = #_sourceLocation) {
    if let failure = report.failure { Issue.record("\(failure)", sourceLocation: sourceLocation) }
  }
}
