// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryConfiguration
import Testing

/// Distribution's rules for `REGISTRY_*` variables, one test or more for each.
struct EnvironmentTests {
  private func warning(_ name: String, _ message: String) -> String {
    "environment variable \(name): warning: \(message)"
  }

  private func error(_ name: String, _ message: String) -> String {
    "environment variable \(name): error: \(message)"
  }

  // Rule 1: names in upper case beginning with REGISTRY_, in the order of their bytes.

  @Test func onlyUpperCaseNamesWithThePrefixCount() {
    let outcome = load(
      base, environment: ["registry_http_addr": ":1", "XREGISTRY_HTTP_ADDR": ":1", "REGISTRY": "x", "HTTP_ADDR": ":1"])
    #expect(outcome.lines == [])
    #expect(outcome.settings?.http.address == .tcp(host: "localhost", port: 5000))
  }

  @Test func aSectionIsAppliedBeforeItsKeys() {
    let outcome = load(
      base,
      environment: [
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/r", "REGISTRY_STORAGE_DELETE_ENABLED": "true",
        "REGISTRY_STORAGE": "filesystem",
      ])
    #expect(outcome.lines == [])
    #expect(outcome.settings?.storage.engine == .filesystem(FilesystemSettings(rootDirectory: "/r")))
    #expect(outcome.settings?.storage.isDeleteEnabled == true)
  }

  // Rule 2: parts are Go field names in upper case, not keys.

  @Test(arguments: [
    ("REGISTRY_LOGLEVEL", "debug"), ("REGISTRY_LOG_LEVEL", "debug"), ("REGISTRY_HTTP_RELATIVEURLS", "true"),
    ("REGISTRY_HEALTH_FILECHECKERS_0_FILE", "/x"), ("REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES", "true"),
    ("REGISTRY_LOG_HOOKS_0_MAILOPTIONS_FROM", "a@b"), ("REGISTRY_COMPATIBILITY_SCHEMA1_TRUSTKEY", "/k"),
    ("REGISTRY_HTTP_LIMITS_HEADBYTES", "64KiB"),
  ])
  func fieldNamesAreKnown(_ name: String, _ value: String) {
    let outcome = load(base, environment: [name: value])
    #expect(outcome.settings != nil)
    #expect(!outcome.lines.joined().contains("there is no"), "\(outcome.lines)")
  }

  @Test(arguments: [
    (
      "REGISTRY_HEALTH_FILE_0_FILE",
      "there is no \"FILE\" in \"health\"; the variable for \"health.file\" says FILECHECKERS"
    ),
    (
      "REGISTRY_NOTIFICATIONS_EVENTS_INCLUDEREFERENCES",
      "there is no \"EVENTS\" in \"notifications\"; the variable for \"notifications.events\" says EVENTCONFIG"
    ),
    ("REGISTRY_HTTP_ADRR", "there is no \"ADRR\" in \"http\"; the nearest is ADDR"),
    ("REGISTRY_HTTP_addr", "there is no \"addr\" in \"http\"; the nearest is ADDR"),
  ])
  func keysAreNotFieldNames(_ name: String, _ message: String) {
    let outcome = load(base, environment: [name: "true"])
    #expect(outcome.lines == [warning(name, "ignored: " + message)])
  }

  // Rule 3: unknown fields are ignored with a warning; service variables never hurt.

  @Test func unknownFieldsAreIgnored() {
    let outcome = load(
      base, environment: ["REGISTRY_UNHEARDOF": "x", "REGISTRY_": "y", "REGISTRY_LOG_LEVEL_MORE": "z"])
    #expect(outcome.settings != nil)
    #expect(
      outcome.lines == [
        warning("REGISTRY_", "ignored: there is no \"\" at the top"),
        warning("REGISTRY_LOG_LEVEL_MORE", "ignored: \"log.level\" has no parts, so \"MORE\" names nothing"),
        warning("REGISTRY_UNHEARDOF", "ignored: there is no \"UNHEARDOF\" at the top"),
      ])
  }

  @Test(arguments: [
    ("REGISTRY_PORT", "tcp://10.0.0.1:5000"), ("REGISTRY_AUTH_PORT", "tcp://10.0.0.1:5001"),
    ("REGISTRY_STORAGE_PORT", "udp://10.0.0.1:1"), ("REGISTRY_SERVICE_HOST", "10.0.0.1"),
    ("REGISTRY_SERVICE_PORT", "5000"), ("REGISTRY_SERVICE_PORT_HTTP", "5000"),
    ("REGISTRY_AUTH_SERVICE_HOST", "10.0.0.1"),
    ("REGISTRY_PORT_5000_TCP", "tcp://10.0.0.1:5000"), ("REGISTRY_PORT_5000_TCP_ADDR", "10.0.0.1"),
    ("REGISTRY_PORT_5000_TCP_PORT", "5000"), ("REGISTRY_PORT_5000_TCP_PROTO", "tcp"),
    ("REGISTRY_REDIS_PORT_6379_TCP_ADDR", "10.0.0.2"), ("REGISTRY_HTTP_HEADERS_PORT", "tcp://10.0.0.1:5000"),
  ])
  func serviceVariablesAreIgnored(_ name: String, _ value: String) {
    let outcome = load(base, environment: [name: value])
    #expect(outcome.settings != nil)
    #expect(
      outcome.lines == [
        warning(name, "ignored: it looks like a Kubernetes or Docker service variable of a service named \"registry\"")
      ])
  }

  @Test func pathVariableIsOurs() {
    #expect(load(base, environment: ["REGISTRY_CONFIGURATION_PATH": "/etc/x.yml"]).lines == [])
  }

  // Rule 4: tables take any key, existing ones whatever their case, new ones in lower case.

  @Test func headersCanBeAdded() {
    let outcome = load(
      base + "  headers:\n    X-One: [a]\n",
      environment: [
        "REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin": "['*']", "REGISTRY_HTTP_HEADERS_X-ONE": "[b, c]",
      ])
    #expect(outcome.lines == [])
    #expect(
      outcome.settings?.http.headers == [
        HTTPSettings.Header(name: "X-One", values: ["b", "c"]),
        HTTPSettings.Header(name: "Access-Control-Allow-Origin", values: ["*"]),
      ])
  }

  @Test func nullSectionsBecomeTables() {
    let outcome = load(
      "version: 0.1\nstorage:\n  filesystem:\n  maintenance:\nhttp: {addr: ':5000'}\n",
      environment: [
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/r", "REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED": "true",
        "REGISTRY_LOG_FIELDS_ZONE": "a",
      ])
    #expect(outcome.lines == [])
    #expect(outcome.settings?.storage.engine == .filesystem(FilesystemSettings(rootDirectory: "/r")))
    #expect(outcome.settings?.storage.isReadOnly == true)
    #expect(outcome.settings?.log.fields == [LogSettings.Field(name: "zone", value: "a")])
  }

  @Test func nestedTablesOfTheFileCanBeChanged() {
    let outcome = load(
      base.replacing(
        "inmemory: {}",
        with: "inmemory: {}\n  maintenance: {uploadpurging: {enabled: true, age: 2h, interval: 1h, dryrun: false}}"),
      environment: ["REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_AGE": "3h"])
    #expect(outcome.lines == [])
    #expect(outcome.settings?.storage.uploadPurging.age == .seconds(3 * 3600))
    #expect(outcome.settings?.storage.uploadPurging.interval == .seconds(3600))
  }

  // Rule 5: lists by index.

  @Test func listsAreChangedAndExtended() {
    let text = base + "validation: {manifests: {urls: {allow: [a, b]}}}\n"
    let outcome = load(
      text,
      environment: [
        "REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_0": "x", "REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_2": "c",
        "REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMS": "list",
        "REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMLIST_0_OS": "linux",
        "REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMLIST_0_ARCHITECTURE": "arm64",
      ])
    #expect(outcome.lines == [])
    #expect(outcome.settings?.validation.urlsAllow == ["x", "b", "c"])
    #expect(
      outcome.settings?.validation.indexPlatforms
        == .list([ValidationSettings.Platform(architecture: "arm64", os: "linux")]))
  }

  @Test(arguments: [
    ("3", "undefined index: 3; the list \"validation.manifests.urls.allow\" has 2 elements"),
    ("X", "non-numeric index: \"X\"; \"validation.manifests.urls.allow\" is a list, whose elements are counted from 0"),
    (
      "-1",
      "non-numeric index: \"-1\"; \"validation.manifests.urls.allow\" is a list, whose elements are counted from 0"
    ),
    ("", "non-numeric index: \"\"; \"validation.manifests.urls.allow\" is a list, whose elements are counted from 0"),
    (
      "99999999999999999999",
      "non-numeric index: \"99999999999999999999\"; \"validation.manifests.urls.allow\" is a list, "
        + "whose elements are counted from 0"
    ),
  ])
  func wrongIndexes(_ index: String, _ message: String) {
    let name = "REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW_\(index)"
    let outcome = load(base + "validation: {manifests: {urls: {allow: [a, b]}}}\n", environment: [name: "x"])
    #expect(outcome.lines == [error(name, message)])
  }

  // Rule 6: values are YAML; whole sections can be replaced.

  @Test func valuesAreYAML() {
    let outcome = load(
      base,
      environment: [
        "REGISTRY_CATALOG": "{maxentries: 7}", "REGISTRY_TAGS_MAXTAGS": "0x10", "REGISTRY_HTTP_SECRET": "'12'",
        "REGISTRY_HTTP_HEADERS": "{X-A: [b]}", "REGISTRY_HTTP_DRAINTIMEOUT": "1m30s", "REGISTRY_HTTP_HOST": "",
      ])
    #expect(outcome.lines == [])
    #expect(outcome.settings?.catalog.entriesMax == 7)
    #expect(outcome.settings?.tags.tagsMax == 16)
    #expect(outcome.settings?.http.secret == "12")
    #expect(outcome.settings?.http.headers == [HTTPSettings.Header(name: "X-A", values: ["b"])])
    #expect(outcome.settings?.http.drainTimeout == .seconds(90))
    #expect(outcome.settings?.http.host == nil)
  }

  @Test func storageIsReplacedWhole() {
    let text = base.replacing("inmemory: {}", with: "inmemory: {}\n  delete: {enabled: true}")
    let outcome = load(text, environment: ["REGISTRY_STORAGE": "filesystem"])
    #expect(outcome.lines == [])
    #expect(outcome.settings?.storage.engine == .filesystem(FilesystemSettings()))
    #expect(outcome.settings?.storage.isDeleteEnabled == false)
  }

  @Test func authNoneIsOpen() {
    #expect(load(base, environment: ["REGISTRY_AUTH": "none"]).lines == [])
    let name = "REGISTRY_AUTH"
    #expect(
      load(base, environment: [name: "htpasswd"]).lines == [
        error(name, "auth.htpasswd.realm: must be set for the access controller htpasswd"),
        error(name, "auth.htpasswd.path: must be set for the access controller htpasswd"),
      ])
    let whole = [name: "htpasswd", "\(name)_HTPASSWD_REALM": "R", "\(name)_HTPASSWD_PATH": "/p"]
    #expect(load(base, environment: whole).settings?.auth == .htpasswd(realm: "R", path: "/p"))
  }

  // Rule 7: keys of inline structs are reached directly.

  @Test func redisOptionsAreKnown() {
    let outcome = load(
      base,
      environment: ["REGISTRY_REDIS_ADDRS": "[a, b]", "REGISTRY_REDIS_TLS_ROOTCAS_0": "/ca", "REGISTRY_REDIS_DB": "1"])
    #expect(outcome.warnings.count == 1, "\(outcome.lines)")
    #expect(outcome.warnings.first?.contains("redis: has no effect") == true)
  }

  // Rule 8: a value that cannot be read is fatal and named by its variable.

  @Test(arguments: [
    (
      "REGISTRY_HTTP_DRAINTIMEOUT", "soon",
      "http.draintimeout: expected a duration such as \"30s\" or \"1h30m\", found text \"soon\""
    ),
    ("REGISTRY_HTTP_RELATIVEURLS", "5", "http.relativeurls: expected true or false, found a whole number \"5\""),
    ("REGISTRY_HTTP", "5", "http: expected keys and values, found a whole number \"5\""),
    ("REGISTRY_HTTP_ADDR", "nowhere", "http.addr: expected host:port, :port or [IPv6]:port, found \"nowhere\""),
    ("REGISTRY_HTTP_SECRET", "[a]", "http.secret: expected text, found a list"),
  ])
  func wrongValuesNameTheVariable(_ name: String, _ value: String, _ message: String) {
    #expect(load(base, environment: [name: value]).lines == [error(name, message)])
  }

  @Test func brokenYAMLIsNotQuoted() throws {
    let outcome = load(base, environment: ["REGISTRY_HTTP_SECRET": "[secretword"])
    let line = try #require(outcome.errors.first)
    #expect(line.hasPrefix("environment variable REGISTRY_HTTP_SECRET: error: its value is not YAML: "))
    #expect(!line.contains("secretword"))
  }

  // Rule 9: a second storage driver is an error.

  @Test func secondDriverIsAnError() {
    let name = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"
    #expect(
      load(base, environment: [name: "/r"]).lines == [
        error(
          name,
          "storage.filesystem: multiple storage drivers specified: there is already \"inmemory\"; exactly one "
            + "is allowed"
        )
      ])
  }

  @Test func keysWithUnderscoreCannotBeSet() {
    let name = "REGISTRY_STORAGE_GCS_CREDENTIALS_PROJECT_ID"
    let outcome = load(base, environment: ["REGISTRY_STORAGE": "gcs", name: "x"])
    #expect(outcome.settings == nil)
  }

  @Test func refusedKeysNameTheVariable() {
    let name = "REGISTRY_HTTP_TLS_LETSENCRYPT_EMAIL"
    let outcome = load(base + "  tls: {letsencrypt: {}}\n", environment: [name: "a@b.test"])
    #expect(outcome.settings == nil)
    #expect(outcome.lines.contains { $0.contains(name) && $0.contains("http.tls.letsencrypt") }, "\(outcome.lines)")
    #expect(load(base + "  tls: {}\n").lines == [])
  }

  @Test func versionIsTheFiles() {
    #expect(load(base, environment: ["REGISTRY_VERSION": "9.9"]).settings != nil)
    #expect(load(base.replacing("0.1", with: "0.2"), environment: ["REGISTRY_VERSION": "0.1"]).settings == nil)
  }

  @Test(arguments: 0..<20)
  func randomVariablesNeverCrash(_ seed: Int) {
    var random = Seeded(seed: UInt64(seed))
    let parts =
      KeyTable.entries.map(\.variablePart) + ["0", "1", "", "x", "\u{E9}", "9999999999999999999999", "PORT", "SERVICE"]
    let values = ["", "1", "[a]", "{a: b}", "tcp://x:1", "*x", "x", "{", "true", "~"]
    for _ in 0..<15 {
      var environment: [String: String] = [:]
      for _ in 0..<8 {
        let name = (0...random.next(below: 5)).map { _ in random.pick(parts) }.joined(separator: "_")
        environment["REGISTRY_" + name] = random.pick(values)
      }
      let outcome = load(ExampleFilesTests.configDev, environment: environment)
      #expect((outcome.settings == nil) == !outcome.errors.isEmpty)
    }
  }
}
