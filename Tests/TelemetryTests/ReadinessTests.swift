// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTelemetry
import Testing

@Suite("Readiness and health as they are asked for")
struct ReadinessTests {
  @Test func goesUpOnceAndDownForGood() {
    let readiness = Readiness()
    #expect(readiness.phase == .starting)
    readiness.raise()
    #expect(readiness.phase == .ready)
    readiness.lower()
    readiness.raise()
    #expect(readiness.phase == .draining)
    let early = Readiness()
    early.lower()
    early.raise()
    #expect(early.phase == .draining, "a process that stops before it listens is never ready")
  }

  @Test func healthIsDistributionsObject() {
    let health = HealthState(switches: ["/off"])
    #expect(String(decoding: health.json, as: UTF8.self) == "{}")
    #expect(health.isHealthy)
    health.set("b", to: "line\nbreak \"quoted\"")
    health.set("a", to: "down")
    #expect(String(decoding: health.json, as: UTF8.self) == #"{"a":"down","b":"line\nbreak \"quoted\""}"#)
    #expect(!health.isHealthy)
    #expect(!health.isSwitchedOff)
    health.set("/off", to: "file exists")
    #expect(health.isSwitchedOff)
    for name in ["a", "b", "/off"] { health.set(name, to: nil) }
    #expect(health.isHealthy)
    #expect(!health.isSwitchedOff)
  }
}
