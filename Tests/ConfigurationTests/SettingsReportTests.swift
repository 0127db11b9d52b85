// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryConfiguration
import Testing

/// What `registry check` prints.
struct SettingsReportTests {
  /// Settings that differ from every default.
  static let unusual = Settings(
    log: LogSettings(
      level: .debug, formatter: .logstash,
      fields: [
        LogSettings.Field(name: "a b: c", value: "yes"), LogSettings.Field(name: "n", value: "1\n\u{85}\u{2028}\"\\#"),
      ],
      isAccessLogDisabled: true, reportsCaller: true),
    storage: StorageSettings(
      engine: .filesystem(FilesystemSettings(rootDirectory: "/srv/ä: [x]", threadsMax: 30, uploadSyncBytes: 5)),
      isDeleteEnabled: true,
      isRedirectDisabled: true, descriptorCache: .none,
      uploadPurging: UploadPurgingSettings(
        isEnabled: false, age: .milliseconds(1500), interval: .seconds(61), isDryRun: true),
      isReadOnly: true),
    http: HTTPSettings(
      address: .tcp(host: "::1", port: 7), prefix: "/p/", host: ExternalURL("https://h:1/p"), usesRelativeURLs: true,
      drainTimeout: .zero, headers: [HTTPSettings.Header(name: "X-A", values: ["*", "b c", "true", ""])],
      limits: HTTPLimits(
        connectionsMax: 11, headBytesMax: 8192, lineBytesMax: 4096, headersMax: 9, headTimeout: .seconds(1),
        idleTimeout: .seconds(2), bodyTimeout: .seconds(3), writeTimeout: .milliseconds(4500),
        discardBytesMax: 0, lingerTimeout: .milliseconds(250), manifestBytesMax: 2048),
      loops: 2, workers: 5),
    catalog: CatalogSettings(entriesMax: 12), tags: TagsSettings(tagsMax: 13),
    validation: ValidationSettings(
      isDisabled: true, urlsAllow: ["^https://[^/]+\\.example\\.com/"], urlsDeny: ["a'b"],
      indexPlatforms: .list([ValidationSettings.Platform(architecture: "arm64", os: "linux")])),
    auth: .htpasswd(realm: "a \"realm\"", path: "/etc/users"),
    access: AccessSettings(
      rules: [
        .grant(who: [.anonymous, .user("a b")], actions: [.pull, .catalog], repositories: ["**"]),
        .immutableTags(tags: ["v*"], repositories: ["prod/**"]),
        .grant(who: [.users, .group("dev")], actions: [.push, .delete], repositories: ["a/*", "b?"]),
      ], groupFile: "/etc/groups"))

  static let token = Settings(
    auth: .token(
      TokenSettings(
        realm: "http://r", service: "s: \"t\"", issuer: "i", rootCertBundle: "/b", jwks: "/k", autoRedirectPath: "/p",
        signingAlgorithms: [.EdDSA, .PS512])))

  static let seen = Settings(
    log: LogSettings(auditFile: .file(path: "/var/log/a b")),
    http: HTTPSettings(
      debug: DebugSettings(
        address: .tcp(host: "::1", port: 9), isPrometheusEnabled: true, prometheusPath: "/m")),
    health: HealthSettings(
      storage: HealthSettings.Rhythm(interval: .milliseconds(1500), threshold: 3),
      files: [HealthSettings.FileCheck(path: "/run/x: y")],
      http: [HealthSettings.HTTPCheck(uri: "http://h:1/p?q", host: "h", port: 1, target: "/p?q", status: 204)],
      tcp: [HealthSettings.TCPCheck(address: "h:2", host: "h", port: 2, timeout: .seconds(2))]))

  static let secured = Settings(
    http: HTTPSettings(
      tls: TLSFileSettings(
        identity: .init(certificate: "/c: d", key: "/k"),
        otherIdentities: [.init(certificate: "/c2", key: "/k2"), .init(certificate: "/c3", key: "/k3")],
        clientAuthentication: .requireAndVerify, clientAuthorities: ["/a", "/b"], clientRevocations: ["/r"],
        minimumVersion: .tls13, cipherSuites: ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"])))

  @Test(arguments: [Settings(), unusual, token, seen, secured, Settings(auth: .silly(realm: "r", service: "s"))])
  func readsBackAsItWas(_ settings: Settings) {
    let outcome = load(SettingsReport.yaml(settings))
    #expect(outcome.lines == [])
    #expect(outcome.settings == settings)
  }

  @Test func readsBackForASocketAndMemory() {
    var settings = Settings()
    settings.http.address = .unix(path: "/run/registry.sock")
    settings.storage.engine = .inMemory
    settings.validation.indexPlatforms = .none
    #expect(load(SettingsReport.yaml(settings)).settings == settings)
    settings.validation.indexPlatforms = .list([])
    #expect(load(SettingsReport.yaml(settings)).settings == settings)
  }

  @Test func secretsAreMasked() {
    var settings = Settings()
    settings.http.secret = "secretword"
    let text = SettingsReport.yaml(settings)
    #expect(!text.contains("secretword"))
    #expect(text.contains("secret: \"********\"\n"))
  }

  @Test func showsEveryServedKey() {
    let silly = Settings(auth: .silly(realm: "r", service: "s"))
    let text = [Self.unusual, Self.token, Self.seen, Self.secured, Settings(), silly].map(SettingsReport.yaml).joined()
    for entry in KeyTable.entries where entry.status == .served && !entry.summary.isEmpty {
      let key = entry.path.split(separator: ".").last ?? ""
      // Older names of a key, engines that are not chosen, and free names.
      guard key != "*", !["loglevel", "layerinfo", "inmemory"].contains(key) else { continue }
      #expect(text.contains("\(key):"), "\(entry.path) is not shown")
    }
  }

  @Test func problemsAreOneLineEachAndCounted() {
    let outcome = load("version: 0.2\nstorage: inmemory\nhttp: {addr: ':1', adrr: 1}\n")
    #expect(
      SettingsReport.problems(outcome.diagnostics) == """
        c.yml:1:10: error: version: unsupported version: "0.2"; expected 0.1
        c.yml:3:20: warning: http.adrr: unknown key, ignored; did you mean "addr"?
        1 error, 1 warning

        """)
    #expect(SettingsReport.problems([]) == "0 errors, 0 warnings\n")
  }
}
