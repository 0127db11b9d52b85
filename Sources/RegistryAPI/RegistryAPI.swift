// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryAccess
public import GantryHTTPService
public import GantryHTTPWire
public import GantryLimiting
import GantryOCI
public import GantryRegistry
public import GantryTelemetry
public import GantryWorld
public import Logging

/// The HTTP API of a registry: one responder per loop.
///
/// Isolation: immutable; called on its loop. A hot manifest or blob is answered with one call of the loop's cache,
/// which makes one stat, and parses neither path nor name.
public final class RegistryAPI: RequestResponder {
  private let context: APIContext
  private let matcher: PathMatcher
  private let log: APILog
  private let meters: RequestMeters?
  private let health: HealthState?
  private let audit: AuditTrail?
  private let spans: SpanTable?

  /// The responder of `loop`. `access` says who may do what; without a control in it everybody may do everything.
  /// `limiter` and `notices` are shared by all loops. `accessLog` gets a line for each exchange.
  public init(
    service: RegistryService, loop: any LoopExecutor, settings: APISettings,
    access: AccessSource = AccessSource(nil), limiter: RequestLimiter? = nil, notices: ProxyNotices = ProxyNotices(),
    logger: Logger, accessLog: AccessLog? = nil, observation: Observation = Observation()
  ) {
    context = APIContext(
      service: service, loop: loop, settings: settings, access: access, limiter: limiter, notices: notices,
      logger: logger)
    matcher = PathMatcher(prefix: settings.prefix)
    log = APILog(logger: logger, accessLog: accessLog, clock: service.wallClock, clients: context.clients)
    meters = observation.meters
    health = observation.health
    audit = observation.audit.map { [clients = context.clients] in AuditTrail(log: $0, clients: clients) }
    spans = observation.tracing.map { SpanTable($0) }
  }

  /// Answers what is hot, where it is known already who may have it, and its share is not used up.
  public func respondAtOnce(to request: Request) -> Response? {
    var user: String?
    if let access = context.access {
      guard let reader = AccessGate(context: context).readerAtOnce(request, access) else { return nil }
      user = reader.name
    }
    guard var response = hotResponse(to: request, countsMiss: false) else { return nil }
    guard request.head.method == .head || context.fileBudget.take(response.body, for: request.id) else { return nil }
    if let throttle = context.throttle {
      guard throttle.entersAtOnce(request.id, from: context.clients.address(of: request), as: user) else {
        context.fileBudget.giveBack(request.id)
        return nil
      }
    }
    context.origins?.add(to: &response.fields, for: request.head)
    log.began(request, by: user)
    spans?.begin(request)
    meters?.began(route: Route(request.head.path).rawValue)
    return response
  }

  /// Answers one request.
  public func respond(to request: Request) async -> Response {
    spans?.begin(request)
    guard let meters else { return await share(request) }
    meters.began(route: Route(request.head.path).rawValue)
    guard let body = request.body else { return await share(request) }
    return await share(
      Request(
        head: request.head, body: MeteredBody(body, meters), peer: request.peer, security: request.security,
        id: request.id))
  }

  /// The answer, with what lets pages of other origins read it.
  private func share(_ request: Request) async -> Response {
    guard let origins = context.origins else { return await answer(to: request) }
    var response = await answer(to: request)
    origins.add(to: &response.fields, for: request.head)
    return response
  }

  private func answer(to request: Request) async -> Response {
    var match: PathMatcher.Match?
    var action: Endpoint.Action?
    var caller = Caller.anonymous
    do throws(Refusal) {
      if let throttle = context.throttle {
        try throttle.enter(request.id, from: context.clients.address(of: request))
      }
      if context.access == nil, let response = hotResponse(to: request) { return try taken(response, by: request) }
      match = try matcher.match(request.head.path)
      guard let match else { return try unmatched(request) }
      var call = Call(request: request, match: match)
      action = EndpointTable.action(request.head.method, match.shape)
      guard let action else { return try withoutAction(call) }
      if context.access != nil {
        caller = try await AccessGate(context: context).admit(call, action)
        call.caller = caller
        log.began(request, by: caller.name)
        if let user = caller.name { try context.throttle?.enter(request.id, as: user) }
        if let response = hotResponse(to: request) { return try taken(response, by: request) }
      }
      try requireHealth(for: action)
      // Before it is opened: what is refused afterwards has had its descriptor.
      if action == .readBlob,
        !context.fileBudget.reserve(for: request.id, isShort: request.head.method == .head)
      {
        throw Self.noFile
      }
      let response = try await perform(action, &call)
      audit?.done(action, call, response)
      return try taken(response, by: request)
    } catch {
      context.fileBudget.giveBack(request.id)
      log.refused(error, request: request, match: match)
      audit?.refused(error, action, request: request, match: match, caller: caller)
      count(error, request.head)
      return response(to: error)
    }
  }

  /// Whether it may be answered from a file: a blob's content.
  public func mayUseFile(_ head: RequestHead) -> Bool { head.method == .get && HotPath.isBlob(head.path) }

  /// The answer, once what it holds until its client has taken it is within bounds.
  private func taken(_ response: Response, by request: Request) throws(Refusal) -> Response {
    // The answer to HEAD keeps its body back, and lets go of it at once.
    if request.head.method == .head {
      context.fileBudget.giveBack(request.id)
      return response
    }
    guard context.fileBudget.take(response.body, for: request.id) else { throw Self.noFile }
    guard context.answerBudget.take(response.body, for: request.id) else {
      var refusal = Refusal(.tooManyRequests, reason: "too many long answers are waiting for their clients")
      refusal.fields.append("Retry-After", "1")
      throw refusal
    }
    return response
  }

  private static var noFile: Refusal {
    var refusal = Refusal(.unavailable, reason: "too many blobs are waiting for their clients")
    refusal.fields.append("Retry-After", "5")
    return refusal
  }

  /// Answers bytes that are no request.
  public func respond(toMalformed error: WireError, from peer: PeerAddress, id: RequestID) -> Response {
    var refusal = Refusal(error)
    refusal.closesConnection = true
    log.malformed(error, status: refusal.status, from: peer, id: id)
    meters?.refusedMalformed()
    return response(to: refusal)
  }

  /// Logs the exchange.
  public func finished(_ outcome: ResponseOutcome) {
    context.answerBudget.giveBack(outcome.requestID)
    context.fileBudget.giveBack(outcome.requestID)
    context.throttle?.leave(outcome.requestID)
    spans?.end(outcome)
    if let meters, let head = outcome.head { meters.ended(Self.exchange(outcome, head)) }
    log.finished(outcome)
  }

  private static func exchange(_ outcome: ResponseOutcome, _ head: RequestHead) -> RequestMeters.Exchange {
    var requestBytes = UInt64(head.path.count)
    if case .length(let length) = head.framing { requestBytes &+= length }
    return RequestMeters.Exchange(
      route: Route(head.path).rawValue, method: head.method.index, status: outcome.status.code,
      requestBytes: requestBytes, responseBytes: outcome.bytesSent, nanoseconds: outcome.duration.wholeNanoseconds)
  }

  private func count(_ refusal: Refusal, _ head: RequestHead) {
    guard let meters, AuditTrail.isDenial(refusal, head) else { return }
    switch refusal.status {
    case .unauthorized: meters.refusedCredentials()
    case .tooManyRequests: meters.refusedSlowed()
    default: meters.refusedPermission()
    }
  }

  /// While a health check fails nothing new is stored or removed. Reads go on, and so does what has begun: the storage
  /// says for itself when it cannot (docs/decisions/0017-what-operators-see.md).
  private func requireHealth(for action: Endpoint.Action) throws(Refusal) {
    guard let health, !health.isHealthy else { return }
    switch action {
    case .startUpload, .putManifest, .deleteManifest, .deleteBlob:
      var refusal = Refusal(.unavailable, detail: "health check failed: please see /debug/health")
      refusal.fields.append("Retry-After", "5")
      throw refusal
    case .root, .redirectToBase, .base, .catalog, .token, .readBlob, .readManifest, .appendToUpload, .finishUpload,
      .inspectUpload, .cancelUpload, .listTags, .listReferrers:
      return
    }
  }

  private func perform(_ action: Endpoint.Action, _ call: inout Call) async throws(Refusal) -> Response {
    switch action {
    case .root: return BaseEndpoints(context: context).root()
    case .redirectToBase: return BaseEndpoints(context: context).redirectToBase()
    case .base: return BaseEndpoints(context: context).base()
    case .catalog: return try await CatalogEndpoints(context: context).list(call)
    case .token: return try await TokenEndpoints(context: context).give(call)
    case .readBlob: return try await BlobEndpoints(context: context).read(call)
    case .deleteBlob: return try await BlobEndpoints(context: context).delete(call)
    case .readManifest: return try await ManifestEndpoints(context: context).read(call)
    case .putManifest: return try await ManifestEndpoints(context: context).put(call)
    case .deleteManifest: return try await ManifestEndpoints(context: context).delete(call)
    case .startUpload: return try await UploadEndpoints(context: context).start(&call)
    case .appendToUpload: return try await UploadEndpoints(context: context).append(call)
    case .finishUpload: return try await UploadEndpoints(context: context).finish(call)
    case .inspectUpload: return try await UploadEndpoints(context: context).inspect(call)
    case .cancelUpload: return try await UploadEndpoints(context: context).cancel(call)
    case .listTags: return try await TagEndpoints(context: context).list(call)
    case .listReferrers: return try await ReferrersEndpoints(context: context).list(call)
    }
  }

  /// The answer from the loop's cache, if the very same path was answered before and nothing changed since.
  ///
  /// A miss that is looked for once more by ``respond(to:)`` must not count.
  private func hotResponse(to request: Request, countsMiss: Bool = true) -> Response? {
    let head = request.head
    guard head.method == .get || head.method == .head else { return nil }
    let path = head.path
    if HotPath.isManifest(path) {
      // The cache is of this loop, so no way leads there and back.
      let found = context.loop.isolated(context.cache) { $0.manifest(CacheKey(path), countsMiss: countsMiss) }
      guard let hot = found else { return nil }
      return ManifestEndpoints(context: context).respond(hot, head)
    }
    if HotPath.isBlob(path) {
      let found = context.loop.isolated(context.cache) { $0.blob(CacheKey(path), countsMiss: countsMiss) }
      guard let hot = found else { return nil }
      return BlobEndpoints(context: context).respond(hot, head)
    }
    return nil
  }

  private func unmatched(_ request: Request) throws(Refusal) -> Response {
    if request.head.method == .options, request.head.path == [UInt8(ascii: "*")] {
      var fields = context.commonFields
      fields.append("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
      return Response(status: .ok, fields: fields)
    }
    throw Refusal(.unsupported, status: .notFound, message: "no such endpoint")
  }

  private func withoutAction(_ call: Call) throws(Refusal) -> Response {
    let allow = EndpointTable.allow(call.match.shape)
    if call.head.method == .options {
      var fields = context.commonFields
      fields.append("Allow", allow)
      return Response(status: .ok, fields: fields)
    }
    var refusal = Refusal(.unsupported, reason: "\(call.match.shape.pattern) has no \(call.head.method.text)")
    refusal.fields.append("Allow", allow)
    throw refusal
  }

  private func response(to refusal: Refusal) -> Response {
    var fields = context.commonFields
    fields.append("Content-Type", "application/json")
    fields.append(refusal.fields)
    return Response(
      status: refusal.status, fields: fields, body: .bytes(ErrorDocument(refusal.entries).render()),
      closesConnection: refusal.closesConnection)
  }
}
