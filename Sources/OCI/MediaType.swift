// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A media type as it stands in `Content-Type` headers and descriptors (RFC 6838, RFC 9110 section 8.3.1).
///
/// A plain text with names for the types that matter here: descriptors may carry any text, and it is kept as it came.
public struct MediaType: Sendable, Hashable {
  /// The text as it came.
  public let text: String

  /// The media type written as `text`; nothing is checked.
  public init(_ text: String) { self.text = text }

  /// `type/subtype` alone: lower-cased, without parameters and surrounding white space.
  public var withoutParameters: MediaType {
    let bare = text.utf8.prefix { $0 != UInt8(ascii: ";") }
    let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    var trimmed = bare.drop(while: isSpace)
    while let last = trimmed.last, isSpace(last) { trimmed.removeLast() }
    if trimmed.count == text.utf8.count, !trimmed.contains(where: Self.isUpper) { return self }
    return MediaType(String(decoding: trimmed.map { Self.isUpper($0) ? $0 | 0x20 : $0 }, as: UTF8.self))
  }

  /// Whether it is the type of a manifest that is not an index.
  public var isManifest: Bool { self == .ociManifest || self == .dockerManifest || self == .ociArtifactManifest }

  /// Whether it is the type of an index or manifest list.
  public var isIndex: Bool { self == .ociIndex || self == .dockerManifestList }

  /// Whether it is the type of a layer that clients do not upload, so that its blob may be missing
  /// (OCI image-spec, non-distributable layers; Docker foreign layers).
  public var isNonDistributable: Bool {
    text.hasPrefix("application/vnd.oci.image.layer.nondistributable.v1.tar")
      || text.hasPrefix("application/vnd.docker.image.rootfs.foreign.diff.tar")
  }

  private static func isUpper(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") }
}

extension MediaType: CustomStringConvertible {
  /// The text as it came.
  public var description: String { text }
}

extension MediaType {
  /// OCI image manifest.
  public static let ociManifest = MediaType("application/vnd.oci.image.manifest.v1+json")
  /// OCI image index.
  public static let ociIndex = MediaType("application/vnd.oci.image.index.v1+json")
  /// OCI artifact manifest (withdrawn before 1.1, still pushed by older clients).
  public static let ociArtifactManifest = MediaType("application/vnd.oci.artifact.manifest.v1+json")
  /// OCI image configuration.
  public static let ociConfig = MediaType("application/vnd.oci.image.config.v1+json")
  /// The empty JSON object, placeholder for a config or layer.
  public static let ociEmpty = MediaType("application/vnd.oci.empty.v1+json")
  /// OCI layer, tar.
  public static let ociLayer = MediaType("application/vnd.oci.image.layer.v1.tar")
  /// OCI layer, tar with gzip.
  public static let ociLayerGzip = MediaType("application/vnd.oci.image.layer.v1.tar+gzip")
  /// OCI layer, tar with zstd.
  public static let ociLayerZstd = MediaType("application/vnd.oci.image.layer.v1.tar+zstd")
  /// OCI layer that clients do not upload, tar with gzip.
  public static let ociNonDistributableLayerGzip = MediaType(
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")
  /// Docker image manifest, version 2 schema 2.
  public static let dockerManifest = MediaType("application/vnd.docker.distribution.manifest.v2+json")
  /// Docker manifest list.
  public static let dockerManifestList = MediaType("application/vnd.docker.distribution.manifest.list.v2+json")
  /// Docker image manifest, schema 1; recognised in order to be refused.
  public static let dockerManifestSchema1 = MediaType("application/vnd.docker.distribution.manifest.v1+json")
  /// Docker image manifest, schema 1 with signatures; recognised in order to be refused.
  public static let dockerManifestSchema1Signed = MediaType("application/vnd.docker.distribution.manifest.v1+prettyjws")
  /// Docker image configuration.
  public static let dockerConfig = MediaType("application/vnd.docker.container.image.v1+json")
  /// Docker layer, tar with gzip.
  public static let dockerLayer = MediaType("application/vnd.docker.image.rootfs.diff.tar.gzip")
  /// Docker layer that clients do not upload.
  public static let dockerForeignLayer = MediaType("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
  /// Any bytes.
  public static let octetStream = MediaType("application/octet-stream")
  /// JSON of no particular kind.
  public static let json = MediaType("application/json")
}
