// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryOCI

/// A manifest as it is served.
public struct StoredManifest: Sendable {
  /// Its digest, under the algorithm that it was pushed with.
  public let digest: Digest
  /// The type to serve it under, without parameters.
  public let mediaType: MediaType
  /// The document, byte for byte.
  public let bytes: [UInt8]

  /// Makes a manifest.
  public init(digest: Digest, mediaType: MediaType, bytes: [UInt8]) {
    self.digest = digest
    self.mediaType = mediaType
    self.bytes = bytes
  }
}
