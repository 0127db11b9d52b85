// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A manifest that was read from the storage.
public struct ManifestAnswer: Sendable {
  /// The manifest.
  public let manifest: StoredManifest
  /// What it may be cached by; nil when it must not be cached.
  public let proof: CacheProof?
}
