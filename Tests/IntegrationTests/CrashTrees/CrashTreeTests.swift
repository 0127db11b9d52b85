// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import Glibc
import Testing

/// What a power cut may leave, worked out from what the running server was seen to do: every call that changes or syncs
/// a file, and every answer, in one trace (strace), repeated on a disk that keeps only what strict POSIX guarantees.
@Suite("Crash trees of the traced server", .serialized, .enabled(if: Strace.isPermitted, "strace may not trace here"))
struct CrashTreeTests {
  /// `$GANTRY_CRASH_TREES` trees besides the least at each moment, and proportionally more pushes.
  private static let further = environmentNumber("GANTRY_CRASH_TREES", default: 100)
  private static let gantry = Result {
    try TracedRun.ofGantry(pushers: 4, rounds: min(40, max(2, further / 100 * 2)))
  }

  /// The same with checkpoints that begin and end between the pushes, and beside them.
  private static let gantryWithCheckpoints = Result {
    try TracedRun.ofGantry(pushers: 4, rounds: min(40, max(2, further / 100 * 2)), checkpointInterval: "20ms")
  }

  @Test(
    "Everything acknowledged is whole in every crash tree after recovery, alone and under concurrency",
    arguments: [false, true])
  func nothingIsLost(hasCheckpoints: Bool) throws {
    let run = try (hasCheckpoints ? Self.gantryWithCheckpoints : Self.gantry).get()
    // A segment that is removed is one that a checkpoint has made durable in place.
    let removed = try run.trace.calls.count { call in
      guard call.name.hasPrefix("unlink"), call.isDone else { return false }
      return try call.path(call.name == "unlinkat" ? 1 : 0).contains("/gantry/journal/")
    }
    #expect(hasCheckpoints ? removed > 5 : removed <= 2, "\(removed) segments were removed")
    var judge = CrashTreeJudge(trace: run.trace, root: run.root, logs: run.logs, further: Self.further)
    if Self.further < 1000 { judge.lastSyncsStride = 8 }
    let report = try judge.run()
    print(
      """
      crash trees, Gantry, \(removed) segments removed: GANTRY_TEST_SEED=\(Dice.seed): \(run.trace.calls.count) calls, \
      \(report.acknowledged) acknowledged writes, \(report.trees) trees, \(report.lacking.count) writes lost at their \
      answer, \(report.findings.count) trees with something wrong
      """)
    #expect(report.lacking.isEmpty, "\(report.lacking.prefix(5))")
    #expect(report.findings.isEmpty, "\(report.findings.prefix(5))")
    #expect(report.acknowledged > 40 && report.trees > report.acknowledged)
  }

  @Test(
    "The binary, started on crash trees, serves everything acknowledged",
    .enabled(if: OtherBoot.isPermitted, "only root can let a program see another boot"))
  func theBinaryRecovers() throws {
    let run = try Self.gantry.get()
    let judge = CrashTreeJudge(trace: run.trace, root: run.root, logs: run.logs)
    let (scenes, faults) = (try judge.scenes(min(60, 6 + Self.further / 100)), Notes())
    for scene in scenes {
      let scratch = try Scratch()
      try scene.write(to: "\(scratch.path)/data")
      let registry = try RegistryProcess(in: scratch, under: OtherBoot.command(in: scratch))
      _ = try Ledger.look(scene.expected, at: registry.endpoint, faults)
      registry.stop()
      #expect(faults.all.isEmpty, "GANTRY_TEST_SEED=\(Dice.seed), \(scene.note): \(faults.all.prefix(5))")
    }
    let looks = scenes.reduce(0) { $0 + $1.expected.count }
    print("crash trees, the binary: \(scenes.count) trees, \(looks) looks, \(faults.all.count) missing or changed")
    #expect(looks > 60)
  }

  /// One kind of sync at a time is taken out of the same trace: a judge that misses one has never looked.
  @Test("Without its syncs the same trace loses writes", arguments: ["fdatasync", "fsync"])
  func syncsMatter(_ name: String) throws {
    let run = try Self.gantry.get()
    let trace = run.trace.without { $0.name == name }
    let report = try CrashTreeJudge(trace: trace, root: run.root, logs: run.logs, scope: .answers).run()
    print("crash trees, Gantry without \(name): \(report.lacking.count) of \(report.acknowledged) writes lost")
    #expect(!report.lacking.isEmpty)
    #expect(!report.findings.isEmpty)
  }

  @Test(
    "Debian's docker-registry acknowledges every write before it is durable, and truncates tags in place",
    .enabled(if: OldRegistry.path != nil, "docker-registry is not installed"))
  func theJudgeCanFail() throws {
    let run = try TracedRun.ofDistribution()
    var judge = CrashTreeJudge(
      trace: run.trace, root: run.root, logs: run.logs, owner: .distribution, scope: .answers)
    let young = try judge.run()
    let lost = young.lacking.count { $0.phase == 0 }
    print("crash trees, docker-registry: \(lost) of \(young.acknowledged - 1) acknowledged writes lost")
    #expect(young.acknowledged == 32)
    #expect(lost == 31)
    // Long after its first push, a tag is moved; only what that does is not on the disk yet.
    (judge.scope, judge.agedPhase) = (.aged, 1)
    let aged = try judge.run()
    let broken = aged.findings.filter { $0.what.contains("/tags/moved") && $0.what.contains("a torn link") }
    print("crash trees, docker-registry: \(broken.count) trees in which a tag acknowledged long before is broken")
    #expect(!broken.isEmpty)
  }
}
