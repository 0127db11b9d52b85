// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import GantryWorld
import Synchronization
import Testing

/// Loses updates on purpose: it reads, suspends, and writes what it read.
private actor ForgetfulStore {
  private let loop: any LoopExecutor
  private let workers: any Workers
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private(set) var offset = 0
  private(set) var journal = ""

  init(on loop: any LoopExecutor, workers: any Workers) {
    self.loop = loop
    self.workers = workers
  }

  func append(_ id: String, _ count: Int) async {
    let seen = offset
    await workers.run {}
    offset = seen + count
    journal += id
  }
}

@Suite struct SchedulerTests {
  private struct Outcome: Hashable {
    var offset: Int
    var journal: String
    var fingerprint: UInt64
  }

  private func appendThrice(seed: UInt64, loops: Int) -> Outcome {
    let simulated = SimulatedWorld(seed: seed, loops: loops)
    let world = simulated.world
    let (offset, journal) = simulated.run {
      let store = ForgetfulStore(on: world.loop(owning: "store"), workers: world.workers)
      await withTaskGroup { group in
        for (id, count) in [("a", 10), ("b", 20), ("c", 30)] {
          group.addTask { await store.append(id, count) }
        }
      }
      return await (store.offset, store.journal)
    }
    return Outcome(offset: offset, journal: journal, fingerprint: simulated.scheduler.fingerprint)
  }

  @Test(arguments: [1, 3]) func sameSeedSameHistory(loops: Int) {
    for seed in UInt64(0)..<50 {
      #expect(appendThrice(seed: seed, loops: loops) == appendThrice(seed: seed, loops: loops), "seed \(seed)")
    }
  }

  @Test(arguments: [1, 3]) func differentSeedsFindTheLostUpdate(loops: Int) {
    let outcomes = (UInt64(0)..<200).map { appendThrice(seed: $0, loops: loops) }
    #expect(Set(outcomes.map(\.journal)).count == 6, "every order of three is found")
    #expect(outcomes.contains { $0.offset != 60 }, "the lost update shows")
    #expect(outcomes.contains { $0.offset == 60 }, "and so does the lucky order")
  }

  @Test func timersFireInOrderWhenTimeIsMoved() {
    let loop = SimulatedLoop(seed: 1)
    let fired = Mutex<[Int]>([])
    loop.scheduler.advancesWhenIdle = false
    let fire = { (id: Int) in { @Sendable () -> Void in fired.withLock { $0.append(id) } } }
    _ = loop.clock.after(.seconds(3), fire(3))
    _ = loop.clock.after(.seconds(1), fire(1))
    let cancelled = loop.clock.after(.seconds(2), fire(2))
    _ = loop.clock.after(.seconds(1), fire(10))
    cancelled.cancel()
    cancelled.cancel()
    let start = loop.clock.now
    loop.scheduler.settle()
    #expect(fired.withLock { $0 } == [])
    loop.scheduler.advance(by: .seconds(1))
    #expect(fired.withLock { $0 } == [1, 10])
    loop.scheduler.advance(by: .milliseconds(1999))
    #expect(fired.withLock { $0 } == [1, 10])
    loop.scheduler.advance(by: .milliseconds(1))
    #expect(fired.withLock { $0 } == [1, 10, 3])
    #expect(loop.clock.now.duration(since: start) == .seconds(3))
    #expect(loop.scheduler.timerCount == 0)
  }

  @Test func timeMovesByItselfOnlyWhenIdle() {
    let simulated = SimulatedWorld(seed: 7)
    let before = simulated.wallClock.now
    simulated.run { await simulated.pause(for: .seconds(3600)) }
    #expect(simulated.wallClock.now == WallTime(seconds: before.seconds + 3600, nanoseconds: before.nanoseconds))
  }

  @Test func aTimerFiresAsItsLoop() {
    let simulated = SimulatedWorld(seed: 3, loops: 2)
    let loops = simulated.process.loops
    let seen = Mutex<[Bool?]>([])
    simulated.run {
      await withUnsafeContinuation { (done: UnsafeContinuation<Void, Never>) in
        _ = loops[1].clock.after(.seconds(1)) {
          seen.withLock { $0 = loops.map { $0.isIsolatingCurrentContext() } }
          done.resume()
        }
      }
    }
    #expect(seen.withLock { $0 } == [false, true])
  }

  @Test func aRunThatCannotGoOnSaysWhy() {
    let simulated = SimulatedWorld(seed: 42)
    simulated.scheduler.note("about to hang")
    let wait = simulated.scheduler.beginWait("a reply that never comes")
    let stall = simulated.attempt(on: simulated.process) {
      await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
    }
    simulated.scheduler.endWait(wait)
    guard case .failure(let stall) = stall else {
      Issue.record("a task that nobody resumes came to an end")
      return
    }
    #expect(stall.halt == .idle)
    for part in ["seed 42", "a reply that never comes", "about to hang"] {
      #expect(stall.description.contains(part), "\(stall.description)")
    }
  }

  @Test func aRunThatGoesRoundForEverIsStopped() {
    let simulated = SimulatedWorld(seed: 42)
    let result = simulated.attempt(on: simulated.process, stepsMax: 1000) {
      while true { await simulated.pause(for: .seconds(1)) }
    }
    guard case .failure(let stall) = result else {
      Issue.record("an endless task came to an end")
      return
    }
    #expect(stall.halt == .exhausted)
  }

  @Test func aKilledProcessRunsNoFurther() {
    let simulated = SimulatedWorld(seed: 5)
    let process = simulated.process
    let count = Mutex(0)
    _ = simulated.attempt(on: process, stepsMax: 100) {
      while true {
        await simulated.pause(for: .seconds(1))
        count.withLock { $0 += 1 }
      }
    }
    let before = count.withLock { $0 }
    #expect(before > 0)
    process.kill()
    simulated.scheduler.advance(by: .seconds(1000))
    #expect(count.withLock { $0 } == before)
    #expect(simulated.scheduler.timerCount == 0)
  }

  @Test func workersThrowWhatTheScriptThrows() {
    struct Refusal: Error, Equatable { var number: Int }
    let simulated = SimulatedWorld(seed: 9, workerDelay: .milliseconds(1) ... .milliseconds(5))
    let world = simulated.world
    let before = simulated.scheduler.now
    let caught = simulated.run { () -> Refusal? in
      do throws(Refusal) {
        try await world.workers.run { () throws(Refusal) in throw Refusal(number: 3) }
        return nil
      } catch {
        return error
      }
    }
    #expect(caught == Refusal(number: 3))
    let took = simulated.scheduler.now.duration(since: before)
    #expect(took >= .milliseconds(1) && took <= .milliseconds(5))
  }

  @Test func entropyFollowsFromTheSeed() {
    #expect(SeededEntropy(seed: 1).bytes(33) == SeededEntropy(seed: 1).bytes(33))
    #expect(SeededEntropy(seed: 1).bytes(33) != SeededEntropy(seed: 2).bytes(33))
    let entropy = SeededEntropy(seed: 1)
    #expect(entropy.bytes(16) != entropy.bytes(16))
    #expect(entropy.bytes(0) == [])
  }
}

/// Says whether another job ran between two lines of one actor method with only a continuation's body between them.
private actor Doorway {
  private let loop: SimulatedLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private var waiter: UnsafeContinuation<Void, Never>?

  init(on loop: SimulatedLoop) {
    self.loop = loop
  }

  func stepsBeforeTheBody() async -> Int {
    let before = loop.scheduler.steps
    var steps = 0
    await withUnsafeContinuation { continuation in
      steps = loop.scheduler.steps - before
      continuation.resume()
    }
    return steps
  }
}

@Suite struct ContinuationTests {
  /// The runtime compares the task's preferred executor with the running one: a visitor from another loop is enqueued
  /// anew before the body runs. Whoever checks a state and then waits for it to change must check again in the body.
  @Test(arguments: [0, 1]) func aVisitorFromAnotherLoopWaitsBeforeTheBody(home: Int) {
    let simulated = SimulatedWorld(seed: 1, loops: 2)
    let door = Doorway(on: simulated.process.loops[home])
    let steps = simulated.run { await door.stepsBeforeTheBody() }
    #expect(steps == home)
  }
}
