// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryConfiguration
import Testing

struct ProcessSettingsTests {
  @Test func userAndGroupAreReadAndReadBack() throws {
    let settings = try #require(load(base + "process: {user: registry, group: 5000}\n").settings)
    #expect(settings.process == ProcessSettings(user: "registry", group: "5000"))
    #expect(load(SettingsReport.yaml(settings)).settings?.process == settings.process)
    #expect(load(base, environment: ["REGISTRY_PROCESS_USER": "x"]).settings?.process.user == "x")
    #expect(load(base).settings?.process == ProcessSettings())
  }

  @Test func groupAloneIsRefused() {
    #expect(load(base + "process:\n  group: x\n").errors.first?.contains("needs process.user") == true)
  }

  @Test func delayDependsOnWhetherReadinessCanBeSeen() {
    #expect(load(base).settings?.http.drainDelay == .zero)
    #expect(load(base + "  debug: {addr: localhost:5001}\n").settings?.http.drainDelay == .seconds(5))
    #expect(
      load(base + "  debug: {addr: localhost:5001}\n  draindelay: 1s\n").settings?.http.drainDelay == .seconds(1))
    #expect(load(base + "  draindelay: -1s\n").errors.count == 1)
  }
}
