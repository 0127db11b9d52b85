// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryRegistry
import GantryStorage

/// end-8.
struct TagEndpoints {
  /// How many tags a client gets at most that does not say how many it wants: all, up to what fits an answer.
  private static let unpagedMax = 100_000

  let context: APIContext

  func list(_ call: Call) async throws(Refusal) -> Response {
    let name = try call.repository()
    let page = try PageRequest(try call.query(), limitMax: context.settings.tagsMax)
    let limit = page.limit ?? Self.unpagedMax
    let tags: ListPage<Tag>
    do {
      // An unknown repository is unknown for n=0 too.
      tags = try await context.service.tags(in: name, after: page.last, limit: max(limit, 1))
    } catch {
      throw Refusal(error)
    }
    var fields = context.commonFields
    fields.append("Content-Type", "application/json")
    guard limit > 0 else {
      return Response(status: .ok, fields: fields, body: .bytes(TagsDocument.render(name: name, tags: [])))
    }
    if tags.hasMore, let last = tags.elements.last {
      let path = "\(LocationBuilder.pathPrefix(context.settings))/v2/\(name)/tags/list"
      let next = min(limit, context.settings.tagsMax)
      fields.append(
        "Link",
        PageRequest.link(
          path, [.init(name: "last", value: last.description), .init(name: "n", value: String(next))]))
    }
    return Response(status: .ok, fields: fields, body: .bytes(TagsDocument.render(name: name, tags: tags.elements)))
  }
}
