// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `storage` section: one engine, and what applies to every engine.
public struct StorageSettings: Sendable, Equatable {
  /// The storage engine, with its own settings.
  public enum Engine: Sendable, Equatable {
    /// Files under a directory, in Distribution's layout.
    case filesystem(FilesystemSettings)
    /// Nothing survives the process.
    case inMemory
  }

  /// `storage.cache.blobdescriptor`.
  public enum DescriptorCache: Sendable, Equatable {
    /// Not configured: each loop remembers as much as it does by itself.
    case none
    /// Each loop remembers up to `entriesMax` manifests (`storage.cache.blobdescriptorsize`, default 10 000).
    case inMemory(entriesMax: Int)
  }

  /// The engine.
  public var engine: Engine
  /// `storage.delete.enabled`: whether manifests, tags and blobs may be deleted through the API. Distribution's default
  /// for a configuration file is false; the built-in default (no file) is true.
  public var isDeleteEnabled: Bool
  /// `storage.redirect.disable`: never redirect a client to the storage's own URLs. No engine served today redirects.
  public var isRedirectDisabled: Bool
  /// `storage.cache`.
  public var descriptorCache: DescriptorCache
  /// `storage.maintenance.uploadpurging`.
  public var uploadPurging: UploadPurgingSettings
  /// `storage.maintenance.readonly.enabled`: every write method is answered 405.
  public var isReadOnly: Bool

  /// Makes the section; the defaults are those of the built-in configuration.
  public init(
    engine: Engine = .filesystem(FilesystemSettings(rootDirectory: "./data")), isDeleteEnabled: Bool = true,
    isRedirectDisabled: Bool = false,
    descriptorCache: DescriptorCache = .inMemory(entriesMax: 10_000),
    uploadPurging: UploadPurgingSettings = UploadPurgingSettings(), isReadOnly: Bool = false
  ) {
    self.engine = engine
    self.isDeleteEnabled = isDeleteEnabled
    self.isRedirectDisabled = isRedirectDisabled
    self.descriptorCache = descriptorCache
    self.uploadPurging = uploadPurging
    self.isReadOnly = isReadOnly
  }
}
