// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Gantry
import GantryConfiguration
import Testing

/// What `registry check` explains.
struct AccessReportTests {
  private func settings(_ rules: [AccessSettings.Rule], auth: AuthSettings = .none, verifies: Bool = true) -> Settings {
    var settings = Settings()
    settings.auth = auth
    settings.access = AccessSettings(rules: rules, isPresent: true)
    if verifies {
      settings.http.tls = TLSFileSettings(
        identity: .init(certificate: "/c", key: "/k"), clientAuthentication: .verifyIfGiven, clientAuthorities: ["/ca"])
    }
    return settings
  }

  private static let rules: [AccessSettings.Rule] = [
    .grant(who: [.certificate("ci")], actions: [.push], repositories: ["build/*"]),
    .grant(who: [.certificates], actions: [.pull], repositories: ["**"]),
  ]

  @Test("A certificate's names are asked about like a user's") func certificates() throws {
    let settings = settings(Self.rules)
    let ci = try AccessReport.text(settings, user: nil, certificates: ["ci", "ci.example"], repository: "build/app")
    #expect(ci.hasPrefix("anonymous\ncertificate ci, ci.example\nrepository build/app\n"), "\(ci)")
    #expect(ci.contains("  pull     yes: rule 2\n") && ci.contains("  push     yes: rule 1\n"), "\(ci)")
    #expect(ci.contains("  catalog  no : no rule grants it\n"), "\(ci)")
    let other = try AccessReport.text(settings, user: nil, certificates: ["dev"], repository: "build/app")
    #expect(other.contains("  pull     yes: rule 2\n") && other.contains("  push     no : no rule grants it\n"))
    let none = try AccessReport.text(settings, user: nil, repository: "build/app")
    #expect(none.contains("  pull     no : no rule grants it\n"), "\(none)")
  }

  @Test("A certificate that nobody verifies counts for nothing") func unverified() throws {
    let settings = settings(Self.rules, verifies: false)
    let text = try AccessReport.text(settings, user: nil, certificates: ["ci"], repository: "build/app")
    #expect(text.contains("certificate ci: counts for nothing") && text.contains("  push     no "), "\(text)")
  }

  @Test("What a certificate grants takes no token") func tokens() throws {
    let token = TokenSettings(realm: "https://auth.test", service: "s", issuer: "i", jwks: "/keys")
    let settings = settings(
      Self.rules + [.grant(who: [.users], actions: [.push], repositories: ["**"])], auth: .token(token))
    let text = try AccessReport.text(settings, user: "alice", certificates: ["dev"], repository: "app")
    #expect(text.contains("  pull     yes: rule 2\n"), "\(text)")
    #expect(text.contains("  push     yes: rule 3, with a token for repository:app:pull,push\n"), "\(text)")
  }

  @Test("A section that grants nothing lets nobody do anything") func nothing() throws {
    let text = try AccessReport.text(settings([]), user: nil, repository: "app")
    #expect(text.contains("  pull     no : no rule grants it\n"), "\(text)")
    let open = try AccessReport.text(Settings(), user: nil, repository: "app")
    #expect(open.contains("  pull     yes: there is neither auth nor a rule"), "\(open)")
  }
}
