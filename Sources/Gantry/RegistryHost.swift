// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryAccess
public import GantryConfiguration
internal import GantryEventLoops
internal import GantryFilesystemStorage
internal import GantryLimiting
internal import GantryMemoryStorage
internal import GantryRegistry
internal import GantryRegistryAPI
internal import GantryServer
internal import GantryStorage
internal import GantryTLS
public import GantryTelemetry
internal import GantryWorld
internal import Logging
internal import Synchronization

/// A whole registry in this process: loops, storage, API and server, put together from settings.
///
/// The composition root: the only room that knows every other. Its calls block and are made from a thread of the
/// embedder's, never from a loop. One process may run several hosts.
public final class RegistryHost: Sendable {
  /// Where it listens, with the port that was given when the settings asked for port 0.
  public let address: GantryConfiguration.ListenAddress

  private let group: LoopGroup
  private let log: HostLog
  private let service: RegistryService
  private let server: HTTPServer
  private let serving: LoopTask
  private let storage: any StorageEngine
  private let certificates: CertificateWatch?
  private let drainTimeout: Duration
  private let monitoring: HostMonitoring
  private let course: HostMonitoring.Course
  private let drainDelay: Duration
  private let drainPause = DrainPause()
  private let reload: ConfigurationReload
  private let notifier: ServiceNotifier?
  private let isStopped = Mutex(false)

  /// Starts a registry; at return it listens and answers. Afterwards call ``stop()``.
  public convenience init(_ settings: Settings) throws(StartError) {
    try self.init(settings, diagnostics: [])
  }

  /// The same, with spans of each request made by `tracing`: ``DistributedTracing`` of the product `GantryTracing`, for
  /// one.
  public convenience init(_ settings: Settings, tracing: any RequestTracing) throws(StartError) {
    try self.init(settings, diagnostics: [], tracing: tracing)
  }

  /// Starts a registry, and logs what the configuration was warned of.
  public convenience init(
    _ settings: Settings, diagnostics: [Diagnostic], tracing: (any RequestTracing)? = nil
  ) throws(StartError) {
    try self.init(settings, diagnostics: diagnostics, tracing: tracing, activated: [], notifier: nil)
  }

  /// Starts a registry on a socket that the service manager may have opened, and tells `notifier` how it is.
  init(
    _ settings: Settings, diagnostics: [Diagnostic], tracing: (any RequestTracing)? = nil,
    activated: [BoundSocket.Activated], notifier: ServiceNotifier?
  ) throws(StartError) {
    SystemProcess.prepareToServe()
    let group = LoopGroup(
      loops: settings.http.loops ?? LoopGroup.processors, workers: Self.workers(for: settings))
    let log = HostLog(settings.log, world: group.world)
    let bound: GantryWorld.ListenAddress
    let monitoring = HostMonitoring(settings, group: group, logger: log.logger, tracing: tracing)
    do throws(StartError) {
      for diagnostic in diagnostics { log.logger.warning("\(diagnostic)") }
      // Before anybody can connect, and while the process may read what is for the privileged user's eyes only.
      let security = try Self.onLoop(of: group) { () async throws(StartError) in
        try await Self.security(settings.http, world: group.world, logger: log.logger)
      }
      let socket = try Self.socket(for: settings.http.address, activated, logger: log.logger)
      let debugSocket = try Self.debugSocket(settings.http.debug, activated)
      try Self.dropPrivileges(settings.process, logger: log.logger)
      let audit = try log.openAudit(settings.log, world: group.world)
      let parts = try Self.onLoop(of: group) { () async throws(StartError) in
        try await Self.assemble(
          settings, group: group, socket: socket, security: security, log: log, audit: audit, monitoring: monitoring)
      }
      let sources = MetricsPage.Sources(
        group: group, service: parts.service, server: parts.server, filesystem: parts.filesystem,
        storageName: parts.storageName, log: log)
      course = Self.onLoop(of: group) {
        await monitoring.start(settings, socket: debugSocket, storage: parts.storage, sources: sources)
      }
      service = parts.service
      server = parts.server
      serving = parts.serving
      storage = parts.storage
      certificates = parts.certificates
      reload = parts.reload
      bound = socket.address
    } catch {
      Self.onLoop(of: group) { await log.detach() }
      group.stop()
      log.flush()
      throw error
    }
    self.group = group
    self.log = log
    self.monitoring = monitoring
    self.notifier = notifier
    drainTimeout = settings.http.drainTimeout
    drainDelay = settings.http.drainDelay
    address = GantryConfiguration.ListenAddress(bound)
    monitoring.readiness.raise()
    log.logger.info("listening on \(address)")
  }

  /// Reads the files of `http.tls` again, whether they have changed or not, without waiting for the outcome, which the
  /// log tells: files that cannot be used are not, and what was served before is served on. May be called on a loop.
  public func reloadCertificates() {
    guard let certificates else { return }
    spawn(on: group.loops[0]) { await certificates.reload() }
  }

  /// Stops: accepts nothing more, lets what is in flight finish within `http.draintimeout`, and ends every thread of
  /// its own. Uploads that are not finished stay resumable. Idempotent.
  public func stop() {
    stop(within: drainTimeout)
  }

  /// ``stop()``, with another time for what is in flight.
  public func stop(within limit: Duration) {
    stop(within: limit, after: .zero, closing: {})
  }

  /// `closing` runs on the first loop when everything else has ended there. With a delay the registry first serves on
  /// for so long, not ready any more.
  private func stop(
    within limit: Duration, after delay: Duration, closing: @escaping @Sendable () async -> Void
  ) {
    let isFirst = isStopped.withLock { stopped in
      defer { stopped = true }
      return !stopped
    }
    guard isFirst else { return }
    monitoring.readiness.lower()
    notifier?.stopping(within: delay + limit + .seconds(10))
    serveOn(for: delay)
    log.logger.info("stopping, requests in flight have \(limit) to finish")
    let (server, service, serving, storage, log, course) = (server, service, serving, storage, log, course)
    let certificates = certificates
    Self.onLoop(of: group) {
      await server.drain(within: limit)
      await serving.value
      await course.stopChecks()
      await certificates?.stop()
      await service.stop()
      do throws(StorageError) {
        try await storage.stop()
      } catch {
        log.logger.error("\(error.explanation); nothing is lost: start Gantry before another registry takes over")
      }
      await course.stop()
      await closing()
      log.logger.info("stopped")
      await log.detach()
    }
    group.stop()
    log.flush()
  }

  /// Waits out the delay between readiness and the end of listening, with each connection closing after its answer.
  private func serveOn(for delay: Duration) {
    guard delay > .zero else { return }
    log.logger.info("not ready any more, serving on for \(delay)")
    let (server, drainPause, loop) = (server, drainPause, group.loops[0])
    Self.onLoop(of: group) {
      await server.windDown()
      await drainPause.wait(delay, on: loop)
    }
  }

  /// Serves until SIGTERM or SIGINT arrives, then stops: after SIGTERM with `http.draindelay` first. A second signal
  /// cuts what is still in flight. Blocks the calling thread, which is the program's main thread as a rule.
  public func runUntilSignalled() throws(StartError) {
    try runUntilSignalled(reloading: nil)
  }

  /// ``runUntilSignalled()``, where SIGHUP puts in force what `load` reads.
  func runUntilSignalled(reloading load: ConfigurationReload.Load?) throws(StartError) {
    let asked = ThreadGate()
    let (loop, logger, server, drainPause) = (group.loops[0], log.logger, server, drainPause)
    let (reload, notifier, certificates) = (reload, notifier, certificates)
    let delay = Mutex(drainDelay)
    let times = Atomic(0)
    let cuts = Mutex<[LoopTask]>([])
    let stopAsked: @Sendable () -> Void = {
      switch times.wrappingAdd(1, ordering: .relaxed).newValue {
      case 1: asked.open()
      case 2:
        logger.warning("told to stop once more: cutting what is in flight")
        drainPause.end()
        let cut = spawn(on: loop) { await server.drain(within: .zero) }
        cuts.withLock { $0.append(cut) }
      default: break
      }
    }
    var handlers: [(SignalWatcher.Signal, @Sendable () -> Void)] = [
      (.terminate, stopAsked),
      (
        // From a terminal: nobody looks at readiness there.
        .interrupt,
        {
          delay.withLock { $0 = .zero }
          stopAsked()
        }
      ),
    ]
    if let load {
      handlers.append(
        (
          .hangUp,
          {
            reload.assumeIsolated { $0.ask(load, notifier: notifier) }
            if let certificates { spawn(on: loop) { await certificates.reload() } }
          }
        ))
    }
    let watched = handlers
    let heartbeat = Heartbeat(notifier, loops: group.loops)
    let watchers = try Self.onLoop(of: group) { () async throws(StartError) in
      await heartbeat?.start()
      return try Self.watch(watched, on: loop)
    }
    SystemProcess.deliverStopSignals()
    notifier?.ready()
    asked.wait()
    stop(within: drainTimeout, after: delay.withLock { $0 }) {
      for watcher in watchers { watcher.close() }
      for cut in cuts.withLock({ $0 }) { await cut.value }
      await reload.finish()
      await heartbeat?.stop()
    }
  }

  private static func watch(
    _ handlers: [(SignalWatcher.Signal, @Sendable () -> Void)], on loop: EventLoop
  ) throws(StartError) -> [SignalWatcher] {
    var watchers: [SignalWatcher] = []
    do throws(LoopError) {
      for (signal, received) in handlers { watchers.append(try SignalWatcher(signal, on: loop, received)) }
      return watchers
    } catch {
      for watcher in watchers { watcher.close() }
      throw .signals("\(error)")
    }
  }

  /// The host's own log.
  var logger: Logger { log.logger }

  // MARK: Putting together

  private struct Parts: Sendable {
    let service: RegistryService
    let server: HTTPServer
    let serving: LoopTask
    let storage: any StorageEngine
    let filesystem: FilesystemStorage?
    let storageName: String
    let certificates: CertificateWatch?
    let reload: ConfigurationReload
  }

  private static func assemble(
    _ settings: Settings, group: LoopGroup, socket: BoundSocket, security: Security?, log: HostLog,
    audit: AuditLog?, monitoring: HostMonitoring
  ) async throws(StartError) -> Parts {
    let world = group.world
    let logger = log.logger
    var filesystem: FilesystemStorage?
    let storage: any StorageEngine
    switch settings.storage.engine {
    case .inMemory:
      storage = monitoring.metered(MemoryStorage(clock: world.clock))
    case .filesystem(let settings):
      let engine = FilesystemStorage(
        root: settings.rootDirectory, world: world, durability: Durability(settings.durability),
        uploadSyncBytes: UInt64(settings.uploadSyncBytes), checkpointInterval: settings.checkpointInterval
      ) { logger.warning("\($0)") }
      filesystem = engine
      storage = monitoring.metered(engine)
    }
    let policy = try RegistryPolicy(settings)
    let secret: [UInt8]
    do {
      try await storage.start()
      secret = try await Self.secret(settings.http, storage: storage, world: world, logger: logger)
    } catch {
      throw .storage(error.explanation)
    }
    let access: AccessControl?
    let (apiSettings, limiter): (APISettings, RequestLimiter?)
    let connectionLimiter: ConnectionLimiter?
    let brake = LoginBrake(settings.http.clientLimits)
    let listener: any StreamListener
    do {
      apiSettings = try APISettings(settings, secret: secret)
      limiter = try RequestLimiter(settings.http.clientLimits)
      connectionLimiter = try ConnectionLimiter(settings.http.clientLimits)
      access = try AccessControl(
        settings, world: world, secret: secret, brake: brake, logger: logger)
      try await access?.start()
      listener = try socket.listener(on: group.loops[0])
    } catch {
      // What is to be told is why there is no registry, not how the storage took its end.
      try? await storage.stop()
      switch error {
      case let error as StartError: throw error
      case let error as AccessError: throw .access(error.explanation)
      default: throw .address("\(error)")
      }
    }
    let service = RegistryService(
      world: world, storage: storage, policy: policy, observer: PurgeLog(logger))
    let accessSource = AccessSource(access)
    let reload = ConfigurationReload(
      settings,
      parts: ConfigurationReload.Parts(
        access: accessSource, protectedTags: policy.protectedTags, threshold: log.threshold, secret: secret,
        brake: brake), world: world, logger: logger)
    let notices = ProxyNotices()
    let server = HTTPServer(
      world: world, listeners: [security.map { TLSListener(listener, $0.current) } ?? listener],
      limits: Self.limits(settings.http.limits, logger),
      protocols: ServerProtocols(http2InClear: settings.http.speaksHTTP2InClear), limiter: connectionLimiter,
      responder: { loop in
        RegistryAPI(
          service: service, loop: loop, settings: apiSettings, access: accessSource, limiter: limiter,
          notices: notices, logger: logger, accessLog: log.accessLog,
          observation: monitoring.observation(on: loop, audit: audit))
      },
      report: { trouble in logger.log(level: trouble.level, "\(trouble.explanation)") })
    await service.start()
    let serving = spawn(on: world.loops[0]) { await server.serve() }
    await security?.watch.start { await server.endCertified() }
    return Parts(
      service: service, server: server, serving: serving, storage: storage, filesystem: filesystem,
      storageName: filesystem == nil ? "inmemory" : "filesystem", certificates: security?.watch, reload: reload)
  }

  /// The certificates as they are now, and who looks after them.
  private typealias Security = (watch: CertificateWatch, current: CurrentTLSContext)

  /// Nil in the clear.
  private static func security(
    _ settings: HTTPSettings, world: World, logger: Logger
  ) async throws(StartError) -> Security? {
    guard let tls = settings.tls else { return nil }
    do {
      return try await CertificateWatch.reading(
        TLSFiles(tls, protocols: (settings.offersHTTP2 ? ["h2"] : []) + ["http/1.1"]), world: world, logger: logger)
    } catch {
      throw .tls(error.explanation)
    }
  }

  /// The configured secret, or the stored one, or, where none is stored and none can be, one of this process.
  private static func secret(
    _ settings: HTTPSettings, storage: any StorageEngine, world: World, logger: Logger
  ) async throws(StorageError) -> [UInt8] {
    if let configured = settings.secret, !configured.isEmpty { return Array(configured.utf8) }
    let fresh = world.entropy.bytes(32)
    do throws(StorageError) {
      return try await storage.secret(named: "http", fresh: fresh)
    } catch {
      switch error {
      case .noSpace, .readOnly:
        logger.warning(
          """
          no secret is stored and none can be, so this process uses one of its own until it ends; uploads begun under \
          it cannot go on elsewhere (http.secret sets one): \(error.explanation)
          """)
        return fresh
      case .digestMismatch, .sessionGone, .sessionBusy, .exhausted, .failed, .damaged: throw error
      }
    }
  }

  /// The limits, with no more connections than the process has descriptors for: an eighth of them is kept for files, so
  /// that idle connections never make those fail that have something to do.
  private static func limits(_ settings: HTTPLimits, _ logger: Logger) -> ServerLimits {
    var limits = ServerLimits(settings)
    let descriptorsMax = SystemProcess.descriptorsMax
    let affordable = max(1, descriptorsMax - descriptorsMax / 8 - 16)
    if affordable < limits.connectionsMax {
      let wanted = limits.connectionsMax
      limits.connectionsMax = affordable
      logger.warning(
        "\(affordable) connections at once, not \(wanted): this process may open \(descriptorsMax) files (ulimit -n)")
    }
    return limits
  }

  /// Threads for disk work and hashing: as many as the storage may use at once, within reason for one machine.
  private static func workers(for settings: Settings) -> Int {
    if let configured = settings.http.workers { return configured }
    guard case .filesystem(let filesystem) = settings.storage.engine else { return workersMax }
    return min(workersMax, filesystem.threadsMax)
  }

  private static let workersMax = 32

  /// Runs a task on the group's first loop and blocks until it has ended.
  static func onLoop<R: Sendable, E: Error>(
    of group: LoopGroup, _ body: @escaping @Sendable () async throws(E) -> R
  ) throws(E) -> R {
    let gate = ThreadGate()
    let outcome = Outcome<R, E>()
    spawn(on: group.loops[0]) {
      let result: Result<R, E>
      do throws(E) { result = .success(try await body()) } catch { result = .failure(error) }
      outcome.result.withLock { $0 = result }
      gate.open()
    }
    gate.wait()
    guard let result = outcome.result.withLock({ $0 }) else {
      preconditionFailure("the gate opened before there was a result")
    }
    return try result.get()
  }
}

/// Carries a result from a loop to the thread that waits for it.
private final class Outcome<R: Sendable, E: Error>: Sendable {
  let result = Mutex<Result<R, E>?>(nil)
}
