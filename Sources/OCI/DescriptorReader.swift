// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Reads a descriptor out of a manifest: `digest` and `size` must be there, as a registry relies on them; the rest is
/// kept when its type is right.
enum DescriptorReader {
  static func read(_ value: JSONValue, at path: String) throws(ManifestError) -> Descriptor {
    let fields = try JSONFields(value, at: path, known: fieldNames)
    let digestText = try fields.required("digest", fields.string("digest"))
    let digest: Digest
    do { digest = try Digest(parsing: digestText) } catch {
      throw .invalidField(path: fields.path(to: "digest"), reason: error.description)
    }
    let size = try fields.required("size", fields.whole("size"))
    guard size >= 0 else { throw .invalidField(path: fields.path(to: "size"), reason: "is negative") }
    let artifactType = try fields.string("artifactType") ?? ""
    return Descriptor(
      mediaType: MediaType(try fields.string("mediaType") ?? ""), digest: digest, size: size,
      urls: try fields.strings("urls", countMax: textsMax), annotations: try fields.map("annotations"),
      artifactType: artifactType.isEmpty ? nil : MediaType(artifactType),
      platform: try fields.value("platform").map { value throws(ManifestError) in
        try platform(value, at: fields.path(to: "platform"))
      },
      data: try fields.string("data"))
  }

  private static let fieldNames: [String] = [
    "mediaType", "digest", "size", "urls", "annotations", "artifactType", "platform", "data",
  ]
  private static let platformNames: [String] = ["architecture", "os", "os.version", "os.features", "variant"]
  /// Most `urls` of a descriptor, and most features of a platform.
  private static let textsMax = 1024

  private static func platform(_ value: JSONValue, at path: String) throws(ManifestError) -> Platform {
    let fields = try JSONFields(value, at: path, known: platformNames)
    return Platform(
      architecture: try fields.string("architecture") ?? "", os: try fields.string("os") ?? "",
      osVersion: try fields.string("os.version"), osFeatures: try fields.strings("os.features", countMax: textsMax),
      variant: try fields.string("variant"))
  }
}
