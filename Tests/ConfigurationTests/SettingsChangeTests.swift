// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryConfiguration
import Testing

struct SettingsChangeTests {
  private func change(_ change: (inout Settings) -> Void) -> [String] {
    var old = Settings()
    old.access = AccessSettings(rules: [.grant(who: [.anonymous], actions: [.pull], repositories: ["**"])])
    var new = old
    change(&new)
    return SettingsChange.paths(from: old, to: new)
  }

  @Test func nothing() { #expect(change { _ in } == []) }

  @Test func keysAreNamedByTheirPath() {
    #expect(change { $0.log.level = .debug } == ["log.level"])
    #expect(change { $0.http.limits.headersMax = 50 } == ["http.limits.headers"])
    #expect(change { $0.http.clientLimits.user.rate = 50 } == ["http.clientlimits.user.rate"])
    #expect(change { $0.process.user = "registry" } == ["process.user"])
    #expect(
      change {
        $0.storage.isDeleteEnabled.toggle()
        $0.tags.tagsMax = 5
      } == ["storage.delete.enabled", "tags.maxtags"])
  }

  @Test func listsCountWhole() {
    #expect(change { $0.access.rules.append(.immutableTags(tags: ["v*"], repositories: ["**"])) } == ["access.rules"])
    #expect(
      change { $0.access.rules = [.grant(who: [.users], actions: [.pull], repositories: ["**"])] } == ["access.rules"])
  }

  @Test func secretsAreComparedAndNotShown() {
    var old = Settings()
    old.http.secret = "one"
    var new = old
    new.http.secret = "two"
    #expect(SettingsChange.paths(from: old, to: new) == ["http.secret"])
    new.http.secret = nil
    #expect(SettingsChange.paths(from: old, to: new) == ["http.secret"])
  }

  @Test func engineThatIsGoneIsNamed() {
    let paths = change { $0.storage.engine = .inMemory }
    #expect(paths.contains("storage.inmemory") && paths.contains("storage.filesystem.rootdirectory"))
  }
}
