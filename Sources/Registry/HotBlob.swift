// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryStorage

/// A blob that a loop keeps open, with what its reader made of it.
public final class HotBlob: Sendable {
  /// The blob.
  public let blob: StoredBlob
  /// What the reader prepared for serving it again; the cache does not look at it.
  public let prepared: any AnyObject & Sendable

  let proof: CacheProof

  init(_ blob: StoredBlob, proof: CacheProof, prepared: any AnyObject & Sendable) {
    self.blob = blob
    self.proof = proof
    self.prepared = prepared
  }
}
