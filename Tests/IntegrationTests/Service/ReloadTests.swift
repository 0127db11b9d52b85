// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import Glibc
import Testing

/// What SIGHUP puts in force.
@Suite("SIGHUP", .serialized, .enabled(if: Peers.has("htpasswd"), "htpasswd is not installed"))
struct ReloadTests {
  private static let alice: Field = ("Authorization", "Basic YWxpY2U6d29uZGVy")

  /// Replaces in the registry's file, sends SIGHUP and returns what standard error says from then on, once it has this
  /// text. Both streams in one text would not do: what comes on one would push the other's away from its place.
  @discardableResult
  private func reload(
    _ registry: RegistryProcess, _ text: String, with other: String, until sentence: String
  ) throws -> String {
    let errors = "\(registry.scratch.path)/stderr.log"
    let before = Files.text(errors).utf8.count
    try Files.write(Files.text(registry.configuration).replacing(text, with: other), to: registry.configuration)
    registry.child.signal(SIGHUP)
    for _ in 0..<10_000 {
      let news = String(decoding: Files.text(errors).utf8.dropFirst(before), as: UTF8.self)
      if news.contains(sentence) { return news }
      if registry.child.hasEnded(within: 2) { break }
    }
    throw HarnessError("\"\(sentence)\" is not in the log: \(registry.log.suffix(2000))")
  }

  @Test("Certificates are read anew, though nothing of them has changed") func certificates() throws {
    let (scratch, authority) = (try Scratch(), CertificateAuthority())
    let identity = authority.issue("registry", ["DNS:localhost", "IP:127.0.0.1"])
    let registry = try RegistryProcess(
      RegistrySettings(http: ["  tls:", "    certificate: \(identity.certificate)", "    key: \(identity.key)"]),
      in: scratch)
    try reload(registry, "level: info", with: "level: info", until: "the certificates were read anew")
  }

  @Test("Rules, users and the log's level are exchanged; what is broken is told with its place, and changes nothing")
  func everything() throws {
    let scratch = try Scratch()
    let users = "\(scratch.path)/htpasswd"
    let made = try Command.run(["htpasswd", "-nbBC", "5", "alice", "wonder"], in: scratch)
    try Files.write(made.output, to: users)
    let registry = try RegistryProcess(
      RegistrySettings(more: [
        "auth:", "  htpasswd: {realm: R, path: \(users)}", "access:", "  rules:",
        "    - {who: [users], actions: [pull, push]}",
      ]), in: scratch)
    let client = HTTPClient(registry.endpoint)
    func status(_ method: String, _ target: String, _ fields: [Field] = []) throws -> Int {
      try client.send(method, target, fields).status
    }
    let uploads = "/v2/a/blobs/uploads/"
    #expect(try status("GET", "/v2/a/tags/list") == 401)
    #expect(try status("POST", uploads, [Self.alice]) == 202)

    // Anonymous pull from now on, and nobody pushes; the log says more.
    try reload(
      registry, "who: [users], actions: [pull, push]", with: "who: [anonymous], actions: [pull]",
      until: "reloaded: access.rules")
    #expect(try status("GET", "/v2/a/tags/list") == 404)
    #expect(try status("POST", uploads, [Self.alice]) == 403)
    try reload(registry, "level: info", with: "level: debug", until: "reloaded: log.level")
    #expect(try status("GET", "/v2/a/tags/list") == 404)

    // A broken file: the place is named, and what was in force stays.
    let news = try reload(registry, "actions: [pull]", with: "actions: [pul]", until: "what was in force stays")
    #expect(news.contains("\(registry.configuration):") && news.contains("unknown action"), "\(news)")
    #expect(try status("GET", "/v2/a/tags/list") == 404)

    // A file of users that is not there: the same, and none is made.
    try Files.write(
      Files.text(registry.configuration).replacing("actions: [pul]", with: "actions: [pull]"),
      to: registry.configuration)
    try reload(registry, users, with: users + "-not-there", until: "what was in force stays")
    #expect(!Files.exists(users + "-not-there"))
    #expect(try status("GET", "/v2/", [Self.alice]) == 200)

    // What takes a restart is named.
    let asked = try reload(registry, users + "-not-there", with: users, until: "msg=\"reloaded:")
    #expect(!asked.contains("takes a restart"), "\(asked)")
    try reload(registry, "enabled: true", with: "enabled: false", until: "storage.delete.enabled has changed")
    registry.stop()
  }

  @Test("A protected tag is protected from the next push on") func protectedTags() throws {
    let registry = try RegistryProcess(
      RegistrySettings(more: [
        "access:", "  rules:", "    - {immutabletags: [x]}", "    - {who: [anonymous], actions: [pull, push]}",
      ]))
    let bench = try Bench("protected", registry: registry)
    for seed in [1, 2] as [UInt64] { try bench.put(try bench.image(seed: seed), as: "v1") }
    try reload(registry, "immutabletags: [x]", with: "immutabletags: [v*]", until: "reloaded: access.rules")
    let refused = try bench.put(try bench.image(seed: 3), as: "v1", status: 403)
    #expect(refused.codes == ["DENIED"])
    registry.stop()
  }
}
