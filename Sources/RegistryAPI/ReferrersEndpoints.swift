// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryRegistry

/// end-12.
struct ReferrersEndpoints {
  /// Manifests that are read for one answer, the bytes read of them, and the bytes listed: what does not fit follows
  /// under Link (clause 12.4). A filter may pass over all that was read; then the page is empty and Link leads on.
  private static let manifestsMax = 1000
  private static let readBytesMax = 32 * 1024 * 1024
  private static let manifestBytesMax = 4 * 1024 * 1024

  let context: APIContext

  func list(_ call: Call) async throws(Refusal) -> Response {
    let name = try call.repository()
    let subject = try call.digest()
    let query = try call.query()
    let filter = query.first("artifactType").flatMap { $0.isEmpty ? nil : $0 }
    var last: Digest?
    if let text = query.first("last"), !text.isEmpty { last = try Call.digest(text) }
    let page: ReferrersPage
    do {
      page = try await context.service.referrers(
        of: subject, in: name, artifactType: filter.map { MediaType($0) }, after: last,
        limits: (Self.manifestsMax, Self.readBytesMax, Self.manifestBytesMax))
    } catch {
      throw Refusal(error)
    }
    // Escapes can make a descriptor longer than its manifest.
    let document = ReferrersIndex.page(of: page.descriptors, bytesMax: Self.manifestBytesMax)
    var fields = context.commonFields
    fields.append("Content-Type", MediaType.ociIndex.text)
    if filter != nil { fields.append("OCI-Filters-Applied", "artifactType") }
    if let next = document.last ?? page.next {
      var pairs: [Query.Pair] = []
      if let filter { pairs.append(.init(name: "artifactType", value: filter)) }
      pairs.append(.init(name: "last", value: next.description))
      let path = "\(LocationBuilder.pathPrefix(context.settings))/v2/\(name)/referrers/\(subject)"
      fields.append("Link", PageRequest.link(path, pairs))
    }
    return Response(status: .ok, fields: fields, body: .bytes(document.body))
  }
}
