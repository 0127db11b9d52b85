// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryHTTPService
import GantryHTTPWire
import GantryTelemetry
import GantryWorld
import Synchronization

/// The spans of one loop's requests, from their beginning to their end. Only where somebody asked for traces.
///
/// Isolation: safe from everywhere; in practice one loop uses it, so its lock is never waited for.
final class SpanTable: Sendable {
  private let tracing: any RequestTracing
  private let spans = Mutex<[RequestID: any RequestSpan]>([:])

  init(_ tracing: any RequestTracing) {
    self.tracing = tracing
  }

  func begin(_ request: borrowing Request) {
    let head = request.head
    var context: [String: String] = [:]
    for name in Self.fields {
      if let value = head.fieldText(name) { context["\(name)"] = value }
    }
    let span = tracing.begin(
      TracedRequest(
        method: head.method.text, path: String(decoding: head.path, as: UTF8.self), route: Route(head.path).label,
        requestID: request.id.text, peer: request.peer.host, context: context))
    spans.withLock { $0[request.id] = span }
  }

  func end(_ outcome: ResponseOutcome) {
    let span = spans.withLock { $0.removeValue(forKey: outcome.requestID) }
    span?.end(
      status: Int(outcome.status.code), responseBytes: outcome.bytesSent, isComplete: outcome.isComplete)
  }

  private static let fields: [StaticString] = ["traceparent", "tracestate", "baggage"]
}
