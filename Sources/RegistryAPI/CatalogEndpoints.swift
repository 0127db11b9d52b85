// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
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
    do { names = try await visible(to: call, after: page.last, limit: limit) } catch { throw Refusal(error) }
    if names.hasMore, let last = names.elements.last {
      let path = "\(LocationBuilder.pathPrefix(context.settings))/v2/_catalog"
      fields.append(
        "Link",
        PageRequest.link(
          path, [.init(name: "last", value: last.description), .init(name: "n", value: String(limit))]))
    }
    return Response(status: .ok, fields: fields, body: .bytes(CatalogDocument.render(repositories: names.elements)))
  }

  /// The repositories that the caller may see. Those that it may not are passed over page by page, so that neither the
  /// number of entries nor the Link tells of them.
  private func visible(
    to call: Call, after last: String?, limit: Int
  ) async throws(RegistryError) -> ListPage<RepositoryName> {
    guard let access = context.access, access.rules != nil else {
      return try await context.service.repositories(after: last, limit: limit)
    }
    var seen: [RepositoryName] = []
    var last = last
    while true {
      let page = try await context.service.repositories(after: last, limit: Self.scanPage)
      for name in page.elements where access.lists(name, for: call.caller) {
        if seen.count == limit { return ListPage(elements: seen, hasMore: true) }
        seen.append(name)
      }
      guard page.hasMore, let end = page.elements.last else { return ListPage(elements: seen, hasMore: false) }
      last = end.description
    }
  }

  /// How many names are looked at a time: one walk of a worker.
  private static let scanPage = 1000
}
