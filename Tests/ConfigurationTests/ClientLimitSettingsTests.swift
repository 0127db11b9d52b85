// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryConfiguration
import Testing

struct ClientLimitSettingsTests {
  private static let head = "version: 0.1\nstorage: inmemory\nhttp:\n  addr: :5000\n  clientlimits:\n"

  @Test func wholeSectionIsReadAndReadsBack() throws {
    let text =
      Self.head
        + """
            address: {rate: 50, burst: 200, concurrent: 20, connections: 77}
            user: {rate: 5, concurrent: 3}
            failedlogins: 7
            exempt: [10.0.0.0/8, '2001:db8::/32']
            trustedproxies: [192.0.2.7]
        """.replacing("        ", with: "    ")
    let settings = try #require(load(text).settings)
    #expect(
      settings.http.clientLimits
        == ClientLimitSettings(
          address: .init(rate: 50, burst: 200, concurrentMax: 20), user: .init(rate: 5, concurrentMax: 3),
          connectionsMax: 77, failedLoginsPerMinute: 7, exempt: ["10.0.0.0/8", "2001:db8::/32"],
          trustedProxies: ["192.0.2.7"]))
    #expect(load(SettingsReport.yaml(settings)).settings?.http.clientLimits == settings.http.clientLimits)
    #expect(load(Self.head + "    trustedproxies: []\n").settings?.http.clientLimits.trustedProxies == [])
  }

  @Test func nobodyIsAProxyOfAListenerThatSpeaksTLS() {
    let tls = "  tls: {certificate: /c, key: /k}\n"
    func proxies(_ text: String) -> [String]? { load(text).settings?.http.clientLimits.trustedProxies }
    let head = "version: 0.1\nstorage: inmemory\nhttp:\n  addr: :5000\n"
    #expect(proxies(head) == ClientLimitSettings.localProxies)
    #expect(proxies(head + tls) == [])
    #expect(proxies(head + tls + "  clientlimits: {trustedproxies: [127.0.0.1]}\n") == ["127.0.0.1"])
    #expect(load(head).settings?.http.clientLimits.connectionsMax == 1024)
  }

  @Test(arguments: [
    ("address: {connections: -1}", "error", "http.clientlimits.address.connections", "-1 is out of range"),
    ("address: {rate: -1}", "error", "http.clientlimits.address.rate", "-1 is out of range"),
    ("address: {burst: 5}", "warning", "http.clientlimits.address.burst", "no effect without rate"),
    ("user: {rat: 5}", "warning", "http.clientlimits.user.rat", "rate"),
    ("failedlogins: many", "error", "http.clientlimits.failedlogins", "number"),
    ("exempt: [10.0.0.1/8]", "error", "http.clientlimits.exempt[0]", "bits beyond"),
    ("trustedproxies: [proxy.example.com]", "error", "http.clientlimits.trustedproxies[0]", "expected an address"),
  ])
  func faultsAreNamed(_ line: String, _ severity: String, _ path: String, _ part: String) {
    let found = load(Self.head + "    \(line)\n").diagnostics.filter { $0.path == path }
    #expect(found.count == 1 && found.first?.severity.rawValue == severity && found.first?.line == 6, "\(found)")
    #expect(found.first?.message.contains(part) == true, "\(found)")
  }
}
