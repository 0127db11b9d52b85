// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantrySimulation
import Glibc
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

  /// Sets and dictionaries have another order in every process; what a seed means has not.
  @Test(arguments: [3, 718, 1_004, 2_020] as [UInt64])
  func aSeedMeansTheSameInEveryProcess(seed: UInt64) throws {
    let here = History.run(seed: seed)
    let there = try #require(Self.told(by: "--seed \(seed) --trace"), "simulate was not built, or fails")
    #expect(there.contains("fingerprint \(here.fingerprint): "), "\(there.suffix(300))")
  }

  /// What the program that is built with the tests prints.
  private static func told(by arguments: String) -> String? {
    let top = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    guard let pipe = popen("/\(top)/.build/debug/simulate \(arguments)", "r") else { return nil }
    var output: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&piece, 1, piece.count, pipe), count > 0 { output += piece.prefix(count) }
    return pclose(pipe) == 0 ? String(decoding: output, as: UTF8.self) : nil
  }

  @Test(arguments: PlantedBug.allCases)
  func everyPlantedBugIsFound(bug: PlantedBug) {
    let found = bug.find(from: 0, histories: 800)
    #expect(found != nil, "\(bug) was not found by 800 histories, by what it does: a checker is blind")
  }
}
