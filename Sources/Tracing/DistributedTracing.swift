// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryTelemetry
public import Tracing

/// Makes the spans of requests through swift-distributed-tracing's API, for whoever embeds a registry and has a tracer.
///
/// A span is of the kind `server`, named after method and route, below the context that the tracer finds in the
/// request's fields, and has the attributes of OpenTelemetry's semantic conventions for HTTP servers. Answers of 500
/// and more are errors; those below are not, as the conventions ask of servers.
public struct DistributedTracing: RequestTracing {
  private let tracer: any Tracer

  /// Spans of this tracer.
  public init(_ tracer: any Tracer) {
    self.tracer = tracer
  }

  /// Spans of the tracer that the process was bootstrapped with at this moment.
  public init() {
    self.init(InstrumentationSystem.tracer)
  }

  /// Begins the span of a request.
  public func begin(_ request: TracedRequest) -> any RequestSpan {
    var context = ServiceContext.topLevel
    tracer.extract(request.context, into: &context, using: FieldExtractor())
    return begin(request, on: tracer, below: context)
  }

  private func begin(_ request: TracedRequest, on tracer: some Tracer, below context: ServiceContext) -> any RequestSpan
  {
    let span = tracer.startSpan("\(request.method) \(request.route)", context: context, ofKind: .server)
    span.updateAttributes { attributes in
      attributes["http.request.method"] = request.method
      attributes["url.path"] = request.path
      attributes["http.route"] = request.route
      attributes["client.address"] = request.peer
      attributes["http.request.id"] = request.requestID
    }
    return ServerSpan(span: span)
  }

  /// Finds what the request's fields say.
  private struct FieldExtractor: Extractor {
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key.lowercased()] }
  }

  private struct ServerSpan<S: Span>: RequestSpan {
    let span: S

    func end(status: Int, responseBytes: UInt64, isComplete: Bool) {
      span.updateAttributes { attributes in
        attributes["http.response.status_code"] = Int64(status)
        attributes["http.response.body.size"] = Int64(clamping: responseBytes)
        if !isComplete { attributes["error.type"] = "incomplete" }
      }
      if status >= 500 { span.setStatus(SpanStatus(code: .error)) }
      span.end()
    }
  }
}
