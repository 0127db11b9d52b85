// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a registry allows and how much it takes: the settings of this room.
public struct RegistryPolicy: Sendable {
  /// Refuses every write.
  public var isReadOnly: Bool
  /// Allows deletion of tags, manifests and blobs.
  public var allowsDeletion: Bool
  /// Longest manifest, in bytes (clause 7.6 asks for at least 4 MiB).
  public var manifestBytesMax: Int
  /// What is checked when a manifest is pushed.
  public var validation: ManifestValidation
  /// Tags that are never moved or removed once they are set; the rules may be exchanged while the registry serves.
  public let protectedTags: ProtectedTags
  /// When forgotten uploads are removed; nil: never.
  public var purging: UploadPurging?
  /// How much each loop remembers.
  public var cache: CacheLimits

  /// A policy; without arguments that of a writable registry that deletes nothing.
  public init(
    isReadOnly: Bool = false, allowsDeletion: Bool = false, manifestBytesMax: Int = 4 * 1024 * 1024,
    validation: ManifestValidation = ManifestValidation(), protectedTags: [TagProtection] = [],
    purging: UploadPurging? = nil, cache: CacheLimits = CacheLimits()
  ) {
    precondition(manifestBytesMax > 0, "a manifest has at least one byte")
    self.isReadOnly = isReadOnly
    self.allowsDeletion = allowsDeletion
    self.manifestBytesMax = manifestBytesMax
    self.validation = validation
    self.protectedTags = ProtectedTags(protectedTags)
    self.purging = purging
    self.cache = cache
  }
}
