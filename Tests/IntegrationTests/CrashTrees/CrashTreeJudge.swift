// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import Synchronization

/// Judges the trees that a power cut could have left at the moments of a trace.
///
/// The least that strict POSIX guarantees changes only where a sync ends, and what it has to hold only where an answer
/// leaves, so that tree is judged at each of these: no tree between is missed. Of what a kinder disk may keep besides
/// (names without contents, contents without names, all, each by chance) there is no end; `further` such trees are
/// judged, spread over all moments.
struct CrashTreeJudge {
  struct Finding: Sendable, CustomStringConvertible {
    let moment: String
    let keeping: CrashKeeping
    let what: String

    var description: String { "\(moment), \(keeping): \(what)" }
  }

  struct Report: Sendable {
    /// Trees judged.
    var trees = 0
    /// Writes that were acknowledged.
    var acknowledged = 0
    /// Those which the least tree lacked at the very moment of their answer.
    var lacking: [Deed] = []
    /// Trees with something wrong, with one sentence each.
    var findings: [Finding] = []

    mutating func add(_ other: Report) {
      trees += other.trees
      acknowledged = other.acknowledged
      lacking += other.lacking
      findings += other.findings
    }
  }

  /// Where the least tree is judged.
  enum Scope {
    /// Wherever it may have become another, or has to hold something else: at each sync and each answer.
    case everywhere
    /// At each answer.
    case answers
    /// As everywhere, with every further tree, but only once time has passed; see ``agedPhase``.
    case aged
  }

  /// What is done with a tree before it is served.
  enum Owner { case gantry, distribution }

  let trace: SystemTrace
  let root: String
  let logs: [ClientLog]
  var owner = Owner.gantry
  var scope = Scope.everywhere
  var further = 0
  /// Of the syncs after the last answer, which are those of the checkpoint that a stop makes, one in so many is judged:
  /// each of their trees takes the recovery of all that is in the journal.
  var lastSyncsStride = 1
  /// Once everything before this phase is answered, time passes: all of it has come to the disk.
  var agedPhase: Int?
  var seed = Dice.seed

  private static let threads = 2
  private static let kinds = 5

  /// Judges with several threads, each of which repeats the whole trace and judges its share.
  func run() throws -> Report {
    var moments = 0
    try DiskReplay(root: root).run(trace) { _ in moments += 1 }
    let stride = scope == .aged ? 1 : further == 0 ? 0 : max(1, moments * Self.kinds / further)
    let reports = Mutex(Report())
    let judge = self
    try Crowd.run(Self.threads) { share in
      let report = try judge.run(share: share, stride: stride)
      reports.withLock { $0.add(report) }
    }
    return reports.withLock { $0 }
  }

  private func run(share: Int, stride: Int) throws -> Report {
    var (report, expectation) = (Report(), try Expectation(logs))
    let known = logs.reduce(into: [:]) { $0.merge($1.contents) { first, _ in first } }
    let replay = try DiskReplay(root: root)
    var (candidate, turn, lastSyncs, hasAged) = (0, 0, 0, false)
    func isMine() -> Bool {
      turn += 1
      return turn % Self.threads == share
    }
    try replay.run(trace) { moment in
      var (answered, isDecisive, note): (Deed?, Bool, String)
      switch moment {
      case .answer(let port, let status):
        let deed = try expectation.take(port: port, status: status)
        (answered, isDecisive, note) = (deed, !deed.effects.isEmpty, "at the answer to \(deed)")
        if let agedPhase, !hasAged, expectation.isPast(agedPhase) {
          replay.disk.syncEverything()
          hasAged = true
        }
      case .sync(let text):
        if expectation.left == 0 { lastSyncs += 1 }
        let isPassedOver = scope == .answers || lastSyncs % lastSyncsStride != 0
        (answered, isDecisive, note) = (nil, !isPassedOver, "after \(text)")
      case .change(let text): (answered, isDecisive, note) = (nil, false, "after \(text)")
      }
      if scope == .aged, !hasAged { return }
      var kept: [CrashKeeping] = isDecisive && isMine() ? [.synced] : []
      for kind in 0..<Self.kinds where stride > 0 {
        candidate += 1
        if candidate % stride == 0, isMine() { kept.append(keeping(kind, candidate)) }
      }
      for keeping in kept {
        report.trees += 1
        let deed = keeping == .synced ? answered : nil
        let (wrong, isLacking) = try judge(replay.disk.afterPowerCut(keeping: keeping), expectation, deed, known)
        if isLacking, let deed { report.lacking.append(deed) }
        if let wrong { report.findings.append(Finding(moment: note, keeping: keeping, what: wrong)) }
      }
    }
    if expectation.left > 0 { throw TraceError("\(expectation.left) answers are not in the trace") }
    report.acknowledged = expectation.acknowledged
    return report
  }

  private func keeping(_ kind: Int, _ number: Int) -> CrashKeeping {
    switch kind {
    case 0: .names
    case 1: .contents
    case 2: .everything
    default: .seeded(seed &+ UInt64(number))
    }
  }

  /// What is wrong with a tree, in one sentence, and whether it lacks what `answered` did.
  private func judge(
    _ disk: SimulatedDisk, _ expectation: Expectation, _ answered: Deed?, _ known: [String: [UInt8]]
  ) throws -> (wrong: String?, isLacking: Bool) {
    var wrongs: [String] = []
    if owner == .gantry {
      let recovery = try Recovery(of: disk, root: root)
      for (target, digest) in answered?.effects ?? [:] {
        if try recovery.bytes(of: target) != known[digest] { wrongs.append("the storage does not give \(target)") }
      }
    }
    let tree = ServedTree(disk, root: root, known: known)
    let underWay = expectation.underWay
    for (target, digest) in expectation.values {
      let sight = tree.sight(of: target)
      if !allows(sight, digest), !(underWay[target] ?? []).contains(where: { allows(sight, $0) }) {
        wrongs.append("\(target) should be \(digest.isEmpty ? "absent" : "\(digest.prefix(19))") and is \(sight)")
      }
    }
    let isLacking = answered?.effects.contains { !allows(tree.sight(of: $0.key), $0.value) } ?? false
    if owner == .gantry {
      wrongs += tree.wrongs()
      if let answered, !answered.effects.isEmpty {
        // What was recovered is as durable as what was never lost.
        let again = ServedTree(disk.afterPowerCut(), root: root, known: known)
        for (target, digest) in answered.effects where !allows(again.sight(of: target), digest) {
          wrongs.append("\(target) is gone with the power cut after recovery")
        }
      }
    }
    return (wrongs.min().map { "\(wrongs.count) wrong: \($0)" }, isLacking)
  }

  private func allows(_ sight: ServedTree.Sight, _ digest: String) -> Bool {
    switch sight {
    case .whole(let found): found == digest
    case .absent: digest == Ledger.absent
    case .tornLink: owner == .gantry && digest == Ledger.absent
    case .tornContent: false
    }
  }
}
