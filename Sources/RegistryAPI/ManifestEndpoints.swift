// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryRegistry

/// end-3, end-7 and end-9.
struct ManifestEndpoints {
  /// What is asked of a body at a time.
  private static let readBytesMax = 64 * 1024

  let context: APIContext

  /// end-3. What is stored is served whatever Accept says: a registry has one representation of a manifest, and RFC
  /// 9110 section 12.5.1 lets it be sent to whom it does not suit.
  func read(_ call: Call) async throws(Refusal) -> Response {
    let name = try call.repository()
    let reference = try call.reference()
    let found: ManifestAnswer
    do { found = try await context.service.manifest(reference, in: name) } catch { throw Refusal(error) }
    let prepared = PreparedFields(manifest: found.manifest, context: context)
    if let proof = found.proof, HotPath.isKept(call.head.path) {
      await context.cache.keep(CacheKey(call.head.path), found.manifest, proof: proof, prepared: prepared)
    }
    return respond(found.manifest, prepared, call.head)
  }

  /// The same from the cache.
  func respond(_ hot: HotManifest, _ head: RequestHead) -> Response? {
    guard let prepared = hot.prepared as? PreparedFields else { return nil }
    return respond(hot.manifest, prepared, head)
  }

  /// end-7a and end-7b.
  func put(_ call: Call) async throws(Refusal) -> Response {
    let name = try call.repository()
    let reference = try call.reference()
    let tags = try tags(call.query())
    let condition = try writeCondition(call)
    var heldBytes = 0
    defer { context.manifestBudget.giveBack(heldBytes) }
    let bytes = try await body(call.request, &heldBytes)
    let push = ManifestPush(
      bytes: bytes, contentType: call.head.fieldText("content-type").map { MediaType($0) }, reference: reference,
      tags: tags, condition: condition)
    let receipt: ManifestReceipt
    do { receipt = try await context.service.putManifest(push, in: name) } catch { throw Refusal(error) }
    var fields = context.commonFields
    fields.append("Location", context.locations(for: call.request).manifest(receipt.digest, in: name))
    fields.append("Docker-Content-Digest", receipt.digest.description)
    if let subject = receipt.subject { fields.append("OCI-Subject", subject.description) }
    for tag in tags { fields.append("OCI-Tag", tag.description) }
    return Response(status: .created, fields: fields)
  }

  /// end-9.
  func delete(_ call: Call) async throws(Refusal) -> Response {
    let name = try call.repository()
    let reference = try call.reference()
    let condition = try writeCondition(call)
    do { try await context.service.deleteManifest(reference, in: name, when: condition) } catch {
      throw Refusal(error)
    }
    return Response(status: .accepted, fields: context.commonFields)
  }

  private func respond(_ manifest: StoredManifest, _ prepared: PreparedFields, _ head: RequestHead) -> Response {
    if let refused = prepared.precondition(head) { return refused }
    return Response(status: .ok, fields: prepared.fields, body: .bytes(manifest.bytes))
  }

  /// The tags that a push by digest also sets (clause 7.9).
  private func tags(_ query: Query) throws(Refusal) -> [Tag] {
    let texts = query.all("tag")
    guard texts.count <= context.settings.pushedTagsMax else {
      throw Refusal(
        .tagInvalid, status: .uriTooLong, message: "too many tags",
        detail: ["reason": .string("one push sets at most \(context.settings.pushedTagsMax) tags")])
    }
    var tags: [Tag] = []
    for text in texts {
      do {
        let tag = try Tag(parsing: text)
        if !tags.contains(tag) { tags.append(tag) }
      } catch {
        throw Refusal(
          .tagInvalid, message: error.description, detail: ["tag": .string(String(text.prefix(Tag.bytesMax)))])
      }
    }
    return tags
  }

  /// If-Match and If-None-Match (clause 7.8): entity tags of manifests are their digests.
  private func writeCondition(_ call: Call) throws(Refusal) -> WriteCondition {
    WriteCondition(
      required: try call.condition("if-match").map { target($0, strongly: true) },
      forbidden: try call.condition("if-none-match").map { target($0, strongly: false) })
  }

  private func target(_ condition: EntityTagCondition, strongly: Bool) -> WriteCondition.Target {
    switch condition {
    case .any: .anything
    case .tags(let tags):
      // A tag that is no digest is nobody's.
      .oneOf(tags.filter { !strongly || !$0.isWeak }.compactMap { try? Digest(parsing: $0.opaque) })
    }
  }

  /// The whole document. What it takes of the loop's budget is added to `heldBytes`, on failure too.
  private func body(_ request: Request, _ heldBytes: inout Int) async throws(Refusal) -> [UInt8] {
    let bytesMax = context.service.policy.manifestBytesMax
    guard let body = request.body else { return [] }
    if let length = body.announcedLength, length > UInt64(bytesMax) {
      throw Refusal(RegistryError.manifestTooLarge(bytesMax: bytesMax))
    }
    var bytes: [UInt8] = []
    var goesOn = true
    while goesOn {
      do { goesOn = try await body.read(into: &bytes, atMost: Self.readBytesMax) } catch { throw Refusal(error) }
      guard bytes.count <= bytesMax else { throw Refusal(RegistryError.manifestTooLarge(bytesMax: bytesMax)) }
      let arrived = bytes.count - heldBytes
      guard context.manifestBudget.take(arrived) else {
        var refusal = Refusal(.tooManyRequests, reason: "too many manifests are being pushed at this moment")
        refusal.fields.append("Retry-After", "1")
        throw refusal
      }
      heldBytes += arrived
    }
    return bytes
  }
}
