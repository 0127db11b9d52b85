// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import Synchronization

/// Every sequence of up to three of eight requests to a whole server, with a crash at every step of the last one.
///
/// A crash comes before every file operation after the disk has changed, and after the answer: as a kill, as a power
/// cut that keeps the least, as one that keeps some, and as a kill with a power cut while the next server starts. A
/// crash within an earlier request belongs to a shorter sequence. The client insists until each request is answered for
/// good; then everything is read.
public enum ServerWorlds {
  static let chores: [Chore] = [
    .pushInChunks, .pushInOneRequest, .mount, .manifestByTag, .retag, .deleteTag, .deleteManifest, .deleteBlob,
  ]
  private static let lengthMax = 3
  /// How long the server is watched after the last answer, for what it does behind it.
  private static let afterwards = Duration.seconds(15)

  /// How many sequences there are.
  public static let count = (1...lengthMax).reduce(0) { $0 + power($1) }

  /// Plays one sequence with every crash.
  public static func run(_ index: Int) -> TrialReport {
    let sequence = sequence(index)
    var report = TrialReport()
    report.tally.add(1, "sequences")
    for point in points(of: sequence) {
      for blow in Stage.Blow.allCases {
        let stage = Stage(seed: 1)
        play(sequence, on: stage, blow, at: point)
        switch blow {
        case .kill: report.tally.add(1, "kills")
        case .powerCut, .powerCutKeepingSome: report.tally.add(1, "power cuts")
        case .killThenPowerCut:
          report.tally.add(1, "kills")
          // The last one is the judge's.
          if stage.town.ledger.powerCuts > 1 { report.tally.add(1, "power cuts during recovery from kills") }
        }
        report.tally.add(stage.town.ledger.requests, "requests")
        guard let failure = stage.failure else { continue }
        let names = sequence.map(\.rawValue).joined(separator: ", ")
        report.failure = "sequence \(index) (\(names)), \(blow) before file operation \(point): \(failure)"
        return report
      }
    }
    return report
  }

  private static func power(_ length: Int) -> Int { (0..<length).reduce(1) { product, _ in product * chores.count } }

  private static func sequence(_ index: Int) -> [Chore] {
    var (rest, length) = (index, 1)
    while rest >= power(length) {
      rest -= power(length)
      length += 1
    }
    var sequence: [Chore] = []
    for _ in 0..<length {
      sequence.insert(chores[rest % chores.count], at: 0)
      rest /= chores.count
    }
    return sequence
  }

  /// Before which file operations of the last request a crash differs from one before.
  private static func points(of sequence: [Chore]) -> [Int] {
    let stage = Stage(seed: 1)
    let kinds = Mutex<[FileOperation.Kind]>([])
    perform(sequence, on: stage) {
      stage.simulated.disk.observe { operation in kinds.withLock { $0.append(operation.kind) } }
    }
    let all = kinds.withLock { $0 }
    return (0...all.count).filter { point in
      point == 0 || point == all.count || all[point - 1].isChange || [.sync, .syncDirectory].contains(all[point - 1])
    }
  }

  private static func play(_ sequence: [Chore], on stage: Stage, _ blow: Stage.Blow, at point: Int) {
    let isStruck = Atomic(false)
    perform(sequence, on: stage) {
      stage.simulated.disk.trigger(afterOperations: point) { [town = stage.town, seed = stage.seed] in
        isStruck.store(true, ordering: .relaxed)
        blow.fall(on: town, seed: seed &+ UInt64(point))
      }
    }
    stage.simulated.disk.observe(nil)
    if !isStruck.load(ordering: .relaxed) { blow.fall(on: stage.town, seed: 1) }
    stage.judge()
  }

  private static func perform(_ sequence: [Chore], on stage: Stage, beforeLast: () -> Void) {
    stage.open()
    for (position, chore) in sequence.enumerated() {
      let isLast = position == sequence.count - 1
      if isLast { beforeLast() }
      stage.perform { client in
        await client.insist(on: chore)
        if isLast { await client.town.simulated.pause(for: afterwards) }
      }
    }
  }
}
