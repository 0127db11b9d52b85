// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryRegistry
import GantryStorage
import GantryWorld

/// end-2 and end-10.
struct BlobEndpoints {
  let context: APIContext

  /// end-2.
  func read(_ call: Call) async throws(Refusal) -> Response {
    let name = try call.repository()
    let digest = try call.digest()
    let found: BlobAnswer
    do { found = try await context.service.blob(digest, in: name) } catch { throw Refusal(error) }
    let prepared = PreparedFields(blob: digest, context: context)
    if let proof = found.proof, HotPath.isKept(call.head.path) {
      await context.cache.keep(CacheKey(call.head.path), found.blob, proof: proof, prepared: prepared)
    }
    return respond(found.blob, prepared, call.head)
  }

  /// The same from the cache.
  func respond(_ hot: HotBlob, _ head: RequestHead) -> Response? {
    guard let prepared = hot.prepared as? PreparedFields else { return nil }
    return respond(hot.blob, prepared, head)
  }

  /// end-10.
  func delete(_ call: Call) async throws(Refusal) -> Response {
    let name = try call.repository()
    let digest = try call.digest()
    do { try await context.service.deleteBlob(digest, in: name) } catch { throw Refusal(error) }
    return Response(status: .accepted, fields: context.commonFields)
  }

  private func respond(_ blob: StoredBlob, _ prepared: PreparedFields, _ head: RequestHead) -> Response {
    if let refused = prepared.precondition(head) { return refused }
    guard head.method == .get, let range = head.fieldText("range"), rangeCounts(head, prepared.tag) else {
      return Response(status: .ok, fields: prepared.fields, body: blob.body(0..<blob.size))
    }
    switch ByteRanges.resolve(range, size: blob.size, rangesMax: context.settings.rangesMax) {
    case .whole: return Response(status: .ok, fields: prepared.fields, body: blob.body(0..<blob.size))
    case .unsatisfiable: return unsatisfiable(range, blob)
    case .satisfiable(let ranges) where ranges.count == 1:
      var fields = prepared.fields
      fields.append("Content-Range", Self.contentRange(ranges[0], blob.size))
      return Response(status: .partialContent, fields: fields, body: blob.body(ranges[0]))
    case .satisfiable(let ranges): return multipart(ranges, blob, prepared)
    }
  }

  /// If-Range (RFC 9110, 13.1.5): blobs have no date, so only the entity tag can agree.
  private func rangeCounts(_ head: RequestHead, _ tag: EntityTag) -> Bool {
    guard let text = head.fieldText("if-range") else { return true }
    return IfRangeCondition(parsing: text)?.permits(tag: tag, lastModified: nil) ?? false
  }

  private func unsatisfiable(_ range: String, _ blob: StoredBlob) -> Response {
    var fields = context.commonFields
    fields.append("Content-Type", "application/json")
    fields.append("Content-Range", "bytes */\(blob.size)")
    fields.append("Docker-Content-Digest", blob.digest.description)
    let document = ErrorDocument(
      .rangeInvalid,
      detail: ["range": .string(String(range.prefix(256))), "size": .integer(Int64(clamping: blob.size))])
    return Response(status: .rangeNotSatisfiable, fields: fields, body: .bytes(document.render()))
  }

  /// `multipart/byteranges` (RFC 9110, 14.6). The boundary is random: no blob can be made to contain it.
  private func multipart(_ ranges: [Range<UInt64>], _ blob: StoredBlob, _ prepared: PreparedFields) -> Response {
    let boundary = "gantry-" + Self.hex(context.service.entropy.bytes(16))
    var pieces: [ResponseBody.Piece] = []
    for (index, range) in ranges.enumerated() {
      var part = index == 0 ? "" : "\r\n"
      part += "--\(boundary)\r\nContent-Type: application/octet-stream\r\n"
      part += "Content-Range: \(Self.contentRange(range, blob.size))\r\n\r\n"
      pieces.append(.bytes(Array(part.utf8)))
      pieces.append(blob.piece(range))
    }
    pieces.append(.bytes(Array("\r\n--\(boundary)--\r\n".utf8)))
    var fields = context.commonFields
    fields.append("Docker-Content-Digest", blob.digest.description)
    fields.append("ETag", prepared.tag.text)
    fields.append("Accept-Ranges", "bytes")
    fields.append("Content-Type", "multipart/byteranges; boundary=\(boundary)")
    return Response(status: .partialContent, fields: fields, body: .pieces(pieces))
  }

  private static func contentRange(_ range: Range<UInt64>, _ size: UInt64) -> String {
    "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

extension StoredBlob {
  /// A region as a body.
  fileprivate func body(_ range: Range<UInt64>) -> ResponseBody {
    if range.isEmpty { return .empty }
    switch content {
    case .bytes(let bytes) where range.upperBound - range.lowerBound == size: return .bytes(bytes)
    case .bytes: return .pieces([piece(range)])
    case .file(let file): return .file(file, range)
    }
  }

  /// A region as a piece of a body.
  fileprivate func piece(_ range: Range<UInt64>) -> ResponseBody.Piece {
    switch content {
    case .bytes(let bytes): .slice(bytes, Int(range.lowerBound)..<Int(range.upperBound))
    case .file(let file): .file(file, range)
    }
  }
}
