// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryAccess
import GantryHTTPService
import GantryHTTPWire
import GantryPatterns
import GantryTelemetry
import GantryWorld

/// Tells the audit log what an operator answers for: everything that changed the registry or was to, and everybody who
/// was not let in.
///
/// Not told: pulls that were allowed, which the access log has; pieces of uploads, of which only the end counts; and
/// clients without credentials that are asked for some, as every client is at first.
struct AuditTrail: Sendable {
  let log: AuditLog
  /// Who is on the other side of proxies.
  let clients: ClientAddresses

  /// An action was done.
  func done(_ action: Endpoint.Action, _ call: Call, _ response: Response) {
    guard let subject = Self.subject(of: action, call, response) else { return }
    write(
      subject, .done, status: Int(response.status.code), call.request, call.match, user: call.caller.name,
      digest: response.fields.first("Docker-Content-Digest") ?? subject.digest)
  }

  /// An action was refused, or failed. Without `action` nothing was asked for that exists.
  func refused(
    _ refusal: Refusal, _ action: Endpoint.Action?, request: Request, match: PathMatcher.Match?,
    caller: Caller
  ) {
    guard let action, let match else { return }
    let isDenial = Self.isDenial(refusal, request.head)
    guard isDenial || (Self.changes.contains(action) && refusal.status.code != 401) else { return }
    let (verb, object) = Self.names(of: action, match)
    write(
      (verb, object, nil), isDenial ? .denied : .failed, status: Int(refusal.status.code), request, match,
      user: refusal.userName ?? caller.name, claimed: refusal.claimedName, digest: nil)
  }

  /// Whether somebody was kept out: who may not, or is not who it said, or has said so too often. A client that said
  /// nothing is only asked.
  static func isDenial(_ refusal: Refusal, _ head: RequestHead) -> Bool {
    switch refusal.status.code {
    case 403: true
    case 429: refusal.isSlowedLogin
    case 401: head.field("authorization") != nil
    default: false
    }
  }

  /// What leaves a trail when it fails, too.
  private static let changes: Set<Endpoint.Action> = [.putManifest, .deleteManifest, .deleteBlob, .finishUpload]

  private typealias Subject = (action: AuditLog.Entry.Action, object: AuditLog.Entry.Object, digest: String?)

  private static func subject(of action: Endpoint.Action, _ call: Call, _ response: Response) -> Subject? {
    guard response.status.code < 300 else { return nil }
    let (verb, object) = names(of: action, call.match)
    switch action {
    case .putManifest, .finishUpload: return (verb, object, nil)
    case .deleteManifest, .deleteBlob: return (verb, object, call.match.tail)
    case .startUpload:
      // 201 is a blob that is there now: mounted, or sent whole. 202 is an upload that begins.
      guard response.status == .created else { return nil }
      return (call.isMounted ? .mount : .push, .blob, nil)
    case .root, .redirectToBase, .base, .catalog, .token, .readBlob, .readManifest, .appendToUpload, .inspectUpload,
      .cancelUpload, .listTags, .listReferrers:
      return nil
    }
  }

  private static func names(
    of action: Endpoint.Action, _ match: PathMatcher.Match
  ) -> (AuditLog.Entry.Action, AuditLog.Entry.Object) {
    let isDigest = match.tail.contains(":")
    switch action {
    case .root, .redirectToBase, .base, .token: return (.login, .registry)
    case .catalog: return (.catalog, .registry)
    case .readBlob: return (.pull, .blob)
    case .readManifest: return (.pull, isDigest ? .manifest : .tag)
    case .listTags, .listReferrers: return (.pull, .manifest)
    case .putManifest: return (.push, isDigest ? .manifest : .tag)
    case .deleteManifest: return (.delete, isDigest ? .manifest : .tag)
    case .deleteBlob: return (.delete, .blob)
    case .finishUpload: return (.push, .blob)
    case .startUpload, .appendToUpload, .inspectUpload, .cancelUpload: return (.push, .upload)
    }
  }

  private func write(
    _ subject: Subject, _ outcome: AuditLog.Entry.Outcome, status: Int, _ request: Request, _ match: PathMatcher.Match,
    user: String?, claimed: String? = nil, digest: String?
  ) {
    let forwarded = request.head.fieldTexts("x-forwarded-for")
    log.write(
      AuditLog.Entry(
        action: subject.action, object: subject.object, outcome: outcome, status: status, requestID: request.id.text,
        address: request.peer.description, client: clients.address(of: request)?.description,
        forwardedFor: forwarded.isEmpty ? nil : forwarded.joined(separator: ", "),
        traceID: request.head.field("traceparent").flatMap { TraceContext(traceparent: $0) }?.traceID, user: user,
        claimedUser: claimed,
        repository: match.name.isEmpty ? nil : match.name, reference: match.tail.isEmpty ? nil : match.tail,
        digest: digest))
  }
}
