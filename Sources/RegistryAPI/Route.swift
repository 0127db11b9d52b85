// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire
public import GantryTelemetry

/// What a request is counted as: Distribution's names of its routes, and one for all that it has not.
enum Route: Int, CaseIterable {
  case base, manifest, tags, blob, blobUpload, blobUploadChunk, catalog, referrers, token, other

  /// The value of the label `handler`.
  var label: String {
    switch self {
    case .blobUpload: "blob_upload"
    case .blobUploadChunk: "blob_upload_chunk"
    case .base, .manifest, .tags, .blob, .catalog, .referrers, .token, .other: "\(self)"
    }
  }

  /// Tells from the last parts of the raw path, without parsing it: a path that no endpoint serves may be counted as
  /// the one it looks like.
  init(_ path: ArraySlice<UInt8>) {
    // What is asked for most is told first, and without a generic call for each byte.
    if HotPath.isManifest(path) {
      self = .manifest
      return
    }
    self = path.withUnsafeBytes { path in
      guard let last = path.lastIndex(of: Self.slash) else { return .other }
      let tail = path[(last + 1)...]
      let parent = path[..<last]
      let name = parent[(parent.lastIndex(of: Self.slash).map { $0 + 1 } ?? 0)...]
      if Self.equal(name, "blobs") { return Self.equal(tail, "uploads") ? .blobUpload : .blob }
      if Self.equal(name, "uploads") { return tail.isEmpty ? .blobUpload : .blobUploadChunk }
      if Self.equal(name, "tags") { return Self.equal(tail, "list") ? .tags : .other }
      if Self.equal(name, "referrers") { return .referrers }
      guard Self.equal(name, "v2") else { return Self.equal(tail, "v2") ? .base : .other }
      if tail.isEmpty { return .base }
      if Self.equal(tail, "_catalog") { return .catalog }
      return Self.equal(tail, "_token") ? .token : .other
    }
  }

  private static let slash = UInt8(ascii: "/")

  private static func equal(_ bytes: Slice<UnsafeRawBufferPointer>, _ text: StaticString) -> Bool {
    text.withUTF8Buffer { text in bytes.count == text.count && bytes.elementsEqual(text) }
  }
}

extension HTTPMethod {
  /// The values of the label `method`, in the order of ``index``.
  static let labels = ["get", "head", "post", "put", "patch", "delete", "options", "other"]

  /// The method's place among the labels.
  var index: Int {
    switch self {
    case .get: 0
    case .head: 1
    case .post: 2
    case .put: 3
    case .patch: 4
    case .delete: 5
    case .options: 6
    case .other: 7
    }
  }
}

extension RequestMeasures.Table {
  /// The routes, methods and statuses of the registry's API.
  public static let api = RequestMeasures.Table(
    routes: Route.allCases.map(\.label), methods: HTTPMethod.labels,
    statuses: [
      200, 201, 202, 204, 206, 301, 302, 304, 307, 400, 401, 403, 404, 405, 408, 409, 412, 413, 414, 416, 417, 421,
      422, 429, 431, 499, 500, 501, 502, 503, 505, 507,
    ])
}
