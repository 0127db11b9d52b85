// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryRegistry
import GantryStorage

/// Distribution's catalog.
struct CatalogEndpoints {
  /// How many repositories a client gets that does not say how many it wants.
  private static let entriesDefault = 100

  let context: APIContext

  func list(_ call: Call) async throws(Refusal) -> Response {
    let page = try PageRequest(try call.query(), limitMax: context.settings.catalogEntriesMax)
    let limit = page.limit ?? min(Self.entriesDefault, context.settings.catalogEntriesMax)
    var fields = context.commonFields
    fields.append("Content-Type", "application/json")
    guard limit > 0 else {
      return Response(status: .ok, fields: fields, body: .bytes(CatalogDocument.render(repositories: [])))
    }
    let names: ListPage<RepositoryName>
    do { names = try await context.service.repositories(after: page.last, limit: limit) } catch {
      throw Refusal(error)
    }
    if names.hasMore, let last = names.elements.last {
      let path = "\(LocationBuilder.pathPrefix(context.settings))/v2/_catalog"
      fields.append(
        "Link",
        PageRequest.link(
          path, [.init(name: "last", value: last.description), .init(name: "n", value: String(limit))]))
    }
    return Response(status: .ok, fields: fields, body: .bytes(CatalogDocument.render(repositories: names.elements)))
  }
}
