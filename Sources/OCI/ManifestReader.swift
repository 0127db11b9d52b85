// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Reads pushed or stored manifests: OCI image manifest, image index and artifact manifest, Docker schema 2 manifest
/// and manifest list.
///
/// Strict about what it uses, indifferent to what it does not (OCI distribution-spec, end-7): unknown fields, empty
/// lists, indexes of indexes and descriptors with embedded `data` are all taken.
public enum ManifestReader {
  /// Most descriptors in one list.
  public static let descriptorsMax = 65_536

  /// Reads a manifest.
  ///
  /// The type comes from `contentType` (parameters ignored), which must agree with the document's `mediaType` field;
  /// when it is absent or says no more than "JSON" or "bytes", from the field; when that is absent too, from the
  /// shape, as OCI documents may be written without it: one with `manifests` is an index, one with `config` an image.
  ///
  /// Work and memory are proportional to `bytes.count`, whose limit is the caller's.
  public static func read(_ bytes: [UInt8], contentType: MediaType? = nil) throws(ManifestError) -> Manifest {
    let declared = contentType?.withoutParameters
    if let declared { try refuseUnsupported(declared) }
    let document: JSONValue
    do { document = try JSONValue(parsing: bytes) } catch { throw .invalidJSON(error) }
    guard case .object = document else { throw .notAnObject(found: document.kindName) }
    let fields = try JSONFields(document, at: "", known: fieldNames)
    let type = try resolveType(declared: declared, fields: fields)
    try checkSchemaVersion(fields, type)
    switch type {
    case .ociManifest, .dockerManifest: return try image(fields, type)
    case .ociIndex, .dockerManifestList: return try index(fields, type)
    default: return try artifact(fields, type)
    }
  }

  private static let fieldNames: [String] = [
    "schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "blobs", "subject", "annotations",
  ]

  private static func image(_ fields: JSONFields, _ type: MediaType) throws(ManifestError) -> Manifest {
    // A document that reads both as an image and as an index means different content to different clients.
    try refuse(["manifests"], in: "an image manifest", fields)
    let config = try fields.required("config", fields.value("config"))
    return Manifest(
      kind: .image, mediaType: type, config: try DescriptorReader.read(config, at: "config"),
      layers: try descriptors("layers", fields), manifests: [], subject: try subject(fields, type),
      artifactType: try mediaType("artifactType", fields), annotations: try fields.map("annotations"))
  }

  private static func index(_ fields: JSONFields, _ type: MediaType) throws(ManifestError) -> Manifest {
    try refuse(["config", "layers"], in: "an index", fields)
    return Manifest(
      kind: .index, mediaType: type, config: nil, layers: [], manifests: try descriptors("manifests", fields),
      subject: try subject(fields, type), artifactType: try mediaType("artifactType", fields),
      annotations: try fields.map("annotations"))
  }

  private static func artifact(_ fields: JSONFields, _ type: MediaType) throws(ManifestError) -> Manifest {
    try refuse(["config", "layers", "manifests"], in: "an artifact manifest", fields)
    return Manifest(
      kind: .artifact, mediaType: type, config: nil, layers: try descriptors("blobs", fields), manifests: [],
      subject: try subject(fields, type), artifactType: try mediaType("artifactType", fields),
      annotations: try fields.map("annotations"))
  }
}

// Which type it is.
extension ManifestReader {
  private static func resolveType(declared: MediaType?, fields: JSONFields) throws(ManifestError) -> MediaType {
    let field = try mediaType("mediaType", fields)?.withoutParameters
    if let declared, !isGeneric(declared) {
      guard let field, field != declared else { return declared }
      throw .mediaTypeMismatch(contentType: excerpt(declared.text), field: excerpt(field.text))
    }
    if let field {
      try refuseUnsupported(field)
      guard !isGeneric(field) else { throw .unsupportedMediaType(name: excerpt(field.text)) }
      return field
    }
    if fields.value("schemaVersion") == .integer(1) { throw .schema1 }
    if fields.value("manifests") != nil { return .ociIndex }
    if fields.value("config") != nil || fields.value("layers") != nil { return .ociManifest }
    throw .invalidField(path: "mediaType", reason: "is missing, and neither Content-Type nor content tells the type")
  }

  /// Every type but the artifact manifest, which never had the field, is of schema version 2.
  private static func checkSchemaVersion(_ fields: JSONFields, _ type: MediaType) throws(ManifestError) {
    let written = try fields.whole("schemaVersion")
    if type == .ociArtifactManifest, written == nil { return }
    let version = try fields.required("schemaVersion", written)
    if version == 1 { throw .schema1 }
    guard version == 2 else { throw .invalidField(path: "schemaVersion", reason: "must be 2, found \(version)") }
  }

  private static func isGeneric(_ type: MediaType) -> Bool {
    type == .json || type == .octetStream || type.text.isEmpty
  }

  private static func refuseUnsupported(_ type: MediaType) throws(ManifestError) {
    if type == .dockerManifestSchema1 || type == .dockerManifestSchema1Signed { throw .schema1 }
    guard type.isManifest || type.isIndex || isGeneric(type) else {
      throw .unsupportedMediaType(name: excerpt(type.text))
    }
  }

  private static func excerpt(_ text: String) -> String { String(text.prefix(128)) }
}

// The parts.
extension ManifestReader {
  private static func refuse(
    _ names: [String], in kind: String, _ fields: JSONFields
  ) throws(ManifestError) {
    for name in names where fields.value(name) != nil {
      throw .invalidField(path: name, reason: "does not belong into \(kind)")
    }
  }

  private static func subject(_ fields: JSONFields, _ type: MediaType) throws(ManifestError) -> Descriptor? {
    guard let subject = fields.value("subject"), type != .dockerManifest, type != .dockerManifestList else {
      return nil
    }
    return try DescriptorReader.read(subject, at: "subject")
  }

  private static func descriptors(_ name: String, _ fields: JSONFields) throws(ManifestError) -> [Descriptor] {
    let elements = try fields.array(name, countMax: descriptorsMax)
    var result: [Descriptor] = []
    result.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      result.append(try DescriptorReader.read(element, at: "\(name)[\(index)]"))
    }
    return result
  }

  private static func mediaType(_ name: String, _ fields: JSONFields) throws(ManifestError) -> MediaType? {
    guard let text = try fields.string(name), !text.isEmpty else { return nil }
    return MediaType(text)
  }
}
