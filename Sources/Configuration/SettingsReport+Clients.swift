// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension SettingsReport {
  /// The `http.clientlimits` section.
  static func write(_ limits: ClientLimitSettings, to text: inout YAMLText) {
    text.section("clientlimits") { text in
      for (name, allowance) in [("address", limits.address), ("user", limits.user)] {
        text.section(name) { text in
          text.value("rate", allowance.rate)
          text.value("burst", allowance.burst)
          text.value("concurrent", allowance.concurrentMax)
          if name == "address" { text.value("connections", limits.connectionsMax) }
        }
      }
      text.value("failedlogins", limits.failedLoginsPerMinute)
      text.list("exempt", limits.exempt)
      text.list("trustedproxies", limits.trustedProxies)
    }
  }
}
