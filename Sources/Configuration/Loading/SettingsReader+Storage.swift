// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryYAML

extension SettingsReader {
  /// The `storage` section.
  mutating func storageSettings() -> StorageSettings {
    StorageSettings(
      engine: engine(), isDeleteEnabled: bool("storage.delete.enabled") ?? false,
      isRedirectDisabled: bool("storage.redirect.disable") ?? false,
      descriptorCache: descriptorCache(),
      uploadPurging: uploadPurging(), isReadOnly: bool("storage.maintenance.readonly.enabled") ?? false)
  }

  private mutating func engine() -> StorageSettings.Engine {
    let drivers = (node("storage")?.mapping?.entries ?? []).filter { !KeyTable.storageSections.contains($0.key) }
    guard let driver = drivers.first else {
      log.add(
        .error, at: node("storage")?.mark, "storage",
        "no storage configuration provided; expected a driver such as \"filesystem\"")
      return .inMemory
    }
    for other in drivers.dropFirst() {
      log.add(
        .error, about: Significance.firstSet(in: other.value) ?? other.value, at: other.keyMark,
        "storage.\(Shown.text(other.key))",
        "multiple storage drivers specified: there is already \"\(Shown.text(driver.key))\"; exactly one is allowed")
    }
    guard driver.key == "filesystem" else { return .inMemory }
    return .filesystem(filesystem())
  }

  private mutating func filesystem() -> FilesystemSettings {
    var settings = FilesystemSettings()
    let rootPath = "storage.filesystem.rootdirectory"
    if let root = text(rootPath), let node = node(rootPath) {
      if root.isEmpty || Self.hasControlCharacter(root) {
        log.add(.error, about: node, rootPath, "expected the path of a directory")
      } else {
        settings.rootDirectory = root
      }
    }
    let threadsPath = "storage.filesystem.maxthreads"
    settings.threadsMax = count(threadsPath, FilesystemSettings.threadsMaxDefault, in: 0...1_000_000)
    if settings.threadsMax < FilesystemSettings.threadsMaxFloor {
      if let node = node(threadsPath) {
        log.add(
          .warning, about: node, threadsPath, "raised to \(FilesystemSettings.threadsMaxFloor), the least allowed")
      }
      settings.threadsMax = FilesystemSettings.threadsMaxFloor
    }
    settings.durability = word("storage.filesystem.durability", .strict)
    settings.uploadSyncBytes = bytes(
      "storage.filesystem.uploadsyncbytes", FilesystemSettings.uploadSyncBytesDefault, in: 0...1 << 40)
    settings.checkpointInterval = duration(
      "storage.filesystem.checkpointinterval", FilesystemSettings.checkpointIntervalDefault, least: .milliseconds(10))
    return settings
  }

  private mutating func descriptorCache() -> StorageSettings.DescriptorCache {
    let sizePath = "storage.cache.blobdescriptorsize"
    let most = 1_000_000
    var entries = count(sizePath, 10_000, in: 0...most)
    if entries == 0 {
      if let node = node(sizePath) {
        log.add(
          .warning, about: node, sizePath, "a cache without a limit is not offered; up to \(most) entries are kept")
      }
      entries = most
    }
    // "layerinfo" is what the key was called before 2.1; Distribution reads it only when the newer one is absent.
    let path =
      node("storage.cache")?["blobdescriptor"] != nil ? "storage.cache.blobdescriptor" : "storage.cache.layerinfo"
    guard let node = node(path), let kind = text(path) else { return .none }
    switch kind {
    case "": return .none
    case "inmemory": break
    case "redis":
      log.add(.warning, about: node, path, "Redis is not used; descriptors are cached in memory")
    default:
      log.add(
        .warning, about: node, path, "unknown cache \"\(Shown.text(kind))\", read as not set (expected \"inmemory\")")
      return .none
    }
    return .inMemory(entriesMax: entries)
  }

  /// Distribution stops with a panic when the section is there, not switched off, and lacks one of the three others;
  /// we stop with an error for each.
  private mutating func uploadPurging() -> UploadPurgingSettings {
    let section = "storage.maintenance.uploadpurging"
    let defaults = UploadPurgingSettings()
    guard let node = node(section) else { return defaults }
    let isEnabled = bool("\(section).enabled") ?? true
    if isEnabled, node.mapping != nil {
      for key in ["age", "interval", "dryrun"] where self.node("\(section).\(key)") == nil {
        log.add(.error, about: node, "\(section).\(key)", "is missing; with uploadpurging it must be given")
      }
    }
    return UploadPurgingSettings(
      isEnabled: isEnabled, age: duration("\(section).age", defaults.age, least: .seconds(1)),
      interval: duration("\(section).interval", defaults.interval, least: .seconds(1)),
      isDryRun: bool("\(section).dryrun") ?? defaults.isDryRun)
  }

  static func hasControlCharacter(_ text: String) -> Bool {
    text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
  }
}
