// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryConfiguration
import Testing

@Suite("http.debug, health and log.audit")
struct MonitoringSettingsTests {
  @Test func everythingIsRead() throws {
    let outcome = load(
      base + """
          debug: {addr: "localhost:5001", prometheus: {enabled: true, path: /m}}
        log: {audit: {file: /var/log/audit.log}}
        health:
          storagedriver: {enabled: true, interval: 5s, threshold: 2}
          file:
            - {file: /run/off, interval: 1s}
          http:
            - uri: http://[::1]:8080/live?x=1
              headers: {authorization: [opensesame]}
              statuscode: 204
              timeout: 2s
              interval: 3s
              threshold: 4
            - uri: http://example.test
          tcp:
            - {addr: "db:6379", timeout: 1s}

        """)
    let settings = try #require(outcome.settings, "\(outcome.lines)")
    #expect(outcome.lines == [])
    #expect(
      settings.http.debug
        == DebugSettings(address: .tcp(host: "localhost", port: 5001), isPrometheusEnabled: true, prometheusPath: "/m"))
    #expect(settings.log.auditFile == .file(path: "/var/log/audit.log"))
    let health = settings.health
    #expect(health.storage == HealthSettings.Rhythm(interval: .seconds(5), threshold: 2))
    #expect(health.files == [.init(path: "/run/off", rhythm: .init(interval: .seconds(1)))])
    #expect(
      health.http == [
        .init(
          uri: "http://[::1]:8080/live?x=1", host: "::1", port: 8080, target: "/live?x=1",
          headers: [.init(name: "Authorization", values: ["opensesame"])], status: 204, timeout: .seconds(2),
          rhythm: .init(interval: .seconds(3), threshold: 4)),
        .init(uri: "http://example.test", host: "example.test", port: 80, target: "/"),
      ])
    #expect(health.tcp == [.init(address: "db:6379", host: "db", port: 6379, timeout: .seconds(1))])
    let report = SettingsReport.yaml(settings)
    #expect(!report.contains("opensesame"), "headers of a check may hold credentials")
    #expect(report.contains("statuscode: 204"))
    #expect(load(base + "log: {audit: {file: stdout}}\n").settings?.log.auditFile == .standardOutput)
  }

  static let faults: [(text: String, message: String)] = [
    ("  debug: {addr: nowhere}\n", "http.debug.addr: expected host:port"),
    ("  debug: {addr: \":1\", prometheus: {enabled: true, path: metrics}}\n", "expected a path such as"),
    ("  debug: {addr: \":1\", prometheus: {enabled: true, path: /readyz}}\n", "\"/readyz\" is taken"),
    ("health: {http: [{uri: \"ftp://x\"}]}\n", "health.http[0].uri: expected a URI"),
    ("health: {http: [{uri: \"http://x:0/\"}]}\n", "health.http[0].uri: expected a URI"),
    ("health: {http: [{uri: \"http://x/\", statuscode: 42}]}\n", "42 is out of range: expected 100 to 599"),
    ("health: {http: [{uri: \"http://x/\", headers: {\"a b\": [c]}}]}\n", "is not a header"),
    ("health: {http: [{uri: \"http://x/\", headers: {a: [\"b\\nc\"]}}]}\n", "is not a header"),
    ("health: {tcp: [{addr: \":80\"}]}\n", "health.tcp[0].addr: expected host:port"),
    ("health: {tcp: [{addr: \"a:1\", interval: 1ns}]}\n", "is too short: expected at least 1ms"),
    ("health: {tcp: [{addr: \"a:1\"}, {addr: \"a:1\"}]}\n", "\"a:1\" is checked twice"),
    ("health: {file: [{interval: 1s}]}\n", "health.file[0].file: expected the path of a file"),
    ("health: {storagedriver: {enabled: true, threshold: -1}}\n", "-1 is out of range"),
  ]

  @Test(arguments: faults.indices) func faultsAreNamed(_ index: Int) {
    let (text, message) = Self.faults[index]
    let outcome = load(base + text)
    #expect(outcome.settings == nil)
    #expect(outcome.errors.contains { $0.contains(message) }, "\(outcome.lines)")
  }

  @Test func checksMayBeSecure() {
    let https = load(base + "health: {http: [{uri: \"https://x/\"}, {uri: \"HTTPS://[::1]:8443/y\"}]}\n")
    #expect(
      https.settings?.health.http == [
        HealthSettings.HTTPCheck(uri: "https://x/", isSecure: true, host: "x", port: 443, target: "/"),
        HealthSettings.HTTPCheck(uri: "HTTPS://[::1]:8443/y", isSecure: true, host: "::1", port: 8443, target: "/y"),
      ])
    #expect(https.warnings.isEmpty)
  }

  @Test func whatHasNoEffectIsSaid() {
    let alone = load(base + "  debug: {prometheus: {enabled: true}}\n")
    #expect(alone.warnings.contains { $0.contains("has no effect without http.debug.addr") })
  }
}
