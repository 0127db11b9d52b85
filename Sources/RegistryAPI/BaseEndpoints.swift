// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire

/// end-1, and the two paths above it.
struct BaseEndpoints {
  let context: APIContext

  /// `/`: nothing, for load balancers that ask for it.
  func root() -> Response {
    var fields = context.commonFields
    fields.append("Cache-Control", "no-cache")
    return Response(status: .ok, fields: fields)
  }

  /// `/v2`: the base has a slash.
  func redirectToBase() -> Response {
    var fields = context.commonFields
    fields.append("Location", "\(LocationBuilder.pathPrefix(context.settings))/v2/")
    return Response(status: .movedPermanently, fields: fields)
  }

  /// `/v2/` (clause 1.1).
  func base() -> Response {
    var fields = context.commonFields
    fields.append("Content-Type", "application/json")
    return Response(status: .ok, fields: fields, body: .bytes(Array("{}".utf8)))
  }
}
