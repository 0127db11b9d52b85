// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a document is not a manifest that this registry takes. Always the client's fault (`MANIFEST_INVALID`).
public enum ManifestError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The bytes are not a JSON text, or one beyond the limits of depth and number of values.
  case invalidJSON(JSONError)
  /// The document is JSON, but not an object.
  case notAnObject(found: String)
  /// A field is missing, has the wrong type, or a value that cannot be; the path is written as in `layers[3].digest`.
  case invalidField(path: String, reason: String)
  /// `Content-Type` and the document's `mediaType` name different types.
  case mediaTypeMismatch(contentType: String, field: String)
  /// The type is not that of any manifest known here.
  case unsupportedMediaType(name: String)
  /// A Docker manifest of schema 1, which is no longer taken.
  case schema1

  /// A sentence for the client.
  public var description: String {
    switch self {
    case .invalidJSON(let error): "the manifest is not valid JSON: \(error.description)"
    case .notAnObject(let found): "the manifest must be a JSON object, found \(found)"
    case .invalidField(let path, let reason): "\(path): \(reason)"
    case .mediaTypeMismatch(let contentType, let field):
      "mediaType: '\(field)' differs from the Content-Type '\(contentType)'"
    case .unsupportedMediaType(let name): "unsupported manifest media type '\(name)'"
    case .schema1: "Docker manifests of schema 1 are not supported; push schema 2 or OCI"
    }
  }
}
