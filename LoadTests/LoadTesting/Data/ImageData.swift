// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryCryptography

/// An image made from a seed: a configuration, layers, and the manifest that names them.
struct ImageData: Sendable {
  static let mediaType = "application/vnd.oci.image.manifest.v1+json"

  let config: [UInt8]
  let configDigest: [UInt8]
  let layers: [BlobData]
  let manifest: [UInt8]
  let manifestDigest: [UInt8]

  var configName: String { "sha256:\(Hexadecimal.text(configDigest))" }
  var manifestName: String { "sha256:\(Hexadecimal.text(manifestDigest))" }
  /// Bytes of layers and configuration.
  var contentBytes: Int { layers.reduce(config.count) { $0 + $1.count } }

  /// Makes image `number`. `manifestBytes` is the size that the manifest is brought to by an annotation, where it is
  /// not larger already.
  init(number: UInt64, seed: UInt64, layers moulds: [BlobMould], manifestBytes: Int) {
    let run = seed &* 0x2545_f491_4f6c_dd1d
    layers = moulds.enumerated().map { $0.element.blob(number &* 1024 &+ UInt64($0.offset), run: run) }
    config = Array(
      """
      {"architecture":"amd64","os":"linux","config":{"Labels":{"number":"\(number)","seed":"\(seed)"}},\
      "rootfs":{"type":"layers","diff_ids":[\(layers.map { "\"\($0.name)\"" }.joined(separator: ","))]}}
      """.utf8)
    configDigest = digest(config, .sha256)
    let plain = Self.manifest(config: config, configDigest, layers, note: nil)
    let padding = manifestBytes - plain.count - Self.manifestNoteOverhead
    manifest = padding > 0 ? Self.manifest(config: config, configDigest, layers, note: padding) : plain
    manifestDigest = digest(manifest, .sha256)
  }

  private static let manifestNoteOverhead = ",\"annotations\":{\"note\":\"\"}".utf8.count

  private static func manifest(config: [UInt8], _ configDigest: [UInt8], _ layers: [BlobData], note: Int?) -> [UInt8] {
    let descriptors = layers.map {
      "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"\($0.name)\",\"size\":\($0.count)}"
    }
    var text =
      "{\"schemaVersion\":2,\"mediaType\":\"\(mediaType)\",\"config\":{\"mediaType\":"
      + "\"application/vnd.oci.image.config.v1+json\",\"digest\":\"sha256:\(Hexadecimal.text(configDigest))\","
      + "\"size\":\(config.count)},\"layers\":[\(descriptors.joined(separator: ","))]"
    if let note { text += ",\"annotations\":{\"note\":\"\(String(repeating: "x", count: note))\"}" }
    return Array((text + "}").utf8)
  }
}
