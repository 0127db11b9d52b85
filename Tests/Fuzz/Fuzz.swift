// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFuzzing
import Glibc

/// `fuzz NAME|all [--seed S] [--iterations N] [--trace]`: exits 0 when all held, 1 at the first failure, 2 for misuse.
@main
struct Fuzz {
  static func main() {
    var arguments = CommandLine.arguments.dropFirst()
    guard let name = arguments.popFirst() else { return misuse("which target?") }
    var seed: UInt64 = 1
    var iterations = 100_000
    var isTracing = false
    while let option = arguments.popFirst() {
      switch option {
      case "--seed":
        guard let value = arguments.popFirst().flatMap({ UInt64($0) }) else { return misuse("--seed needs a number") }
        seed = value
      case "--iterations":
        guard let value = arguments.popFirst().flatMap({ Int($0) }), value >= 0 else {
          return misuse("--iterations needs a number")
        }
        iterations = value
      case "--trace": isTracing = true
      default: return misuse("unknown option \(option)")
      }
    }
    if name == "bench-head" { return print(HeadBenchmark.report(rounds: 7, heads: 200_000)) }
    let targets = name == "all" ? FuzzTarget.all : (FuzzTarget.all + [.canary]).filter { $0.name == name }
    guard !targets.isEmpty else { return misuse("no target is called \(name)") }
    for target in targets { run(target, seed, iterations, isTracing) }
  }

  private static func run(_ target: FuzzTarget, _ seed: UInt64, _ iterations: Int, _ isTracing: Bool) {
    // A crash prints nothing of its own; the last seed named here is at most 10 000 before the culprit's.
    let step: UInt64 = isTracing ? 1 : 10_000
    let failure = target.run(seed: seed, iterations: iterations) { own in
      if (own &- seed) % step == 0 { complain("\(target) from seed \(own)\n") }
    }
    if let failure {
      complain("\(failure)\n")
      exit(1)
    }
    print("\(target): \(iterations) inputs from seed \(seed) held")
  }

  private static func complain(_ text: String) {
    _ = text.withCString { write(2, $0, strlen($0)) }
  }

  private static func misuse(_ complaint: String) {
    let names = FuzzTarget.all.map(\.name).joined(separator: " ")
    complain(
      """
      fuzz: \(complaint)
      usage: fuzz NAME|all [--seed S] [--iterations N] [--trace]
      targets: \(names) canary

      """)
    exit(2)
  }
}
