// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantrySimulation
import Glibc

/// `simulate [--seed S] [--seeds N] [--minutes M] [--bug NAME]`: exits 0 when all held, 1 at the first failure, 2 for
/// misuse.
@main
struct Simulate {
  static func main() {
    var arguments = CommandLine.arguments.dropFirst()
    var (seed, seeds, minutes): (UInt64, UInt64, Int?) = (1, 1, nil)
    var bug: PlantedBug?
    var isTelling = false
    while let option = arguments.popFirst() {
      if option == "--trace" {
        isTelling = true
        continue
      }
      guard let text = arguments.popFirst() else { return misuse("\(option) needs a value") }
      switch option {
      case "--bug":
        guard let named = PlantedBug(rawValue: text) else { return misuse("no bug is called \(text)") }
        bug = named
      case "--seed", "--seeds", "--minutes":
        guard let value = UInt64(text) else { return misuse("\(option) needs a number") }
        if option == "--seed" { seed = value }
        if option == "--seeds" { seeds = value }
        if option == "--minutes" { (minutes, seeds) = (Int(clamping: value), .max) }
      default: return misuse("unknown option \(option)")
      }
    }
    run(from: seed, count: seeds, minutes: minutes, bug: bug, isTelling: isTelling)
  }

  private static func run(from first: UInt64, count: UInt64, minutes: Int?, bug: PlantedBug?, isTelling: Bool) {
    let began = time(nil)
    var total = HistoryReport(seed: first)
    var done: UInt64 = 0
    while done < count, minutes.map({ time(nil) - began < $0 * 60 }) ?? true {
      let seed = first &+ done
      if done % 100 == 0 { complain("from seed \(seed)\n") }
      let report = History.run(seed: seed, bug: bug)
      done += 1
      total.steps += report.steps
      total.requests += report.requests
      total.kills += report.kills
      total.powerCuts += report.powerCuts
      total.faults += report.faults
      total.cuts += report.cuts
      if isTelling {
        for line in report.trace { print(line) }
        print("seed \(seed), fingerprint \(report.fingerprint)")
      }
      if let failure = report.failure {
        print("seed \(seed) failed: \(failure)\nagain with: swift run simulate --seed \(seed)")
        exit(1)
      }
    }
    let seconds = max(1, time(nil) - began)
    print(
      """
      \(done) histories from seed \(first) held, in \(seconds) s: \(total.steps) steps, \(total.requests) requests, \
      \(total.kills) kills, \(total.powerCuts) power cuts, \(total.faults) faults, \(total.cuts) connections cut; \
      \(Int(done) / seconds) histories per second
      """)
  }

  private static func complain(_ text: String) {
    _ = text.withCString { write(2, $0, strlen($0)) }
  }

  private static func misuse(_ complaint: String) {
    complain(
      "simulate: \(complaint)\nusage: simulate [--seed S] [--seeds N] [--minutes M] [--bug NAME] [--trace]\n"
        + "bugs: \(PlantedBug.allCases.map(\.rawValue).joined(separator: " "))\n")
    exit(2)
  }
}
