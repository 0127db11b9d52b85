// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryRegistry
import GantryStorage

/// end-4, end-5, end-6, end-11, end-13 and end-14.
///
/// An answer that leaves an upload open carries everything a client needs to go on: Location with a fresh `_state`,
/// `Range`, `Docker-Upload-UUID`, and `Gantry-Upload-Offset`, which alone tells nothing from one byte.
struct UploadEndpoints {
  let context: APIContext

  /// end-11, end-4b, end-4a with end-4c: whichever the query asks for, in this order.
  func start(_ call: inout Call) async throws(Refusal) -> Response {
    let name = try call.repository()
    let query = try call.query()
    if let mount = query.first("mount"), let mounted = try await tryMount(mount, query, into: name, call) {
      call.isMounted = true
      return mounted
    }
    let digest = try query.first("digest").map { text throws(Refusal) in try Call.digest(text) }
    var algorithm = digest?.algorithm ?? .sha256
    if let wanted = query.first("digest-algorithm") {
      guard let named = DigestAlgorithm(name: wanted) else {
        throw Refusal(
          .digestInvalid, message: "unsupported digest algorithm",
          detail: ["digest-algorithm": .string(String(wanted.prefix(64))), "supported": "sha256, sha512"])
      }
      if digest == nil { algorithm = named }
    }
    if digest == nil { try await discardBody(call.request) }
    let lease: UploadLease
    do {
      lease = try await context.service.beginUpload(in: name, algorithm: algorithm, home: context.loop)
    } catch {
      throw Refusal(error)
    }
    guard let digest else {
      await lease.end()
      return open(lease.status, .accepted, call)
    }
    let begun = call
    return try await ending(lease) { () throws(Refusal) in
      do throws(Refusal) {
        try await take(begun.request, into: lease, range: nil)
      } catch {
        // Nobody knows this upload, so nobody will go on with it.
        try? await lease.cancel()
        throw error
      }
      return try await commit(lease, as: digest, begun)
    }
  }

  /// end-5.
  func append(_ call: Call) async throws(Refusal) -> Response {
    let (lease, range) = try await claim(call)
    return try await ending(lease) { () throws(Refusal) in
      try await take(call, into: lease, range: range, flushes: true)
      return open(lease.status, .accepted, call)
    }
  }

  /// end-6.
  func finish(_ call: Call) async throws(Refusal) -> Response {
    guard let text = try call.query().first("digest") else {
      throw Refusal(.digestInvalid, message: "the parameter 'digest' is missing")
    }
    let digest = try Call.digest(text)
    let lease: UploadLease
    let range: ContentRange?
    do throws(Refusal) {
      (lease, range) = try await claim(call)
    } catch {
      if let repeated = try await repeatedAnswer(to: call, error, digest) { return repeated }
      throw error
    }
    return try await ending(lease) { () throws(Refusal) in
      // Not flushed: the commit makes the bytes durable, and nobody resumes from the state that a flush writes.
      try await take(call, into: lease, range: range, flushes: false)
      return try await commit(lease, as: digest, call)
    }
  }

  /// end-13.
  func inspect(_ call: Call) async throws(Refusal) -> Response {
    let name = try call.repository()
    let id = try call.uploadID()
    let status: UploadStatus
    do { status = try await context.service.uploadStatus(id, in: name, home: context.loop) } catch {
      throw Refusal(error)
    }
    return open(status, .noContent, call)
  }

  /// end-14.
  func cancel(_ call: Call) async throws(Refusal) -> Response {
    let name = try call.repository()
    let id = try call.uploadID()
    _ = try state(call, name, id)
    let lease: UploadLease
    do throws(RegistryError) {
      lease = try await context.service.claimUpload(id, in: name, startingAt: nil, home: context.loop)
    } catch .uploadHeldElsewhere {
      // It has no bytes that could begin elsewhere.
      throw Refusal(RegistryError.uploadBusy(id))
    } catch {
      throw Refusal(error)
    }
    return try await ending(lease) { () throws(Refusal) in
      do throws(RegistryError) { try await lease.cancel() } catch { throw Refusal(error) }
      var fields = context.commonFields
      fields.append("Docker-Upload-UUID", id.description)
      return Response(status: .noContent, fields: fields)
    }
  }
}

extension UploadEndpoints {
  /// What is asked of a body at a time: the size that measured best for hashing on workers.
  private static let readBytesMax = 128 * 1024

  /// Runs `body` and gives the lease back however it ends.
  private func ending(
    _ lease: UploadLease, _ body: () async throws(Refusal) -> Response
  ) async throws(Refusal) -> Response {
    do {
      let response = try await body()
      await lease.end()
      return response
    } catch {
      await lease.end()
      throw error
    }
  }

  /// The mounted blob's answer, or nil when it must be uploaded: whatever is wrong with a mount, an upload is the way
  /// on.
  private func tryMount(
    _ mount: String, _ query: Query, into name: RepositoryName, _ call: Call
  ) async throws(Refusal) -> Response? {
    // Not an error, as above.
    guard let digest = try? Digest(parsing: mount) else { return nil }
    var source: RepositoryName?
    if let from = query.first("from"), !from.isEmpty {
      // Not an error, as above.
      guard let named = try? RepositoryName(parsing: from) else { return nil }
      source = named
    }
    let (access, caller) = (context.access, call.caller)
    do {
      let isMounted = try await context.service.mount(digest, from: source, into: name) { repository in
        access?.permits(.pull, to: caller, on: repository) ?? true
      }
      guard isMounted else { return nil }
    } catch {
      throw Refusal(error)
    }
    return created(digest, name, call)
  }

  /// Takes the upload up where the request says that its bytes begin. Content-Range is the best evidence: with it an
  /// old `_state`, or none, does not matter. Else `_state` says it. A request with neither appends where the upload
  /// stands.
  private func claim(_ call: Call) async throws(Refusal) -> (lease: UploadLease, range: ContentRange?) {
    let name = try call.repository()
    let id = try call.uploadID()
    let state = try state(call, name, id)
    var range: ContentRange?
    if let text = call.head.fieldText("content-range") {
      do { range = try ContentRange(parsing: text) } catch {
        throw Refusal(
          .rangeInvalid, status: .badRequest,
          detail: ["reason": .string(error.reason), "content-range": .string(String(text.prefix(256)))])
      }
    }
    do {
      let lease = try await context.service.claimUpload(
        id, in: name, startingAt: range?.start ?? state?.offset, home: context.loop)
      return (lease, range)
    } catch {
      var refusal = Refusal(error)
      switch error {
      case .uploadOutOfOrder(let stands, _), .uploadHeldElsewhere(let stands):
        addWayOn(stands, call, to: &refusal.fields)
      default: break
      }
      throw refusal
    }
  }

  /// The answer to a request that finishes an upload once more. Whoever lost the first answer repeats the request, and
  /// a proxy may, since PUT is idempotent (RFC 9110, section 9.2.2).
  ///
  /// Only where the bytes that the request speaks of, those before its `_state` and its own, are as many as the blob
  /// has: an upload that was cancelled, or whose bytes were others, did not become this blob. One of the same size is
  /// not told apart; what is there then is what the digest asks for all the same. Only where the request shows by its
  /// `_state` that the upload was one of this repository, and where the caller may pull: else the answer would tell
  /// whoever may only push what is there. Nil for every other refusal.
  private func repeatedAnswer(
    to call: Call, _ refusal: Refusal, _ digest: Digest
  ) async throws(Refusal) -> Response? {
    guard refusal.status == .notFound, refusal.entries.first?.code == .blobUploadUnknown else { return nil }
    let name = try call.repository()
    let body = call.request.body
    guard let state = try state(call, name, try call.uploadID()),
      let announced = body == nil ? 0 : body?.announcedLength,
      context.access?.permits(.pull, to: call.caller, on: name) ?? true
    else { return nil }
    let (size, isTooLarge) = state.offset.addingReportingOverflow(announced)
    do {
      let found = try await context.service.blob(digest, in: name)
      // Linked once more, as a mount of its own: whoever linked it may not have made that durable.
      guard !isTooLarge, found.blob.size == size,
        try await context.service.mount(digest, from: name, into: name)
      else { return nil }
    } catch {
      // Not there, or not to be found out: the upload is unknown in any case.
      return nil
    }
    return created(digest, name, call)
  }

  /// The `_state` of the query, verified; nil when there is none.
  private func state(_ call: Call, _ name: RepositoryName, _ id: UploadID) throws(Refusal) -> UploadState? {
    guard let token = try call.query().first("_state"), !token.isEmpty else { return nil }
    let reason: String
    do {
      let state = try UploadState(token: token, secret: context.settings.secret)
      if state.name == name.description, state.uuid == id.description { return state }
      reason = "_state belongs to another upload"
    } catch {
      switch error {
      case .malformed: reason = "_state is malformed"
      case .forged: reason = "_state was signed with another secret; GET this upload for a Location to go on with"
      case .unreadable: reason = "_state is not one of an upload"
      }
    }
    throw Refusal(.blobUploadInvalid, reason: reason)
  }

  /// Takes the body of a request on an upload that clients know: what arrived is kept whatever happens, and an answer
  /// that can still be heard says how to go on.
  private func take(
    _ call: Call, into lease: UploadLease, range: ContentRange?, flushes: Bool
  ) async throws(Refusal) {
    do throws(Refusal) {
      try await take(call.request, into: lease, range: range)
      if flushes { do { try await lease.flush() } catch { throw Refusal(error) } }
    } catch {
      var refusal = error
      // The first fault is the one to report; when the storage fails too, the offset is what was flushed before.
      if (try? await lease.flush()) != nil { addWayOn(lease.status, call, to: &refusal.fields) }
      throw refusal
    }
  }

  /// Streams the body into the upload, and holds it to the length that Content-Range promises (clause 5.5).
  private func take(
    _ request: Request, into lease: UploadLease, range: ContentRange?
  ) async throws(Refusal) {
    let promised = range?.length
    if let promised, let announced = request.body?.announcedLength ?? (request.body == nil ? 0 : nil),
      announced != promised
    {
      throw Self.sizeContradiction(promised: promised, found: announced)
    }
    var taken: UInt64 = 0
    if let body = request.body {
      // Handed over and back, so that a steady stream allocates nothing; while it waits for its client it holds none.
      var bytes: [UInt8] = []
      while true {
        do {
          guard try await body.read(into: &bytes, atMost: Self.readBytesMax) else { break }
        } catch {
          throw Refusal(error)
        }
        taken += UInt64(bytes.count)
        if let promised, taken > promised { throw Self.sizeContradiction(promised: promised, found: taken) }
        do { bytes = try await lease.append(consume bytes) } catch { throw Refusal(error) }
      }
    }
    if let promised, taken != promised { throw Self.sizeContradiction(promised: promised, found: taken) }
  }

  /// A request that only begins an upload has no use for a body, but a malformed one is refused all the same, and
  /// before anything was made. What is longer than a client sends by habit is left to the connection.
  private func discardBody(_ request: Request) async throws(Refusal) {
    guard let body = request.body else { return }
    var taken = 0
    var bytes: [UInt8] = []
    do {
      while taken < Self.readBytesMax, try await body.read(into: &bytes, atMost: Self.readBytesMax) {
        taken += bytes.count
        bytes.removeAll(keepingCapacity: true)
      }
    } catch {
      throw Refusal(error)
    }
  }

  private static func sizeContradiction(promised: UInt64, found: UInt64) -> Refusal {
    Refusal(
      .sizeInvalid,
      detail: [
        "reason": "Content-Range and the length of the body disagree", "range": .integer(Int64(clamping: promised)),
        "body": .integer(Int64(clamping: found)),
      ])
  }

  private func commit(_ lease: UploadLease, as digest: Digest, _ call: Call) async throws(Refusal) -> Response {
    do {
      try await lease.commit(as: digest)
    } catch {
      var refusal = Refusal(error)
      // After an environment's fault the upload goes on, unless the content has left it already.
      if case .storage = error, (try? await lease.flush()) != nil {
        addWayOn(lease.status, call, to: &refusal.fields)
      }
      throw refusal
    }
    return created(digest, lease.status.repository, call)
  }

  private func created(_ digest: Digest, _ name: RepositoryName, _ call: Call) -> Response {
    var fields = context.commonFields
    fields.append("Location", context.locations(for: call.request).blob(digest, in: name))
    fields.append("Docker-Content-Digest", digest.description)
    return Response(status: .created, fields: fields)
  }

  private func open(_ status: UploadStatus, _ answer: HTTPStatus, _ call: Call) -> Response {
    var fields = context.commonFields
    addWayOn(status, call, to: &fields)
    return Response(status: answer, fields: fields)
  }

  /// Where the upload stands and how to go on. `Range: 0-0` stands for nothing and for one byte, because clients
  /// refuse an end below the start.
  private func addWayOn(_ status: UploadStatus, _ call: Call, to fields: inout Fields) {
    let state = UploadState(status).signed(with: context.settings.secret)
    let locations = context.locations(for: call.request)
    fields.append("Location", locations.upload(status.id, in: status.repository, state: state))
    fields.append("Range", "0-\(status.offset == 0 ? 0 : status.offset - 1)")
    fields.append("Docker-Upload-UUID", status.id.description)
    fields.append("Gantry-Upload-Offset", decimal: status.offset)
  }
}
