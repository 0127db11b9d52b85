// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryStorage

/// A blob that was read from the storage.
public struct BlobAnswer: Sendable {
  /// The blob.
  public let blob: StoredBlob
  /// What it may be cached by; nil when it must not be cached.
  public let proof: CacheProof?
}
