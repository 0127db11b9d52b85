// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a manifest refers to, parted by where it must be looked for.
public struct ManifestReferences: Sendable, Hashable {
  /// Content of the repository's blobs: config, layers, blobs of an artifact manifest.
  public let blobs: [Descriptor]
  /// Content of the repository's manifests: the children of an index.
  public let manifests: [Descriptor]
}
