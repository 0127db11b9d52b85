// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A reference from one piece of content to another (OCI image-spec, descriptor).
public struct Descriptor: Sendable, Hashable {
  /// Type of the content; kept as written, empty when the document gave none.
  public var mediaType: MediaType
  /// Digest of the content.
  public var digest: Digest
  /// Length of the content in bytes; never negative.
  public var size: Int64
  /// Where else the content may be fetched.
  public var urls: [String]
  /// Free annotations.
  public var annotations: [String: String]
  /// Type of the artifact, when the content is one.
  public var artifactType: MediaType?
  /// What the content runs on, when it stands in an index.
  public var platform: Platform?
  /// The content itself in base64, as written.
  public var data: String?

  /// A descriptor with the given parts.
  ///
  /// - Precondition: `size` is not negative.
  public init(
    mediaType: MediaType, digest: Digest, size: Int64, urls: [String] = [], annotations: [String: String] = [:],
    artifactType: MediaType? = nil, platform: Platform? = nil, data: String? = nil
  ) {
    precondition(size >= 0, "a descriptor's size is not negative")
    self.mediaType = mediaType
    self.digest = digest
    self.size = size
    self.urls = urls
    self.annotations = annotations
    self.artifactType = artifactType
    self.platform = platform
    self.data = data
  }
}
