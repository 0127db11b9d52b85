// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryHTTPService
public import GantryHTTPWire
public import GantryTelemetry
public import GantryWorld

/// Answers on the operator's listener: health, life, readiness and metrics. Tells nothing of what is stored, and asks
/// nobody who they are, so it belongs on an address that only operators reach.
///
/// Isolation: immutable; called on any loop.
public struct DebugResponder: RequestResponder {
  private let loop: any LoopExecutor
  private let health: HealthState
  private let readiness: Readiness
  private let pulses: [LoopPulse]
  private let metricsPath: [UInt8]?
  private let metrics: @Sendable () async -> [UInt8]

  /// The responder of a loop. Without `metricsPath` there are no metrics; else `metrics` makes the page, whose media
  /// type is ``MetricsText/contentType``.
  public init(
    loop: any LoopExecutor, health: HealthState, readiness: Readiness, pulses: [LoopPulse], metricsPath: String?,
    metrics: @escaping @Sendable () async -> [UInt8]
  ) {
    self.loop = loop
    self.health = health
    self.readiness = readiness
    self.pulses = pulses
    self.metricsPath = metricsPath.map { Array($0.utf8) }
    self.metrics = metrics
  }

  /// Answers one request.
  public func respond(to request: Request) async -> Response {
    let head = request.head
    guard head.method == .get || head.method == .head else {
      var response = Self.text(.methodNotAllowed, "only GET and HEAD\n")
      response.fields.append("Allow", "GET, HEAD")
      return response
    }
    if let metricsPath, head.path.elementsEqual(metricsPath) {
      return Self.page(.ok, await metrics(), type: MetricsText.contentType)
    }
    switch String(decoding: head.path, as: UTF8.self) {
    case "/debug/health":
      let status: HTTPStatus = health.isHealthy ? .ok : .serviceUnavailable
      return Self.page(status, health.json, type: "application/json; charset=utf-8")
    case "/livez": return life
    case "/readyz": return ready
    case "/": return Self.text(.ok, index)
    case let path where path == "/debug/vars" || path.hasPrefix("/debug/pprof"):
      return Self.text(
        .notFound, "\(path): profiles of Go's runtime, which this registry is not made of; see docs/MONITORING.md\n")
    default: return Self.text(.notFound, "no such page\n" + index)
    }
  }

  /// Answers bytes that are no request.
  public func respond(toMalformed error: WireError, from peer: PeerAddress, id: RequestID) -> Response {
    var response = Self.text(error.status, "\(error.reason)\n")
    response.closesConnection = true
    return response
  }

  /// Looks at the registry itself are not logged.
  public func finished(_ outcome: ResponseOutcome) {}

  private var life: Response {
    let now = loop.clock.now
    let dead = pulses.indices.filter { !pulses[$0].isAlive(at: now) }
    if dead.isEmpty { return Self.text(.ok, "ok\n") }
    let names = dead.map(String.init).joined(separator: ", ")
    return Self.text(.serviceUnavailable, "loops that do not turn: \(names)\n")
  }

  private var ready: Response {
    switch readiness.phase {
    case .starting: return Self.text(.serviceUnavailable, "starting\n")
    case .draining: return Self.text(.serviceUnavailable, "draining\n")
    case .ready: break
    }
    return health.isSwitchedOff ? Self.text(.serviceUnavailable, "out of service\n") : Self.text(.ok, "ok\n")
  }

  private var index: String {
    let pages = ["/debug/health", "/livez", "/readyz"]
    let metrics = metricsPath.map { String(decoding: $0, as: UTF8.self) }
    return (pages + (metrics.map { [$0] } ?? [])).joined(separator: "\n") + "\n"
  }

  private static func text(_ status: HTTPStatus, _ text: String) -> Response {
    page(status, Array(text.utf8), type: "text/plain; charset=utf-8")
  }

  private static func page(_ status: HTTPStatus, _ bytes: [UInt8], type: String) -> Response {
    var fields = Fields()
    fields.append("Content-Type", type)
    fields.append("Cache-Control", "no-store")
    fields.append("X-Content-Type-Options", "nosniff")
    return Response(status: status, fields: fields, body: .bytes(bytes))
  }
}
