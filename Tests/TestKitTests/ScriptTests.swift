// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld
import Synchronization
import Testing

@testable import GantryTestKit

@Suite struct ScriptTests {
  /// Two scripts that each read a counter from a file and write it back one higher; what the file says then.
  private func countTwice(seed: UInt64, interleaves: Bool) throws -> (count: UInt8?, fingerprint: UInt64) {
    let simulated = SimulatedWorld(seed: seed, interleavesScripts: interleaves)
    simulated.disk.plant([0], at: "count")
    let world = simulated.world
    try simulated.run {
      try await withThrowingTaskGroup { group in
        for _ in 0..<2 {
          group.addTask {
            try await world.workers.run { () throws(FileError) in
              let file = try world.files.open("count", .readWrite)
              let seen = try file.read(1, at: 0)
              try file.write([seen[0] + 1], at: 0)
            }
          }
        }
        try await group.waitForAll()
      }
    }
    #expect(simulated.disk.openFileCount == 0)
    return (simulated.disk.contents(of: "count")?.first, simulated.scheduler.fingerprint)
  }

  @Test func scriptsRunWholeUnlessTheyInterleave() throws {
    for seed in UInt64(0)..<50 {
      #expect(try countTwice(seed: seed, interleaves: false).count == 2)
    }
    let counts = try (UInt64(0)..<50).map { try countTwice(seed: $0, interleaves: true) }
    #expect(Set(counts.map(\.count)) == [1, 2], "the lost update between two scripts is found")
    let again = try (UInt64(0)..<50).map { try countTwice(seed: $0, interleaves: true) }
    #expect(counts.map(\.count) == again.map(\.count))
    #expect(counts.map(\.fingerprint) == again.map(\.fingerprint))
  }

  @Test(arguments: [false, true]) func aCrashComesBetweenAnyTwoOperationsOfAScript(interleaves: Bool) throws {
    let paths = ["/a", "/b", "/c", "/d"]
    for count in 0...4 {
      let simulated = SimulatedWorld(seed: UInt64(count), interleavesScripts: interleaves)
      simulated.crash(afterOperations: count, keeping: .everything)
      let world = simulated.world
      let acknowledged = Mutex(false)
      let outcome = simulated.attempt(on: simulated.process) {
        try await world.workers.run { () throws(FileError) in
          for path in paths { _ = try world.files.makeDirectory(path) }
        }
        acknowledged.withLock { $0 = true }
      }
      #expect(simulated.disk.tree.keys.sorted() == Array(paths[..<count]))
      #expect(acknowledged.withLock { $0 } == (count == 4))
      if case .failure(let stall) = outcome { #expect(stall.halt == .idle) }
    }
  }

  /// What a script holds, as the files that its session has open, is let go before its caller goes on: not by its
  /// thread at some moment of the system's choosing, when somebody counts open files or reuses an inode's number.
  @Test func aScriptLetsGoOfWhatItHeldBeforeItsCallerGoesOn() {
    let isLetGo = Atomic(false)
    let thread = script(holding: Held { isLetGo.store(true, ordering: .relaxed) })
    #expect(thread.advance())
    // The system's thread may not even have ended by now.
    let wasLetGo = isLetGo.load(ordering: .relaxed)
    #expect(wasLetGo)
  }

  private func script(holding held: Held) -> ScriptThread {
    ScriptThread(scheduler: SimulatedScheduler(seed: 1)) { held.touch() }
  }

  /// Something that tells when the last reference to it goes.
  private final class Held: Sendable {
    private let onEnd: @Sendable () -> Void

    init(onEnd: @escaping @Sendable () -> Void) {
      self.onEnd = onEnd
    }

    deinit {
      onEnd()
    }

    func touch() {}
  }
}
