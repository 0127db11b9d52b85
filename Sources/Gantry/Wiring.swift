// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryConfiguration
internal import GantryFilesystemStorage
internal import GantryHTTP2
internal import GantryHTTPWire
internal import GantryOCI
internal import GantryPatterns
internal import GantryRegistry
internal import GantryRegistryAPI
internal import GantryServer
internal import GantryWorld

// How settings become what each room is made with. Rooms know nothing of the configuration; this is the one place that
// knows both.

extension RegistryPolicy {
  init(_ settings: Settings) throws(StartError) {
    let storage = settings.storage
    self.init(
      isReadOnly: storage.isReadOnly, allowsDeletion: storage.isDeleteEnabled,
      manifestBytesMax: settings.http.limits.manifestBytesMax, validation: try ManifestValidation(settings.validation),
      protectedTags: try TagProtection.all(in: settings.access), purging: UploadPurging(storage.uploadPurging),
      cache: CacheLimits(storage.descriptorCache))
  }
}

extension CacheLimits {
  /// What each loop remembers. Answers are proven by a look at the storage, so there is no such thing as a cache that
  /// has to be switched off. Not divided by the loops: a hot manifest is asked for on each of them, and their memory is
  /// bounded in bytes anyway.
  fileprivate init(_ cache: StorageSettings.DescriptorCache) {
    self.init()
    if case .inMemory(let entriesMax) = cache { manifestsMax = entriesMax }
  }
}

extension ManifestValidation {
  fileprivate init(_ settings: ValidationSettings) throws(StartError) {
    let children: IndexChildren =
      switch settings.indexPlatforms {
      case .all: .all
      case .none: .none
      case .list(let platforms): .platforms(platforms.map { Platform(architecture: $0.architecture, os: $0.os) })
      }
    self.init(
      isEnabled: !settings.isDisabled, indexChildren: children,
      urls: URLRules(
        allow: try Self.patterns(settings.urlsAllow, of: "allow"),
        deny: try Self.patterns(settings.urlsDeny, of: "deny")))
  }

  /// The loader has tried the expressions of a file; those of settings made in code are tried here, because a rule that
  /// is dropped would let everything pass.
  private static func patterns(_ texts: [String], of list: String) throws(StartError) -> [Pattern] {
    var patterns: [Pattern] = []
    for text in texts {
      do { patterns.append(try Pattern(text)) } catch {
        throw .settings("validation.manifests.urls.\(list): \"\(text)\" is not a regular expression: \(error)")
      }
    }
    return patterns
  }
}

extension Durability {
  init(_ setting: FilesystemSettings.Durability) {
    switch setting {
    case .strict: self = .strict
    case .distribution: self = .contents
    }
  }
}

extension UploadPurging {
  fileprivate init?(_ settings: UploadPurgingSettings) {
    guard settings.isEnabled else { return nil }
    self.init(age: settings.age, interval: settings.interval, isDryRun: settings.isDryRun)
  }
}

extension APISettings {
  init(_ settings: Settings, secret: [UInt8]) throws(StartError) {
    let http = settings.http
    self.init(
      externalURL: http.host?.description, prefix: http.prefix, usesRelativeURLs: http.usesRelativeURLs,
      headers: http.headers.map { Header(name: $0.name, values: $0.values) }, secret: secret,
      catalogEntriesMax: settings.catalog.entriesMax, tagsMax: settings.tags.tagsMax)
    trustedProxies = try AddressSet(http.clientLimits.trustedProxies, of: "trustedproxies")
  }
}

extension ServerLimits {
  init(_ limits: HTTPLimits) {
    self.init(
      wire: WireLimits(
        lineBytesMax: limits.lineBytesMax, headBytesMax: limits.headBytesMax, fieldsMax: limits.headersMax),
      connectionsMax: limits.connectionsMax, headTimeout: limits.headTimeout, idleTimeout: limits.idleTimeout,
      bodyTimeout: limits.bodyTimeout, writeTimeout: limits.writeTimeout,
      discardBytesMax: limits.discardBytesMax, lingerTimeout: limits.lingerTimeout,
      http2: HTTP2Limits(streamsMax: limits.streamsMax))
  }
}

extension GantryWorld.ListenAddress {
  init(_ address: GantryConfiguration.ListenAddress) {
    switch address {
    case .tcp(let host, let port): self = .tcp(host: host, port: port)
    case .unix(let path): self = .unix(path: path)
    }
  }
}

extension GantryConfiguration.ListenAddress {
  init(_ address: GantryWorld.ListenAddress) {
    switch address {
    case .tcp(let host, let port): self = .tcp(host: host, port: port)
    case .unix(let path): self = .unix(path: path)
    }
  }
}
