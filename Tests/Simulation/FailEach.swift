// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import GantryWorld

/// Every file operation of every kind of request fails once, for every reason that it can meet and at every moment.
///
/// After each failure the client tries again, and must succeed without anybody mending anything; then everything that
/// was acknowledged is read, before and after a power cut. What a server does behind its answer fails, too.
public enum FailEach {
  /// One kind of request and one way to fail.
  public struct Trial: Sendable, CustomStringConvertible {
    let chore: Chore
    let reason: FileError.Reason
    let moment: FaultPlan.Moment

    /// `pushInChunks: noSpace halfway`.
    public var description: String { "\(chore.rawValue): \(reason) \(moment)" }
  }

  /// All of them.
  public static let trials: [Trial] = Chore.allCases.flatMap { chore in
    ways.map { Trial(chore: chore, reason: $0.0, moment: $0.1) }
  }

  /// A device tells of a failure at any moment, a lack before it does anything or in the middle of a write.
  private static let ways: [(FileError.Reason, FaultPlan.Moment)] = [
    (.failed, .before), (.failed, .halfway), (.failed, .after), (.noSpace, .before), (.noSpace, .halfway),
    (.tooManyOpenFiles, .before), (.notPermitted, .before),
  ]

  /// Runs one trial with a failure at each operation in turn, at every `stride`th from `first` on (from 0).
  public static func run(_ trial: Trial, from first: Int = 0, stride: Int = 1) -> TrialReport {
    var report = TrialReport()
    report.tally.add(1, "trials")
    var number = first + 1
    while true {
      let stage = Stage(seed: 1)
      play(trial, on: stage, failing: number)
      report.tally.add(stage.town.ledger.requests, "requests")
      if let failure = stage.failure {
        let failed = stage.simulated.disk.failedOperations.map(\.description).joined(separator: ", ")
        report.failure = "\(trial) at operation \(number) (\(failed)): \(failure)"
        return report
      }
      if stage.simulated.disk.faultCount == 0 { return report }
      report.tally.add(1, "faults")
      number += stride
    }
  }

  private static func play(_ trial: Trial, on stage: Stage, failing number: Int) {
    let disk = stage.simulated.disk
    stage.open()
    for chore in trial.chore.needs { stage.perform { await $0.insist(on: chore) } }
    let kinds = FileOperation.Kind.meeting(trial.reason, trial.moment)
    disk.install(.failing(number, of: kinds, with: trial.reason, moment: trial.moment))
    stage.perform { client in
      await client.insist(on: trial.chore)
      await client.town.simulated.pause(for: .seconds(15))
    }
    disk.install(FaultPlan())
    stage.judge()
  }
}

extension Chore {
  /// What has to be there for the chore to have something to do.
  fileprivate var needs: [Chore] {
    switch self {
    case .pushInOneRequest, .pushWhole, .pushInChunks, .pushStreamed, .manifestByDigest, .manifestByTag: []
    case .mount, .deleteBlob: [.pushWhole]
    case .retag, .deleteTag, .deleteManifest: [.manifestByTag]
    }
  }
}
