// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryYAML

extension SettingsReader {
  /// The `process` section.
  mutating func processSettings() -> ProcessSettings {
    let settings = ProcessSettings(user: name("process.user"), group: name("process.group"))
    if settings.group != nil, settings.user == nil, let node = node("process.group") {
      log.add(.error, about: node, "process.group", "needs process.user: a group alone drops nothing")
    }
    return settings
  }

  /// How long a registry serves on when it is not ready any more. Without a place to ask for readiness nobody would see
  /// it, so nobody waits.
  mutating func drainDelay() -> Duration {
    duration("http.draindelay", text("http.debug.addr")?.isEmpty == false ? .seconds(5) : .zero, least: .zero)
  }

  private mutating func name(_ path: String) -> String? {
    guard let node = node(path), let text = text(path), !text.isEmpty else { return nil }
    guard text.utf8.count <= 256, !Self.hasControlCharacter(text) else {
      log.add(.error, about: node, path, "expected a name or a number")
      return nil
    }
    return text
  }
}
