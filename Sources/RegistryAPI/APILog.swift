// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryOCI
import GantryPatterns
import GantryTelemetry
import GantryWorld
import Logging

/// What the endpoints log, under the field names that Distribution's operators search for.
struct APILog: Sendable {
  let logger: Logger
  let accessLog: AccessLog?
  let clock: any WallClock
  /// Who is on the other side of proxies.
  let clients: ClientAddresses
  private let names = CallerNames()

  init(logger: Logger, accessLog: AccessLog?, clock: any WallClock, clients: ClientAddresses) {
    self.logger = logger
    self.accessLog = accessLog
    self.clock = clock
    self.clients = clients
  }

  /// Remembers who makes a request, if a line of its end will tell.
  func began(_ request: borrowing Request, by user: String?) {
    guard let user, accessLog != nil || logger.logLevel <= Self.level(of: request.head) else { return }
    names.note(user, request.id)
  }

  /// A request that was answered with errors: an environment's fault at error, a client's at info.
  func refused(_ refusal: Refusal, request: borrowing Request, match: PathMatcher.Match?) {
    let isOurs = refusal.status.code >= 500
    let level: Logger.Level = isOurs ? .error : .info
    guard logger.logLevel <= level else { return }
    var metadata = requestMetadata(request.head, id: request.id.text)
    metadata["http.request.remoteaddr"] = "\(request.peer.description)"
    metadata["http.response.status"] = "\(refusal.status.code)"
    if let client = clients.address(of: request)?.description, client != request.peer.host {
      metadata["http.request.client"] = "\(client)"
    }
    if let user = refusal.userName { metadata["auth.user.name"] = "\(user)" }
    if let name = refusal.claimedName { metadata["auth.user.claimed"] = "\(name)" }
    if let match {
      if !match.name.isEmpty { metadata["vars.name"] = "\(match.name)" }
      switch match.shape {
      case .manifest: metadata["vars.reference"] = "\(match.tail)"
      case .blob, .referrers: metadata["vars.digest"] = "\(match.tail)"
      case .upload: metadata["vars.uuid"] = "\(match.tail)"
      case .root, .baseWithoutSlash, .base, .catalog, .token, .tags, .uploads: break
      }
    }
    if let entry = refusal.entries.first {
      metadata["err.code"] = "\(entry.code.rawValue.lowercased())"
      metadata["err.message"] = "\(entry.message)"
      if let detail = refusal.cause ?? entry.detail.map(Self.text) { metadata["err.detail"] = "\(detail)" }
    }
    logger.log(level: level, "response completed with error", metadata: metadata)
  }

  /// Bytes that were no request. All that there is to say of them: no line of the access log could name a request.
  func malformed(_ error: WireError, status: HTTPStatus, from peer: PeerAddress, id: RequestID) {
    guard logger.logLevel <= .info else { return }
    logger.info(
      "malformed request",
      metadata: [
        "http.request.id": "\(id.text)", "http.request.remoteaddr": "\(peer.description)",
        "http.response.status": "\(status.code)", "err.message": "\(error.reason)",
      ])
  }

  /// An exchange is over. Reads at debug, writes at info; what was refused was logged already.
  func finished(_ outcome: ResponseOutcome) {
    let user = names.take(outcome.requestID)
    guard let head = outcome.head else { return }
    if let accessLog { accessLog.write(entry(outcome, head, user)) }
    guard outcome.status.code < 400 else { return }
    let level = Self.level(of: head)
    guard logger.logLevel <= level else { return }
    var metadata = requestMetadata(head, id: outcome.requestID.text)
    metadata["http.request.remoteaddr"] = "\(outcome.peer.description)"
    metadata["http.response.status"] = "\(outcome.status.code)"
    if let user { metadata["auth.user.name"] = "\(user)" }
    metadata["http.response.written"] = "\(outcome.bytesSent)"
    metadata["http.response.duration"] = "\(outcome.duration)"
    logger.log(level: level, outcome.isComplete ? "response completed" : "response cut short", metadata: metadata)
  }

  /// How loud the end of a request is told.
  private static func level(of head: RequestHead) -> Logger.Level {
    head.method == .get || head.method == .head || head.method == .options ? .debug : .info
  }

  private func entry(_ outcome: ResponseOutcome, _ head: RequestHead, _ user: String?) -> AccessLog.Entry {
    var target = String(decoding: head.path, as: UTF8.self)
    if let query = head.query { target += "?" + String(decoding: query, as: UTF8.self) }
    return AccessLog.Entry(
      host: outcome.peer.host, user: user, time: clock.now, method: head.method.text, target: target,
      version: head.version.text, status: Int(outcome.status.code), bodyBytes: Int64(clamping: outcome.bytesSent),
      referer: head.fieldText("referer") ?? "", userAgent: head.fieldText("user-agent") ?? "",
      traceID: Self.trace(of: head)?.traceID)
  }

  /// The trace that the client says the request is part of.
  private static func trace(of head: RequestHead) -> TraceContext? {
    head.field("traceparent").flatMap { TraceContext(traceparent: $0) }
  }

  private func requestMetadata(_ head: RequestHead, id: String) -> Logger.Metadata {
    var metadata: Logger.Metadata = [
      "http.request.id": "\(id)", "http.request.method": "\(head.method.text)",
      "http.request.uri": "\(String(decoding: head.path, as: UTF8.self))",
    ]
    if let host = head.host { metadata["http.request.host"] = "\(host)" }
    if let agent = head.fieldText("user-agent") { metadata["http.request.useragent"] = "\(agent)" }
    if let trace = Self.trace(of: head) {
      metadata["trace.id"] = "\(trace.traceID)"
      metadata["trace.parent"] = "\(trace.parentID)"
    }
    if let type = head.fieldText("content-type") { metadata["http.request.contenttype"] = "\(type)" }
    return metadata
  }

  private static func text(_ detail: JSONValue) -> String {
    if case .string(let text) = detail { return text }
    var bytes: [UInt8] = []
    JSONText.append(detail, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
