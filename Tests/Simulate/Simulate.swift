// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantrySimulation
import Glibc

/// Runs simulated worlds: exits 0 when all held, 1 at a failure, 2 for misuse.
@main
struct Simulate {
  private static let usage = """
    usage: simulate [--seed S] [--seeds N | --minutes M] [--bug NAME] [--jobs J]
                    [--trace] [--operations]
                    [--bugs] [--small-worlds] [--fail-each]

      --seed S         where random histories begin (1)
      --seeds N        how many there are (1)
      --minutes M      as many as fit in M minutes
      --bug NAME       plant a bug, which is then to be found
      --trace          tell what happens, step by step
      --operations     and before that each operation on the disk
      --bugs           look for every planted bug, from seed S on
      --small-worlds   every short sequence of operations, with a crash at every step: storage engine and whole server
      --fail-each      every file operation of every kind of request fails once, in every way
      --jobs J         processes side by side (1)

    bugs: \(PlantedBug.allCases.map(\.rawValue).joined(separator: " "))

    """

  private struct Wish {
    var (seed, seeds, minutes): (UInt64, UInt64?, Int?) = (1, nil, nil)
    var jobs = 1
    var bug: PlantedBug?
    var isTelling = false
    var tellsOperations = false
    var chapters: [Chapter] = []
    /// What a copy of the crew is told: the chapter, its first piece and how many.
    var block: (chapter: Chapter, from: UInt64, count: UInt64)?
  }

  static func main() {
    guard let wish = parse(CommandLine.arguments.dropFirst()) else { exit(2) }
    if let block = wish.block { return work(block, wish) }
    var isWell = true
    if wish.chapters.isEmpty || wish.seeds != nil || wish.minutes != nil {
      isWell = wish.isTelling ? tell(wish) : run(.histories, from: wish.seed, count: wish.seeds, wish)
    }
    for chapter in wish.chapters { isWell = run(chapter, from: 0, count: chapter.count, wish) && isWell }
    exit(isWell ? 0 : 1)
  }

  // MARK: One process

  /// Runs histories here and tells their traces.
  private static func tell(_ wish: Wish) -> Bool {
    for seed in wish.seed..<(wish.seed &+ (wish.seeds ?? 1)) {
      let telling: (@Sendable (String) -> Void)? = wish.tellsOperations ? Self.tellLine : nil
      let report = History.run(seed: seed, bug: wish.bug, telling: telling)
      for line in report.trace { print(line) }
      print("seed \(seed), \(BuildMode.name) build, fingerprint \(report.fingerprint): \(report.tally)")
      if let failure = report.failure {
        print("seed \(seed) failed: \(failure)\nagain with: \(report.again)")
        return false
      }
    }
    return true
  }

  @Sendable private static func tellLine(_ line: String) { print(line) }

  /// What a copy of the crew does: its pieces, up to the first failure, and its tally as the last line.
  private static func work(_ block: (chapter: Chapter, from: UInt64, count: UInt64), _ wish: Wish) {
    var total = Tally()
    for piece in block.from..<(block.from + block.count) {
      let report = block.chapter.run(piece, from: wish.seed, bug: wish.bug)
      total.add(report.tally)
      if let failure = report.failure {
        print(failure)
        exit(1)
      }
    }
    print("tally: \(total)")
  }

  // MARK: Many processes

  private static func run(_ chapter: Chapter, from first: UInt64, count: UInt64?, _ wish: Wish) -> Bool {
    let began = time(nil)
    let end = wish.minutes != nil && chapter == .histories ? UInt64.max : first &+ (count ?? 1)
    var (at, total, failures) = (first, Tally(), [String]())
    var crew = Crew(size: wish.jobs)
    crew.work(
      next: {
        if let minutes = wish.minutes, chapter == .histories, time(nil) - began >= minutes * 60 { return nil }
        guard at < end else { return nil }
        let size = min(chapter.blockSize, end - at)
        defer { at += size }
        return arguments(chapter, at, size, wish)
      },
      done: { finished in
        var lines = finished.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        lines.removeAll { $0.isEmpty }
        if finished.status == 0, let last = lines.popLast(), last.hasPrefix("tally: "),
          let tally = Tally(parsing: String(last.dropFirst(7)))
        {
          total.add(tally)
          for line in lines { print(line) }
          complain("\(chapter.rawValue): \(total)\n")
          return true
        }
        failures.append(lines.joined(separator: "\n"))
        return chapter == .bugs
      })
    let seconds = max(1, time(nil) - began)
    for failure in failures { print("\(chapter.rawValue) failed: \(failure)") }
    print("\(chapter.rawValue)\(failures.isEmpty ? " held" : ""), in \(seconds) s, \(BuildMode.name) build: \(total)")
    return failures.isEmpty
  }

  private static func arguments(_ chapter: Chapter, _ from: UInt64, _ count: UInt64, _ wish: Wish) -> [String] {
    var words = ["--work", chapter.rawValue, "--from", "\(from)", "--count", "\(count)", "--seed", "\(wish.seed)"]
    if let bug = wish.bug { words += ["--bug", bug.rawValue] }
    return words
  }

  // MARK: Words

  private static func parse(_ given: ArraySlice<String>) -> Wish? {
    var (wish, arguments) = (Wish(), given)
    var (chapter, from, count): (Chapter?, UInt64, UInt64) = (nil, 0, 1)
    while let option = arguments.popFirst() {
      switch option {
      case "--trace": wish.isTelling = true
      case "--operations": (wish.isTelling, wish.tellsOperations) = (true, true)
      case "--bugs": wish.chapters.append(.bugs)
      case "--small-worlds": wish.chapters += [.storageWorlds, .serverWorlds]
      case "--fail-each": wish.chapters.append(.failures)
      default:
        guard let text = arguments.popFirst() else { return misuse("\(option) needs a value, or is unknown") }
        switch (option, UInt64(text)) {
        case ("--bug", _):
          guard let bug = PlantedBug(rawValue: text) else { return misuse("no bug is called \(text)") }
          wish.bug = bug
        case ("--work", _): chapter = Chapter(rawValue: text)
        case ("--seed", let number?): wish.seed = number
        case ("--seeds", let number?): wish.seeds = number
        case ("--minutes", let number?): wish.minutes = Int(clamping: number)
        case ("--jobs", let number?): wish.jobs = Int(clamping: number)
        case ("--from", let number?): from = number
        case ("--count", let number?): count = number
        case (_, nil): return misuse("\(option) needs a number, or is unknown")
        default: return misuse("unknown option \(option)")
        }
      }
    }
    if let chapter { wish.block = (chapter, from, count) }
    return wish
  }

  private static func complain(_ text: String) {
    _ = text.withCString { write(2, $0, strlen($0)) }
  }

  private static func misuse(_ complaint: String) -> Wish? {
    complain("simulate: \(complaint)\n\(usage)")
    return nil
  }
}
