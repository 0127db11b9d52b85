// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A manifest that a loop remembers, with what its reader made of it.
public final class HotManifest: Sendable {
  /// The manifest.
  public let manifest: StoredManifest
  /// What the reader prepared for serving it again; the cache does not look at it.
  public let prepared: any AnyObject & Sendable

  let proof: CacheProof

  init(_ manifest: StoredManifest, proof: CacheProof, prepared: any AnyObject & Sendable) {
    self.manifest = manifest
    self.proof = proof
    self.prepared = prepared
  }
}
