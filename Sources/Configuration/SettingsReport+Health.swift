// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension SettingsReport {
  static func write(_ health: HealthSettings, to text: inout YAMLText) {
    guard health != HealthSettings() else { return }
    text.section("health") { text in
      if let storage = health.storage {
        text.section("storagedriver") { text in
          text.value("enabled", true)
          write(storage, to: &text)
        }
      }
      if !health.files.isEmpty {
        text.sections("file", health.files) { text, check in
          text.value("file", quoted: check.path)
          text.value("interval", GoDuration.format(check.rhythm.interval))
        }
      }
      if !health.http.isEmpty {
        text.sections("http", health.http) { text, check in
          text.value("uri", quoted: check.uri)
          if !check.headers.isEmpty {
            text.section("headers") { text in
              for header in check.headers { text.list(header.name, header.values.map { _ in mask }) }
            }
          }
          text.value("statuscode", check.status)
          text.value("timeout", GoDuration.format(check.timeout))
          write(check.rhythm, to: &text)
        }
      }
      if !health.tcp.isEmpty {
        text.sections("tcp", health.tcp) { text, check in
          text.value("addr", quoted: check.address)
          text.value("timeout", GoDuration.format(check.timeout))
          write(check.rhythm, to: &text)
        }
      }
    }
  }

  private static func write(_ rhythm: HealthSettings.Rhythm, to text: inout YAMLText) {
    text.value("interval", GoDuration.format(rhythm.interval))
    text.value("threshold", rhythm.threshold)
  }
}
