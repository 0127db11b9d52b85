// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Makes a span of each request, for a system that collects traces. The seam behind which such a system stands: the
/// registry itself knows none.
///
/// Called on the requests' loops; must neither block nor suspend.
public protocol RequestTracing: Sendable {
  /// A request has come. The span is ended once, when the exchange is over.
  func begin(_ request: TracedRequest) -> any RequestSpan
}

/// The span of one request.
public protocol RequestSpan: Sendable {
  /// The exchange is over. `isComplete` is false when the client did not take the whole answer.
  func end(status: Int, responseBytes: UInt64, isComplete: Bool)
}

/// What a span is told of its request.
public struct TracedRequest: Sendable {
  /// The method, as it was sent.
  public var method: String
  /// The path, as it was sent, without its query.
  public var path: String
  /// What kind of request it is: one of a fixed list, as in the label `handler` of metrics.
  public var route: String
  /// The request's id, as in the logs.
  public var requestID: String
  /// The other end, without its port.
  public var peer: String
  /// The fields of trace context that the client sent, by name in lower case: those of W3C, `traceparent`, `tracestate`
  /// and `baggage`. Not judged: whoever makes spans reads them.
  public var context: [String: String]

  /// Makes a request.
  public init(
    method: String, path: String, route: String, requestID: String, peer: String, context: [String: String]
  ) {
    self.method = method
    self.path = path
    self.route = route
    self.requestID = requestID
    self.peer = peer
    self.context = context
  }
}
