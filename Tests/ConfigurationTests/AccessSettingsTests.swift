// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryConfiguration
import Testing

/// The `access` section: what is understood, and what is refused because a rule that is misunderstood would be another
/// rule.
struct AccessSettingsTests {
  static let auth = "auth:\n  htpasswd: {realm: r, path: /p}\n"

  @Test("Anonymous pull with authenticated push is four lines") func fourLines() {
    let outcome = load(
      base + Self.auth + """
        access:
          rules:
            - {who: [anonymous], actions: [pull]}
            - {who: [users], actions: [pull, push]}

        """)
    #expect(outcome.lines == [])
    #expect(
      outcome.settings?.access
        == AccessSettings(rules: [
          .grant(who: [.anonymous], actions: [.pull], repositories: ["**"]),
          .grant(who: [.users], actions: [.pull, .push], repositories: ["**"]),
        ]))
  }

  @Test("Every form of a rule is read") func forms() {
    let outcome = load(
      base + Self.auth + """
        access:
          groupfile: /g
          rules:
            - who: ["user:alice", "group:dev"]
              actions: [push, delete, catalog, push]
              repositories: [a/*, "b/**"]
            - {immutabletags: ["v*"], repositories: [prod/**]}
            - {immutabletags: [stable]}

        """)
    #expect(outcome.lines == [])
    #expect(
      outcome.settings?.access
        == AccessSettings(
          rules: [
            .grant(
              who: [.user("alice"), .group("dev")], actions: [.push, .delete, .catalog], repositories: ["a/*", "b/**"]),
            .immutableTags(tags: ["v*"], repositories: ["prod/**"]),
            .immutableTags(tags: ["stable"], repositories: ["**"]),
          ], groupFile: "/g"))
  }

  @Test(
    "What is not understood is an error that names it",
    arguments: [
      (
        "{who: [anonymous], actions: [pul]}",
        "unknown action \"pul\": expected pull, push, delete, catalog; did you mean \"pull\"?"
      ),
      ("{who: [anonymous], actions: [\"*\"]}", "unknown action \"*\""),
      ("{who: [alice], actions: [pull]}", "did you mean \"user:alice\"?"),
      ("{who: [user], actions: [pull]}", "did you mean \"users\"?"),
      ("{who: [\"user:\"], actions: [pull]}", "is none of anonymous"),
      ("{who: [\"group:dev\"], actions: [pull]}", "needs access.groupfile"),
      ("{who: [users]}", "access.rules[0].actions: is missing"),
      ("{actions: [pull]}", "access.rules[0].who: is missing"),
      ("{who: [], actions: [pull]}", "access.rules[0].who: is empty"),
      ("{who: users, actions: [pull]}", "access.rules[0].who: expected a list"),
      ("{who: [users], actions: [pull], repositories: []}", "repositories: is empty"),
      ("{who: [users], actions: [pull], repositories: [\"^a\"]}", "is not a pattern: \"^\" is in no name"),
      ("{who: [users], actions: [pull], repositories: [Team]}", "in lower case"),
      ("{who: [users], actions: [pull], repositorys: [a]}", "unknown key; did you mean \"repositories\"?"),
      ("{who: [users], actions: [pull], immutabletags: [v1]}", "not both"),
      ("{immutabletags: [a/b]}", "no tag holds a \"/\""),
      ("{immutabletags: []}", "immutabletags: is empty"),
      ("", "the rule is empty"),
      ("pull", "expected keys and values"),
    ])
  func faults(_ rule: String, _ message: String) {
    let outcome = load(base + Self.auth + "access:\n  rules:\n    - \(rule)\n")
    #expect(outcome.settings == nil, "\(rule)")
    #expect(outcome.errors.contains { $0.contains(message) }, "\(rule): \(outcome.lines)")
    #expect(outcome.errors.allSatisfy { $0.hasPrefix("c.yml:10:") }, "\(outcome.lines)")
  }

  @Test("A token section of 2.8 and one of v3 are read, from a file and from the environment") func tokens() {
    let older = load(
      base + """
        auth:
          token:
            autoredirect: true
            realm: https://auth.example.com/token
            service: "Docker registry"
            issuer: "Acme auth server"
            rootcertbundle: /etc/registry/auth.crt

        """)
    #expect(older.lines == [])
    var expected = TokenSettings(
      realm: "https://auth.example.com/token", service: "Docker registry", issuer: "Acme auth server",
      rootCertBundle: "/etc/registry/auth.crt", autoRedirectPath: "/auth/token")
    #expect(older.settings?.auth == .token(expected))
    let newer = load(
      base + """
        auth:
          token:
            realm: https://auth.example.com/token
            service: "Docker registry"
            issuer: "Acme auth server"
            rootcertbundle: ""
            jwks: /etc/registry/jwks.json
            autoredirect: false
            signingalgorithms: [EdDSA, ES256, ES256]

        """)
    #expect(newer.lines == [])
    expected.autoRedirectPath = nil
    expected.rootCertBundle = nil
    expected.jwks = "/etc/registry/jwks.json"
    expected.signingAlgorithms = [.EdDSA, .ES256]
    #expect(newer.settings?.auth == .token(expected))
    let name = "REGISTRY_AUTH_TOKEN"
    let outcome = load(
      base,
      environment: [
        "REGISTRY_AUTH": "token", "\(name)_REALM": "https://auth.example.com/token",
        "\(name)_SERVICE": "Docker registry",
        "\(name)_ISSUER": "Acme auth server", "\(name)_JWKS": "/etc/registry/jwks.json",
        "\(name)_SIGNINGALGORITHMS": "[EdDSA, ES256]",
      ])
    #expect(outcome.settings?.auth == .token(expected), "\(outcome.lines)")
    let moved = load(
      base + "auth: {token: {realm: x, service: s, issuer: i, jwks: /k, autoredirect: true, autoredirectpath: a}}\n")
    #expect(
      moved.lines == [] && moved.settings.map { SettingsReport.yaml($0).contains("autoredirectpath: /a") } == true)
  }

  @Test("Names mean nobody without auth; capital letters do not switch rules off")
  func surroundings() {
    let users = load(base + "access:\n  rules:\n    - {who: [users], actions: [pull]}\n")
    #expect(users.errors.count == 1 && users.errors[0].contains("no auth to log in with"), "\(users.lines)")
    let open = load(base + "access:\n  rules:\n    - {who: [anonymous], actions: [pull]}\n")
    #expect(open.lines == [])
    let capital = load(base + "Access:\n  rules:\n    - {who: [anonymous], actions: [pull]}\n")
    #expect(capital.errors == ["c.yml:6:1: error: Access: unknown key; \"access\" must be in lower case"])
    #expect(load(base + "access:\n  rule: []\n").errors.count == 1)
  }

  @Test(
    "A section that is there and grants nothing lets nobody do anything, and says so",
    arguments: [
      "access:\n", "access: {}\n", "access:\n  rules:\n", "access:\n  rules: []\n",
      "access:\n  rules:\n    # - {who: [anonymous], actions: [pull]}\n", "access:\n  rules: [{immutabletags: [x]}]\n",
      "access: {groupfile: /g}\n",
    ])
  func grantsNothing(_ section: String) throws {
    let outcome = load(base + section)
    let settings = try #require(outcome.settings, "\(outcome.lines)")
    #expect(settings.access.isInForce && !settings.access.grantsAnything)
    #expect(outcome.warnings.count == 1 && outcome.errors == [], "\(outcome.lines)")
    #expect(outcome.warnings.first?.contains("so nobody may do anything; {who: [anonymous]") == true)
    let again = load(SettingsReport.yaml(settings))
    #expect(again.settings?.access == settings.access, "\(again.lines)")
  }

  @Test("An empty auth asks nobody to log in, as in Distribution, and says so") func emptyAuth() {
    let outcome = load(base + "auth:\n  # htpasswd: {realm: r, path: /p}\n")
    #expect(outcome.settings?.auth == AuthSettings.none && outcome.errors == [])
    #expect(outcome.warnings.count == 1 && outcome.warnings[0].contains("so nobody has to log in"), "\(outcome.lines)")
  }

  @Test("Without the section nothing is denied by it, and nothing is said") func absent() {
    let outcome = load(base)
    #expect(outcome.lines == [] && outcome.settings?.access.isInForce == false)
    #expect(AccessSettings().isInForce == false && AccessSettings(groupFile: "/g").isInForce)
  }

  @Test(
    "A misspelt or misplaced section that should keep somebody out is an error",
    arguments: [
      ("acess: {rules: []}\n", "acess: unknown key; did you mean \"access\"?"),
      ("acces:\n", "acces: unknown key; did you mean \"access\"?"),
      ("authh: {htpasswd: {realm: r, path: /p}}\n", "authh: unknown key; did you mean \"auth\"?"),
      ("auht: {htpasswd: {realm: r, path: /p}}\n", "auht: unknown key; did you mean \"auth\"?"),
      ("auth:\nhtpasswd: {realm: r, path: /p}\n", "htpasswd: unknown key; did you mean \"auth.htpasswd\"?"),
      ("rules: []\n", "rules: unknown key; did you mean \"access.rules\"?"),
      ("  rules: []\n", "http.rules: unknown key; did you mean \"access.rules\"?"),
      ("  acces: {rules: []}\n", "http.acces: unknown key; did you mean \"access\"?"),
      ("  tsl: {certificate: /c, key: /k}\n", "http.tsl: unknown key; did you mean \"http.tls\"?"),
      ("  tls:\n  certificate: /c\n", "http.certificate: unknown key; did you mean \"http.tls.certificate\"?"),
    ])
  func misspelt(_ lines: String, _ message: String) {
    let outcome = load(base + lines)
    #expect(outcome.settings == nil && outcome.errors.contains { $0.contains("error: \(message)") }, "\(outcome.lines)")
  }

  @Test("Other unknown keys are passed over, and so are those that hold what is repeated elsewhere") func others() {
    for line in ["x-auth: &a {}\n", "whatever: 1\n", "  whatever: 1\n", "path: /x\n"] {
      let outcome = load(base + line)
      #expect(outcome.errors == [] && outcome.warnings.count == 1, "\(outcome.lines)")
    }
  }
}
