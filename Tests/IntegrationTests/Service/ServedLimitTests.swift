// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

/// Limits as clients meet them.
@Suite("Limits of clients", .serialized)
struct ServedLimitTests {
  private func from(_ address: String) -> Field { ("X-Forwarded-For", address) }

  @Test("Beyond its rate a client gets 429 and when to come again; another one behind the same proxy does not")
  func rate() throws {
    let registry = try RegistryProcess(
      RegistrySettings(http: ["  clientlimits:", "    address: {rate: 1, burst: 3}", "    exempt: [198.51.100.0/24]"]))
    let client = HTTPClient(registry.endpoint)
    var last: Response?
    for _ in 0..<8 { last = try client.send("GET", "/v2/", [from("203.0.113.7")]) }
    let refused = try #require(last)
    expectError(refused, [429], ["TOOMANYREQUESTS"], naming: ["more requests than it may"])
    #expect(Int(refused["Retry-After"] ?? "").map { (1...10).contains($0) } == true, "\(refused)")
    expect(try client.send("GET", "/v2/", [from("203.0.113.8")]), 200)
    for _ in 0..<8 { expect(try client.send("GET", "/v2/", [from("198.51.100.9")]), 200) }
    registry.stop()
  }

  @Test("Whoever tries passwords is slowed down, and nobody else", .enabled(if: Peers.has("htpasswd"), "no htpasswd"))
  func logins() throws {
    let scratch = try Scratch()
    let users = "\(scratch.path)/htpasswd"
    try Files.write(try Command.run(["htpasswd", "-nbBC", "5", "alice", "wonder"], in: scratch).output, to: users)
    let registry = try RegistryProcess(
      RegistrySettings(
        http: ["  clientlimits:", "    failedlogins: 2"],
        more: ["auth:", "  htpasswd: {realm: R, path: \(users)}"]), in: scratch)
    let client = HTTPClient(registry.endpoint)
    let right: Field = ("Authorization", "Basic YWxpY2U6d29uZGVy")
    func wrong(_ address: String) throws -> Response {
      try client.send("GET", "/v2/", [("Authorization", "Basic YWxpY2U6d3Jvbmc="), from(address)])
    }
    for _ in 0..<2 { expect(try wrong("203.0.113.7"), 401) }
    let slowed = try wrong("203.0.113.7")
    expectError(slowed, [429], ["TOOMANYREQUESTS"], naming: ["logins of this address have failed"])
    #expect(Int(slowed["Retry-After"] ?? "").map { (1...30).contains($0) } == true, "\(slowed)")
    expect(try client.send("GET", "/v2/", [right, from("203.0.113.7")]), 429)
    expect(try client.send("GET", "/v2/", [right, from("203.0.113.8")]), 200)
    // Known to be right by now, so the guesser's neighbours go on.
    expect(try client.send("GET", "/v2/", [right, from("203.0.113.7")]), 200)
    registry.stop()
  }
}
