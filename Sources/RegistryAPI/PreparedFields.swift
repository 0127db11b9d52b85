// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryRegistry

/// The fields of a manifest or blob, rendered once and kept with it in the cache.
final class PreparedFields: Sendable {
  let fields: Fields
  let tag: EntityTag
  /// The fields of a 304 or 412: those that identify the content, without those that describe the body.
  private let bareFields: Fields

  convenience init(manifest: StoredManifest, context: APIContext) {
    self.init(
      digest: manifest.digest, contentType: manifest.mediaType.text, isImmutable: false, context: context)
  }

  convenience init(blob digest: Digest, context: APIContext) {
    self.init(digest: digest, contentType: "application/octet-stream", isImmutable: true, context: context)
  }

  private init(digest: Digest, contentType: String, isImmutable: Bool, context: APIContext) {
    let text = digest.description
    tag = EntityTag(opaque: text)
    var bare = context.commonFields
    bare.append("Docker-Content-Digest", text)
    bare.append("ETag", tag.text)
    if isImmutable { bare.append("Cache-Control", "max-age=31536000") }
    var fields = bare
    fields.append("Content-Type", contentType)
    if isImmutable { fields.append("Accept-Ranges", "bytes") }
    bareFields = bare
    self.fields = fields
  }

  /// The answer when If-Match fails (412) or If-None-Match does (304); nil when the content is to be sent
  /// (RFC 9110, 13.2.2). A condition that cannot be read is ignored: the content is a true answer in any case.
  func precondition(_ head: RequestHead) -> Response? {
    if let condition = Self.condition("if-match", head), !condition.matchesStrongly(tag) {
      return Response(status: .preconditionFailed, fields: bareFields)
    }
    if let condition = Self.condition("if-none-match", head), condition.matchesWeakly(tag) {
      return Response(status: .notModified, fields: bareFields)
    }
    return nil
  }

  private static func condition(_ lowercasedName: StaticString, _ head: RequestHead) -> EntityTagCondition? {
    // Most requests have none: one look at the lengths of their names tells.
    guard head.field(lowercasedName) != nil else { return nil }
    // A condition that cannot be read says nothing, as above.
    return try? head.entityTagCondition(lowercasedName)
  }
}
