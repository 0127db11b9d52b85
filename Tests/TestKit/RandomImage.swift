// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
public import GantryOCI

/// A valid image made of random bytes: layers, config, manifest, an index around it and an artifact about it.
///
/// The same seed and shape give the same bytes everywhere. The documents are written by hand, not by the code under
/// test. Another seed differs in every blob.
public struct RandomImage: Sendable {
  /// What an image looks like.
  public struct Shape: Sendable, Hashable {
    /// How many layers.
    public var layerCount: Int
    /// How long a layer is, in bytes.
    public var layerBytes: ClosedRange<Int>
    /// Whose media types are written; the artifact is always OCI's, since only its documents have subjects.
    public var flavour: Manifest.Flavour
    /// What the digests are made with.
    public var algorithm: DigestAlgorithm

    /// Makes a shape.
    public init(
      layerCount: Int = 2, layerBytes: ClosedRange<Int> = 1...4096, flavour: Manifest.Flavour = .oci,
      algorithm: DigestAlgorithm = .sha256
    ) {
      self.layerCount = layerCount
      self.layerBytes = layerBytes
      self.flavour = flavour
      self.algorithm = algorithm
    }
  }

  /// Bytes under their digest and type.
  public struct Content: Sendable, Hashable {
    /// The type.
    public let mediaType: MediaType
    /// The digest of ``bytes``.
    public let digest: Digest
    /// The bytes.
    public let bytes: [UInt8]

    /// Bytes with the digest that they have.
    public init(_ mediaType: MediaType, _ bytes: [UInt8], algorithm: DigestAlgorithm = .sha256) {
      self.mediaType = mediaType
      self.bytes = bytes
      let function: DigestFunction = algorithm == .sha256 ? .sha256 : .sha512
      digest = Digest(algorithm: algorithm, bytes: GantryCryptography.digest(bytes, function))
    }

    /// What points at the content.
    public var descriptor: Descriptor {
      Descriptor(mediaType: mediaType, digest: digest, size: Int64(bytes.count))
    }

    /// The descriptor as JSON; `extra` follows its fields.
    fileprivate func json(_ extra: String = "") -> String {
      #"{"mediaType":"\#(mediaType)","digest":"\#(digest)","size":\#(bytes.count)\#(extra)}"#
    }
  }

  /// The layers, in order.
  public let layers: [Content]
  /// The config.
  public let config: Content
  /// The image manifest.
  public let manifest: Content
  /// An index, or manifest list, of the one image.
  public let index: Content
  /// The empty JSON object, which is the artifact's config and layer.
  public let empty: Content
  /// An artifact whose subject is the image.
  public let artifact: Content

  /// The image of `seed`.
  public init(seed: UInt64, shape: Shape = Shape()) {
    var generator = SplitMix64(seed: seed)
    let algorithm = shape.algorithm
    let isDocker = shape.flavour == .docker
    layers = (0..<shape.layerCount).map { _ in
      let width = shape.layerBytes.upperBound - shape.layerBytes.lowerBound + 1
      let bytes = generator.bytes(shape.layerBytes.lowerBound + generator.below(width))
      return Content(isDocker ? .dockerLayer : .ociLayer, bytes, algorithm: algorithm)
    }
    let diffs = layers.map { "\"\($0.digest)\"" }.joined(separator: ",")
    let label = generator.next()
    let configText =
      #"{"architecture":"amd64","os":"linux","config":{"Labels":{"seed":"\#(label)"}},"#
      + #""rootfs":{"type":"layers","diff_ids":[\#(diffs)]}}"#
    config = Content(isDocker ? .dockerConfig : .ociConfig, Array(configText.utf8), algorithm: algorithm)
    let manifestType: MediaType = isDocker ? .dockerManifest : .ociManifest
    let layerTexts = layers.map { $0.json() }.joined(separator: ",")
    manifest = Content(
      manifestType,
      Array(
        #"{"schemaVersion":2,"mediaType":"\#(manifestType)","config":\#(config.json()),"layers":[\#(layerTexts)]}"#
          .utf8),
      algorithm: algorithm)
    let indexType: MediaType = isDocker ? .dockerManifestList : .ociIndex
    let entry = manifest.json(#","platform":{"architecture":"amd64","os":"linux"}"#)
    index = Content(
      indexType, Array(#"{"schemaVersion":2,"mediaType":"\#(indexType)","manifests":[\#(entry)]}"#.utf8),
      algorithm: algorithm)
    empty = Content(.ociEmpty, Array("{}".utf8), algorithm: algorithm)
    artifact = Self.artifact(about: manifest, empty: empty, label: label, algorithm: algorithm)
  }

  /// Every blob that the manifest needs, each digest once.
  public var blobs: [Content] {
    var seen: Set<Digest> = []
    return (layers + [config]).filter { seen.insert($0.digest).inserted }
  }

  private static func artifact(
    about subject: Content, empty: Content, label: UInt64, algorithm: DigestAlgorithm
  ) -> Content {
    let text =
      #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociManifest)","artifactType":"application/vnd.gantry.test","#
      + #""config":\#(empty.json()),"layers":[\#(empty.json())],"subject":\#(subject.json()),"#
      + #""annotations":{"seed":"\#(label)"}}"#
    return Content(.ociManifest, Array(text.utf8), algorithm: algorithm)
  }
}
