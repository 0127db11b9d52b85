// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What a registry needs to know of a manifest. The pushed bytes themselves are stored as they came, never written
/// anew from this value.
public struct Manifest: Sendable, Hashable {
  /// The shapes that a manifest comes in.
  @frozen
  public enum Kind: Sendable, Hashable {
    /// A config and layers (OCI image manifest, Docker schema 2).
    case image
    /// A list of manifests (OCI image index, Docker manifest list).
    case index
    /// A list of blobs (OCI artifact manifest).
    case artifact
  }

  /// Whose media types a manifest speaks.
  @frozen
  public enum Flavour: Sendable, Hashable {
    /// The Open Container Initiative's.
    case oci
    /// Docker's, version 2 schema 2.
    case docker
  }

  /// The shape.
  public let kind: Kind
  /// The type to serve it under: from `Content-Type` or the document, without parameters.
  public let mediaType: MediaType
  /// The config; every image has one, nothing else does.
  public let config: Descriptor?
  /// Layers of an image, blobs of an artifact manifest, in order.
  public let layers: [Descriptor]
  /// The manifests of an index, in order.
  public let manifests: [Descriptor]
  /// The manifest that this one is about; nil for Docker's types, which have no such field.
  public let subject: Descriptor?
  /// The document's own `artifactType`; nil when absent or empty.
  public let artifactType: MediaType?
  /// The document's own annotations.
  public let annotations: [String: String]

  /// Whose media types the manifest speaks.
  public var flavour: Flavour {
    mediaType == .dockerManifest || mediaType == .dockerManifestList ? .docker : .oci
  }

  /// The type under which the manifest is listed as a referrer: its `artifactType`, else for an image the type of its
  /// config, else none (OCI distribution-spec, "Listing referrers").
  public var effectiveArtifactType: MediaType? {
    if let artifactType { return artifactType }
    guard kind == .image, let config, !config.mediaType.text.isEmpty else { return nil }
    return config.mediaType
  }

  /// What must be in the repository before the manifest is taken: each digest once, in document order. A `subject` is
  /// never among it, nor is a layer that clients do not upload (by its type, or because it names `urls`).
  public var references: ManifestReferences {
    var seen: Set<Digest> = []
    var blobs: [Descriptor] = []
    if let config, seen.insert(config.digest).inserted { blobs.append(config) }
    for layer in layers where !layer.mediaType.isNonDistributable && layer.urls.isEmpty {
      if seen.insert(layer.digest).inserted { blobs.append(layer) }
    }
    seen.removeAll()
    return ManifestReferences(blobs: blobs, manifests: manifests.filter { seen.insert($0.digest).inserted })
  }

  /// The manifest as an entry of its subject's referrers list (OCI distribution-spec, "Listing referrers").
  ///
  /// - Parameters:
  ///   - digest: The digest it is stored under.
  ///   - size: Length of its bytes.
  public func referrerDescriptor(digest: Digest, size: Int64) -> Descriptor {
    Descriptor(
      mediaType: mediaType, digest: digest, size: size, annotations: annotations, artifactType: effectiveArtifactType)
  }
}
