// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryMonitoring
import GantryTelemetry
import GantryTestKit
import GantryWorld
import Synchronization
import Testing

/// Fails while it is told to, and counts how often it looked.
private final class ScriptedProbe: HealthProbe {
  private let failure = Mutex<String?>(nil)
  private let count = Mutex(0)

  func look() async -> String? {
    count.withLock { $0 += 1 }
    return failure.withLock { $0 }
  }

  func fail(_ text: String?) { failure.withLock { $0 = text } }
  var looks: Int { count.withLock { $0 } }
}

/// Does not answer before it is told to.
private final class SilentProbe: HealthProbe {
  private let waiters = Mutex<[CheckedContinuation<String?, Never>]>([])
  private let count = Mutex(0)

  func look() async -> String? {
    count.withLock { $0 += 1 }
    return await withCheckedContinuation { waiter in waiters.withLock { $0.append(waiter) } }
  }

  func answer(_ failure: String?) {
    for waiter in waiters.withLock({ waiters in
      defer { waiters = [] }
      return waiters
    }) { waiter.resume(returning: failure) }
  }

  var looks: Int { count.withLock { $0 } }
}

@Suite("Health checks in their rhythm")
struct HealthMonitorTests {
  private struct Scene {
    let simulated = SimulatedWorld(seed: 7)
    let state = HealthState()
    let probe = ScriptedProbe()
    let changes = Changes()
    let monitor: HealthMonitor

    init(threshold: Int) {
      let changes = changes
      monitor = HealthMonitor(
        [HealthCheck(name: "storage", interval: .seconds(10), threshold: threshold, probe: probe)], state: state,
        on: simulated.world.loops[0]
      ) { name, failure in changes.list.withLock { $0.append("\(name): \(failure ?? "well")") } }
    }

    /// What the state says after each look of a course of failures.
    func course(_ failures: [String?]) -> [Bool] {
      let (monitor, probe, state, simulated) = (monitor, probe, state, simulated)
      return simulated.run {
        var seen: [Bool] = []
        probe.fail(failures[0])
        await monitor.start()
        for index in failures.indices {
          await simulated.pause(for: .seconds(5))
          seen.append(state.isHealthy)
          if index + 1 < failures.count { probe.fail(failures[index + 1]) }
          await simulated.pause(for: .seconds(5))
        }
        await monitor.stop()
        return seen
      }
    }
  }

  private final class Changes: Sendable {
    let list = Mutex<[String]>([])
  }

  static let courses: [(threshold: Int, failures: [String?], healthy: [Bool])] = [
    (0, [nil, "down", nil], [true, false, true]),
    (1, ["down", "down", nil, "down"], [false, false, true, false]),
    (3, ["down", "down", "down", "down", nil, "down"], [true, true, false, false, true, true]),
    (2, ["down", nil, "down", nil, "down", "down"], [true, true, true, true, true, false]),
  ]

  @Test(arguments: courses.indices) func failuresInARowCount(_ index: Int) {
    let (threshold, failures, healthy) = Self.courses[index]
    let scene = Scene(threshold: threshold)
    #expect(scene.course(failures) == healthy)
  }

  @Test func onlyChangesAreTold() {
    let scene = Scene(threshold: 2)
    _ = scene.course(["a", "b", "c", nil, nil])
    #expect(scene.changes.list.withLock { $0 } == ["storage: b", "storage: well"])
    #expect(scene.state.isHealthy)
  }

  @Test func silenceIsAFailure() {
    let (simulated, state, probe, changes) = (SimulatedWorld(seed: 3), HealthState(), SilentProbe(), Changes())
    let monitor = HealthMonitor(
      [HealthCheck(name: "storage", interval: .seconds(5), threshold: 2, probe: probe)], state: state,
      on: simulated.world.loops[0]
    ) { name, failure in changes.list.withLock { $0.append("\(name): \(failure ?? "well")") } }
    simulated.run {
      await monitor.start()
      // Ten seconds of patience, and one interval more for the second of two failures.
      for (seconds, isHealthy) in [(9, true), (5, true), (2, false), (60, false)] as [(Int64, Bool)] {
        await simulated.pause(for: .seconds(seconds))
        #expect(state.isHealthy == isHealthy, "after \(seconds) s more")
      }
      #expect(probe.looks == 1, "never twice at a time")
      probe.answer(nil)
      await simulated.pause(for: .seconds(1))
      #expect(state.isHealthy)
      await simulated.pause(for: .seconds(5))
      #expect(probe.looks == 2)
      // The end does not wait for what does not end.
      let began = simulated.scheduler.now
      await monitor.stop()
      #expect(simulated.scheduler.now.duration(since: began) <= .seconds(1))
      probe.answer(nil)
    }
    simulated.scheduler.settle()
    #expect(simulated.scheduler.timerCount == 0)
    #expect(changes.list.withLock { $0 } == ["storage: no answer for 10.0 seconds", "storage: well"])
  }

  @Test func aSwitchThatCannotBeSeenStaysAsItWas() {
    let (simulated, state, probe) = (SimulatedWorld(seed: 3), HealthState(switches: ["/off"]), SilentProbe())
    let monitor = HealthMonitor(
      [HealthCheck(name: "/off", interval: .seconds(5), threshold: 0, isSilenceFailure: false, probe: probe)],
      state: state, on: simulated.world.loops[0]
    ) { _, _ in }
    simulated.run {
      let began = simulated.scheduler.now
      // The start waits for it, and not for ever.
      await monitor.start(awaiting: ["/off", "of no check"])
      #expect(simulated.scheduler.now.duration(since: began) == .seconds(10))
      await simulated.pause(for: .seconds(60))
      #expect(!state.isSwitchedOff && state.isHealthy)
      probe.answer("file exists")
      await simulated.pause(for: .seconds(30))
      #expect(state.isSwitchedOff)
      probe.answer("file exists")
      await monitor.stop()
    }
  }

  @Test func theStartWaitsForTheFirstLookThatItIsToldTo() {
    let scene = Scene(threshold: 0)
    let (simulated, monitor, state) = (scene.simulated, scene.monitor, scene.state)
    scene.probe.fail("off")
    simulated.run {
      await monitor.start(awaiting: ["storage"])
      #expect(!state.isHealthy)
      await monitor.stop()
    }
  }

  @Test func nothingLooksAfterTheEnd() {
    let scene = Scene(threshold: 0)
    _ = scene.course([nil])
    let looks = scene.probe.looks
    let simulated = scene.simulated
    simulated.run { await simulated.pause(for: .seconds(60)) }
    #expect(scene.probe.looks == looks)
    #expect(looks >= 1)
  }
}
