// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryLimiting
import GantryPatterns
import GantryRegistryAPI
import GantryTelemetry
import GantryTestKit
import GantryWorld
import Logging
import Synchronization
import Testing

/// What is left of logins, refused or not, in the trail, the logs and the metrics, and what proxies are warned of.
struct LoginTraceTests {
  private func logger(_ lines: Lines) -> Logger {
    let setting = GantryLogHandler.Setting(
      format: .text, sink: lines, clock: NoClock(), threshold: LogThreshold(.debug), staticFields: [:],
      isCallerReported: false)
    return Logger(label: "test") { _ in GantryLogHandler(setting) }
  }

  private static let wrong = "Basic YWxpY2U6eA=="

  @Test("A wrong password and a slowed login are in the trail and counted, with the name that was claimed")
  func refused() {
    let (lines, meters) = (Lines(), RequestMeters(.api))
    let bench = AccessClauseTests().bench(
      nil, brake: LoginBrake(failuresPerMinute: 1),
      observation: Observation(meters: meters, audit: AuditLog(sink: lines, clock: NoClock())))
    #expect(bench.send("GET", "/v2/", ["Authorization": Self.wrong]).status == 401)
    let slowed = bench.send("GET", "/v2/", ["Authorization": Self.wrong])
    #expect(slowed.status == 429 && !slowed.text.contains("alice"))
    let told = lines.all
    #expect(told.count == 2, "\(told)")
    for (line, status) in zip(told, [401, 429]) {
      #expect(line.contains(#""claimed":"alice""#) && !line.contains(#""user":"#), "\(line)")
      #expect(line.contains(#""action":"login","object":"registry","status":\#(status),"outcome":"denied""#), "\(line)")
    }
    #expect(meters.measures.refusedCredentials == 1 && meters.measures.refusedSlowed == 1)
    #expect(meters.measures.refusedPermission == 0)
  }

  @Test("The trail has the address that limits count, and all that the request says of others, told apart")
  func addresses() throws {
    let lines = Lines()
    var settings = APISettings(secret: Bench.secret)
    settings.trustedProxies = try AddressSet(["10.0.0.1"])
    let bench = AccessClauseTests().bench(
      nil, settings: settings, observation: Observation(audit: AuditLog(sink: lines, clock: NoClock())))
    let fields: KeyValuePairs = [
      "Authorization": Self.wrong, "X-Forwarded-For": "10.9.9.9", "x-forwarded-for": "203.0.113.7",
    ]
    #expect(bench.send("GET", "/v2/", fields, peer: "10.0.0.1").status == 401)
    #expect(bench.send("GET", "/v2/", fields, peer: "192.0.2.5").status == 401)
    let told = lines.all
    #expect(
      told[0].contains(#""address":"10.0.0.1:40000","client":"203.0.113.7","forwarded":"10.9.9.9, 203.0.113.7""#),
      "\(told[0])")
    #expect(told[1].contains(#""address":"192.0.2.5:40000","client":"192.0.2.5""#), "\(told[1])")
  }

  @Test("The names of users are in the access log and in the lines of what succeeded") func names() {
    let (lines, access) = (Lines(), Lines())
    let bench = AccessClauseTests().bench(nil, logger: logger(lines), accessLog: AccessLog(sink: access))
    bench.simulation.wallClock.shift(by: .seconds(10))
    bench.authorization = AccessClauseTests.alice
    bench.pushImage(to: "a")
    for _ in 1...2 { _ = bench.send("GET", "/v2/a/manifests/latest") }
    #expect(bench.wasAnsweredAtOnce)
    let completed = lines.all.filter { $0.contains("response completed") }
    #expect(completed.count >= 7 && completed.allSatisfy { $0.contains("auth.user.name=alice") }, "\(completed)")
    #expect(access.all.count >= 7 && access.all.allSatisfy { $0.hasPrefix("192.0.2.1 - alice [") }, "\(access.all)")
    _ = bench.send("GET", "/v2/", ["Authorization": Self.wrong])
    #expect(lines.all.last?.contains("auth.user.claimed=alice") == true, "\(lines.all.last ?? "")")
    #expect(access.all.last?.hasPrefix("192.0.2.1 - - [") == true)
  }

  @Test("A proxy that is not trusted is warned of once, and no more than a few are") func strangers() {
    let lines = Lines()
    let bench = AccessClauseTests().bench(nil, logger: logger(lines))
    for host in [1, 1, 2, 3, 4, 5, 6, 7] {
      _ = bench.send(
        "GET", "/v2/", ["Authorization": AccessClauseTests.alice, "X-Forwarded-For": "203.0.113.7"],
        peer: "172.18.0.\(host)")
    }
    let warnings = lines.all.filter { $0.contains("trustedproxies") }
    #expect(warnings.count == 4, "\(warnings)")
    #expect(warnings.first?.contains("requests with X-Forwarded-For come from 172.18.0.1, which is not in") == true)
  }

  @Test("That a password will go to a URL in the clear is warned of once, and not on one machine") func clearRealm() {
    let lines = Lines()
    let bench = AccessClauseTests().bench(
      [AccessRule(subjects: [.anyone], actions: [.pull])], logger: logger(lines))
    func warnings() -> Int { lines.all.count { $0.contains("which is not encrypted") } }
    _ = bench.send("GET", "/v2/", peer: "127.0.0.1")
    _ = bench.send("GET", "/v2/", ["X-Forwarded-Proto": "https"])
    #expect(warnings() == 0)
    for _ in 1...3 { #expect(bench.send("GET", "/v2/", peer: "192.0.2.1").status == 401) }
    #expect(warnings() == 1)
  }
}
