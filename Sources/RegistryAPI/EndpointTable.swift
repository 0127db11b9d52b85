// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPWire

/// One row of the API.
struct Endpoint: Sendable {
  /// What a row does; `RegistryAPI` has one handler for each.
  enum Action: Sendable, Hashable, CaseIterable {
    case root, redirectToBase, base, catalog, token
    case readBlob, deleteBlob
    case readManifest, putManifest, deleteManifest
    case startUpload, appendToUpload, finishUpload, inspectUpload, cancelUpload
    case listTags, listReferrers
  }

  /// The endpoint's id in the OCI distribution specification; "-" for what only Distribution has.
  let specificationID: String
  let method: HTTPMethod
  let shape: PathShape
  let action: Action
}

/// The API as data: the dispatch, the Allow lists and the documentation come from these rows.
enum EndpointTable {
  static let rows: [Endpoint] = [
    row("-", .get, .root, .root), row("-", .head, .root, .root),
    row("-", .get, .baseWithoutSlash, .redirectToBase), row("-", .head, .baseWithoutSlash, .redirectToBase),
    row("end-1", .get, .base, .base), row("end-1", .head, .base, .base),
    row("-", .get, .catalog, .catalog), row("-", .head, .catalog, .catalog),
    row("-", .get, .token, .token), row("-", .head, .token, .token),
    row("end-2", .get, .blob, .readBlob), row("end-2", .head, .blob, .readBlob),
    row("end-3", .get, .manifest, .readManifest), row("end-3", .head, .manifest, .readManifest),
    // end-4a, end-4b (digest=), end-4c (digest-algorithm=) and end-11 (mount=) are one row: the query tells them
    // apart.
    row("end-4", .post, .uploads, .startUpload),
    row("end-5", .patch, .upload, .appendToUpload),
    row("end-6", .put, .upload, .finishUpload),
    row("end-7", .put, .manifest, .putManifest),
    row("end-8", .get, .tags, .listTags), row("end-8", .head, .tags, .listTags),
    row("end-9", .delete, .manifest, .deleteManifest),
    row("end-10", .delete, .blob, .deleteBlob),
    row("end-12", .get, .referrers, .listReferrers), row("end-12", .head, .referrers, .listReferrers),
    row("end-13", .get, .upload, .inspectUpload), row("end-13", .head, .upload, .inspectUpload),
    row("end-14", .delete, .upload, .cancelUpload),
  ]

  /// What the method does on the shape, or nil when it is not allowed there.
  static func action(_ method: HTTPMethod, _ shape: PathShape) -> Endpoint.Action? {
    actions[shape]?[method]
  }

  /// The methods of a shape, for the Allow field.
  static func allow(_ shape: PathShape) -> String {
    let methods = rows.filter { $0.shape == shape }.map(\.method.text)
    return (methods + [HTTPMethod.options.text]).sorted().joined(separator: ", ")
  }

  private static let actions: [PathShape: [HTTPMethod: Endpoint.Action]] = rows.reduce(into: [:]) { table, row in
    let previous = table[row.shape, default: [:]].updateValue(row.action, forKey: row.method)
    precondition(previous == nil, "a method has one row per shape")
  }

  private static func row(
    _ specificationID: String, _ method: HTTPMethod, _ shape: PathShape, _ action: Endpoint.Action
  ) -> Endpoint {
    Endpoint(specificationID: specificationID, method: method, shape: shape, action: action)
  }
}
