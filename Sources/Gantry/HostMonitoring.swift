// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryConfiguration
internal import GantryEventLoops
internal import GantryFilesystemStorage
internal import GantryMonitoring
internal import GantryRegistry
internal import GantryRegistryAPI
internal import GantryServer
internal import GantryStorage
internal import GantryTelemetry
internal import GantryWorld
internal import Logging

/// What operators see of a host: readiness, health checks, and the listener that tells of them and of metrics.
///
/// Without `http.debug.addr` there are only readiness and the configured health checks; nothing is counted.
final class HostMonitoring: Sendable {
  let readiness = Readiness()
  let health: HealthState
  private let settings: DebugSettings
  private let group: LoopGroup
  private let logger: Logger
  /// One for each loop; none where nobody asks for metrics.
  private let meters: [RequestMeters]
  private let actions: ActionMeters?
  private let pulses: [LoopPulse]
  /// Who makes spans, where an embedder brought somebody.
  private let tracing: (any RequestTracing)?

  /// Connections of the operator's listener; scrapers and probes have a few.
  private static let connectionsMax = 256

  init(_ settings: Settings, group: LoopGroup, logger: Logger, tracing: (any RequestTracing)?) {
    self.tracing = tracing
    self.settings = settings.http.debug
    self.group = group
    self.logger = logger
    health = HealthState(switches: Set(settings.health.files.map(\.path)))
    let isSeen = settings.http.debug.address != nil
    let isMetered = isSeen && settings.http.debug.isPrometheusEnabled
    meters = isMetered ? group.loops.map { _ in RequestMeters(.api) } : []
    actions = isMetered ? ActionMeters() : nil
    pulses = isSeen ? group.loops.map { LoopPulse(on: $0) } : []
  }

  /// The storage, measured where somebody asks for metrics.
  func metered(_ storage: any StorageEngine) -> any StorageEngine {
    guard let actions else { return storage }
    return MeteredStorage(storage, uptime: { LoopGroup.uptime }) { actions.record($0, $1) }
  }

  /// Who watches the API on a loop.
  func observation(on loop: any LoopExecutor, audit: AuditLog?) -> Observation {
    Observation(
      meters: meters.isEmpty ? nil : meters[loop.index], health: health, audit: audit, tracing: tracing)
  }

  /// What runs beside the registry once it is put together.
  struct Course: Sendable {
    let monitor: HealthMonitor
    let server: HTTPServer?
    let serving: LoopTask?
    let pulses: [LoopPulse]

    /// Makes no more checks.
    func stopChecks() async { await monitor.stop() }

    /// Closes the operator's listener, the last of all, so that it tells of the end, too.
    func stop() async {
      for pulse in pulses { await pulse.stop() }
      await server?.drain(within: .seconds(1))
      await serving?.value
    }
  }

  /// Begins the checks, and to serve on the operator's listener. Called on the first loop.
  func start(
    _ settings: Settings, listener: (any StreamListener)?, storage: any StorageEngine, sources: MetricsPage.Sources
  ) async -> Course {
    let storageName = sources.storageName
    let checks = HealthCheck.all(settings.health, storage: storage, storageName: storageName, group: group)
    let logger = logger
    let monitor = HealthMonitor(checks, state: health, on: group.loops[0]) { name, failure in
      if let failure {
        logger.error("a health check fails", metadata: ["check": "\(name)", "err.detail": "\(failure)"])
      } else {
        logger.info("a health check is well again", metadata: ["check": "\(name)"])
      }
    }
    var server: HTTPServer?
    var serving: LoopTask?
    if let listener {
      let made = debugServer(listener, MetricsPage(sources, monitoring: self))
      server = made
      serving = spawn(on: group.loops[0]) { await made.serve() }
      logger.info("debug server listening on \(GantryConfiguration.ListenAddress(listener.address))")
      if !meters.isEmpty { logger.info("providing prometheus metrics on \(self.settings.prometheusPath)") }
    }
    for pulse in pulses { await pulse.start() }
    // What an operator has switched off is not ready, not even for a moment.
    await monitor.start(awaiting: Set(settings.health.files.map(\.path)))
    return Course(monitor: monitor, server: server, serving: serving, pulses: pulses)
  }

  private func debugServer(_ listener: any StreamListener, _ page: MetricsPage) -> HTTPServer {
    let logger = logger
    return HTTPServer(
      world: group.world, listeners: [listener],
      limits: ServerLimits(connectionsMax: Self.connectionsMax, idleTimeout: .seconds(75)),
      responder: { [health, readiness, pulses, settings, meters] loop in
        DebugResponder(
          loop: loop, health: health, readiness: readiness, pulses: pulses,
          metricsPath: meters.isEmpty ? nil : settings.prometheusPath, metrics: { await page.text() })
      },
      report: { logger.error("\($0.explanation)") })
  }

  // MARK: For the page

  /// What the loops counted, together.
  var requestMeasures: RequestMeasures {
    var sum = RequestMeasures(.api)
    for meter in meters { sum.add(meter.measures) }
    return sum
  }

  /// Storage operations by kind.
  var actionMeasures: [(StorageAction, Histogram)] { actions?.measures ?? [] }

  /// How late each loop was, and the most within the last minute.
  func lags() async -> [(lags: Histogram, largest: UInt64)] {
    var lags: [(lags: Histogram, largest: UInt64)] = []
    for pulse in pulses { lags.append(await pulse.measures) }
    return lags
  }
}
