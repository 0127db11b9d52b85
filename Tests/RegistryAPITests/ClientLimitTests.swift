// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryLimiting
import GantryPatterns
import GantryRegistryAPI
import GantryWorld
import Testing

/// What one client may take, and who a client is.
struct ClientLimitTests {
  private func bench(
    address: Allowance = Allowance(), user: Allowance = Allowance(), exempt: [String] = [], trusted: [String] = [],
    access: (World) -> AccessControl? = { _ in nil }
  ) throws -> Bench {
    var settings = APISettings(secret: Bench.secret)
    settings.trustedProxies = try AddressSet(trusted)
    return Bench(
      settings: settings, limiter: RequestLimiter(address: address, user: user, exempt: try AddressSet(exempt)),
      access: access)
  }

  @Test("Beyond its rate an address gets 429, another one does not") func rate() throws {
    let bench = try bench(address: Allowance(rate: 2, burst: 3))
    for _ in 1...3 { #expect(bench.send("GET", "/v2/").status == 200) }
    let refused = bench.send("GET", "/v2/")
    #expect(refused.status == 429 && refused.code == "TOOMANYREQUESTS" && refused["Retry-After"] == "1")
    #expect(refused.text.contains("this address makes more requests than it may"))
    #expect(refused["Docker-Distribution-Api-Version"] == "registry/2.0")
    #expect(bench.send("GET", "/v2/", peer: "192.0.2.2").status == 200)
    // What is hot is counted, too.
    #expect(bench.send("GET", "/v2/a/manifests/latest").status == 429)
  }

  @Test("Requests under way are counted until their answers have left") func concurrency() throws {
    let bench = try bench(address: Allowance(concurrentMax: 2))
    for _ in 1...10 { #expect(bench.send("GET", "/v2/").status == 200) }
    for _ in 1...2 { #expect(bench.send("GET", "/v2/", staysOpen: true).status == 200) }
    for _ in 1...3 { #expect(bench.send("GET", "/v2/").status == 429) }
  }

  @Test("A user is counted whatever the address; an exempt address is not") func users() throws {
    let bench = try bench(user: Allowance(rate: 1, burst: 2), exempt: ["10.0.0.0/8"]) { world in
      AccessControl(world: world, method: .silly(realm: "R", service: "S"), secret: Bench.secret) { _ in }
    }
    bench.authorization = "anything"
    for address in ["192.0.2.1", "192.0.2.2"] { #expect(bench.send("GET", "/v2/", peer: address).status == 200) }
    let refused = bench.send("GET", "/v2/", peer: "192.0.2.3")
    #expect(refused.status == 429 && refused.text.contains("this user"))
    for _ in 1...5 { #expect(bench.send("GET", "/v2/", peer: "10.1.2.3").status == 200) }
    #expect(bench.send("GET", "/v2/", ["Authorization": ""], peer: "192.0.2.3").status == 401)
  }

  @Test(
    "Only a trusted proxy is believed, and only what it added itself",
    arguments: [
      (["10.0.0.0/8"], "10.0.0.1", "203.0.113.7", "203.0.113.7"),
      (["10.0.0.0/8"], "10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
      (["10.0.0.0/8"], "10.0.0.1", "198.51.100.1, 203.0.113.7 ,10.0.0.2", "203.0.113.7"),
      (["10.0.0.0/8"], "10.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
      (["10.0.0.0/8"], "10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
      (["10.0.0.0/8"], "10.0.0.1", "203.0.113.7, unknown", "10.0.0.1"),
      (["10.0.0.0/8"], "192.0.2.9", "203.0.113.7", "192.0.2.9"),
      (["unix"], "", "203.0.113.7", "203.0.113.7"),
      ([], "10.0.0.1", "203.0.113.7", "10.0.0.1"),
    ])
  func forwarded(_ trusted: [String], _ peer: String, _ field: String, _ client: String) throws {
    let bench = try bench(address: Allowance(concurrentMax: 1), trusted: trusted)
    #expect(
      bench.send("GET", "/v2/", ["X-Forwarded-For": field], peer: peer, staysOpen: true).status == 200)
    // The same client again, seen without any proxy.
    #expect(bench.send("GET", "/v2/", peer: client).status == 429)
  }

  @Test("Forwarded and X-Real-IP are not believed") func others() throws {
    let bench = try bench(address: Allowance(concurrentMax: 1), trusted: ["10.0.0.1"])
    _ = bench.send(
      "GET", "/v2/", ["Forwarded": "for=203.0.113.7", "X-Real-IP": "203.0.113.7"], peer: "10.0.0.1",
      staysOpen: true)
    #expect(bench.send("GET", "/v2/", peer: "203.0.113.7").status == 200)
    #expect(bench.send("GET", "/v2/", peer: "10.0.0.1").status == 429)
  }
}
