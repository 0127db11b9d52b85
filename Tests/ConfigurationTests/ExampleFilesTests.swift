// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryConfiguration
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// The files of config/ and what other registries ship.
struct ExampleFilesTests {
  static func bytes(_ path: String) throws -> [UInt8] {
    let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
    let file = try #require(fopen("\(root)/\(path)", "rb"), "cannot open \(path)")
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes[..<count])
  }

  func loaded(_ path: String) throws -> LoadedConfiguration {
    try ConfigurationLoader.load(text: Self.bytes(path), file: path, environment: [:])
  }

  @Test func developmentServesDataOnLocalhost() throws {
    let loaded = try loaded("config/development.yml")
    #expect(loaded.diagnostics == [])
    var expected = Settings()
    expected.http.address = .tcp(host: "localhost", port: 5000)
    #expect(loaded.settings == expected)
  }

  @Test func firstREADMEStartsWithOneWarning() throws {
    let loaded = try loaded("config/distribution-2.8-example.yml")
    #expect(loaded.diagnostics == [])
    #expect(loaded.settings.http.debug.address != nil)
    #expect(loaded.settings.log.level == .debug)
    #expect(loaded.settings.storage.engine == .filesystem(FilesystemSettings(rootDirectory: "/tmp/registry-dev")))
    #expect(loaded.settings.http.secret == "asecretforlocaldevelopment")
    #expect(!loaded.settings.storage.isDeleteEnabled)
  }

  @Test func commentedExampleShowsEveryServedKey() throws {
    let text = String(decoding: try Self.bytes("config/registry.yml"), as: UTF8.self)
    let loaded = try loaded("config/registry.yml")
    #expect(loaded.diagnostics == [])
    for entry in KeyTable.entries where entry.status == .served && !entry.path.hasSuffix("*") {
      let key = entry.path.split(separator: ".").last ?? ""
      #expect(text.contains("\(key.replacing("[]", with: "")):"), "config/registry.yml does not show \(entry.path)")
    }
    // What differs from the defaults is what the comments say.
    var expected = Settings()
    expected.storage.engine = .filesystem(FilesystemSettings())
    expected.storage.isDeleteEnabled = false
    expected.log.fields = [LogSettings.Field(name: "service", value: "registry")]
    expected.http.headers = [HTTPSettings.Header(name: "X-Content-Type-Options", values: ["nosniff"])]
    #expect(loaded.settings == expected)
  }

  @Test func builtInDefaultIsSettingsDefault() throws {
    let loaded = try ConfigurationLoader.loadBuiltIn(environment: [:])
    #expect(loaded == LoadedConfiguration(settings: Settings(), diagnostics: []))
    let moved = try ConfigurationLoader.loadBuiltIn(environment: ["REGISTRY_HTTP_ADDR": ":6000"])
    #expect(moved.settings.http.address == .tcp(host: "", port: 6000))
  }

  @Test func imageOf28Starts() throws {
    let outcome = load(
      """
      version: 0.1
      log:
        fields:
          service: registry
      storage:
        cache:
          blobdescriptor: inmemory
        filesystem:
          rootdirectory: /var/lib/registry
      http:
        addr: :5000
        headers:
          X-Content-Type-Options: [nosniff]
      health:
        storagedriver:
          enabled: true
          interval: 10s
          threshold: 3
      """)
    let settings = try #require(outcome.settings)
    #expect(outcome.lines == [])
    #expect(settings.health == HealthSettings(storage: HealthSettings.Rhythm(interval: .seconds(10), threshold: 3)))
    #expect(settings.http.address == .tcp(host: "", port: 5000))
    #expect(settings.http.drainTimeout == .seconds(30))
    #expect(settings.storage.descriptorCache == .inMemory(entriesMax: 10_000))
    #expect(settings.storage.engine == .filesystem(FilesystemSettings()))
  }

  @Test func developmentFileOf28RefusesOnlyNotifications() throws {
    let outcome = load(Self.configDev)
    #expect(outcome.settings == nil)
    #expect(
      outcome.errors == [
        "c.yml:34:1: error: notifications: notifications are not sent yet; "
          + "whoever relies on them would miss every event"
      ])
    #expect(outcome.warnings.count == 1, "\(outcome.warnings)")
    let quiet = load(Self.configDev.replacing("notifications:", with: "x-off:"))
    let settings = try #require(quiet.settings)
    #expect(settings.storage.isDeleteEnabled)
    #expect(settings.storage.uploadPurging.isEnabled == false)
    #expect(settings.log.level == .debug)
  }

  /// A development file of the 2.8 generation in the manner of the one in Distribution's repository.
  static let configDev = """
    version: 0.1
    log:
      level: debug
      fields:
        service: registry
        environment: development
      hooks:
        - type: mail
          disabled: true
          levels: [panic]
          options:
            smtp: {addr: "mail.example.com:25", username: u, password: secretword, insecure: true}
            from: sender@example.com
            to: [errors@example.com]
    storage:
      delete:
        enabled: true
      cache:
        blobdescriptor: inmemory
      filesystem:
        rootdirectory: /var/lib/registry
      maintenance:
        uploadpurging:
          enabled: false
    http:
      addr: :5000
      debug:
        addr: :5001
        prometheus:
          enabled: true
          path: /metrics
      headers:
        X-Content-Type-Options: [nosniff]
    notifications:
      events:
        includereferences: true
      endpoints:
        - name: local-5003
          url: http://localhost:5003/callback
          headers:
            Authorization: [Bearer secretword]
          timeout: 1s
          threshold: 10
          backoff: 1s
          disabled: false
    health:
      storagedriver:
        enabled: true
        interval: 10s
        threshold: 3
    """

  @Test func fileOfV3Starts() throws {
    let outcome = load(
      """
      version: 0.1
      log:
        level: warn
        formatter: json
        accesslog: {disabled: true}
        reportcaller: true
      storage:
        filesystem: {rootdirectory: /srv/registry, maxthreads: "200", uploadsyncbytes: 1MiB}
        tag: {concurrencylimit: 8}
        cache: {blobdescriptor: redis, blobdescriptorsize: 500}
        redirect: {disable: true}
        maintenance:
          uploadpurging: {enabled: true, age: 1h30m, interval: 30m, dryrun: true}
          readonly: {enabled: yes}
      http:
        net: unix
        addr: /run/registry.sock
        host: https://registry.example.com:8443/base/
        prefix: /base/
        relativeurls: true
        draintimeout: 0
        http2: {disabled: true}
        h2c: {enabled: false}
      redis:
        addrs: [localhost:6379]
        password: secretword
      tags: {maxtags: 50}
      catalog: {maxentries: 20}
      validation:
        manifests:
          urls: {allow: ['^https://'], deny: ['^https://bad\\.example/']}
          indexes:
            platforms: list
            platformlist: [{architecture: amd64, os: linux}]
      """)
    let settings = try #require(outcome.settings, "\(outcome.lines)")
    #expect(outcome.warnings.count == 3, "\(outcome.lines)")
    #expect(!outcome.lines.joined().contains("secretword"))
    var expected = Settings()
    expected.http.offersHTTP2 = false
    expected.log = LogSettings(level: .warn, formatter: .json, isAccessLogDisabled: true, reportsCaller: true)
    expected.storage = StorageSettings(
      engine: .filesystem(
        FilesystemSettings(rootDirectory: "/srv/registry", threadsMax: 200, uploadSyncBytes: 1 << 20)),
      isDeleteEnabled: false, isRedirectDisabled: true,
      descriptorCache: .inMemory(entriesMax: 500),
      uploadPurging: UploadPurgingSettings(
        isEnabled: true, age: .seconds(5400), interval: .seconds(1800), isDryRun: true),
      isReadOnly: true)
    expected.http.address = .unix(path: "/run/registry.sock")
    expected.http.host = ExternalURL("https://registry.example.com:8443/base")
    expected.http.prefix = "/base/"
    expected.http.usesRelativeURLs = true
    expected.http.drainTimeout = .zero
    expected.tags.tagsMax = 50
    expected.catalog.entriesMax = 20
    expected.validation = ValidationSettings(
      urlsAllow: ["^https://"], urlsDeny: ["^https://bad\\.example/"],
      indexPlatforms: .list([ValidationSettings.Platform(architecture: "amd64", os: "linux")]))
    #expect(settings == expected)
  }
}
