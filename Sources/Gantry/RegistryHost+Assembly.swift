// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryAccess
internal import GantryConfiguration
internal import GantryEventLoops
internal import GantryFilesystemStorage
internal import GantryLimiting
internal import GantryMemoryStorage
internal import GantryMonitoring
internal import GantryRegistry
internal import GantryRegistryAPI
internal import GantryServer
internal import GantryStorage
internal import GantryTLS
internal import GantryTelemetry
internal import GantryWorld
internal import Logging

/// How a host is put together.
extension RegistryHost {
  /// What is made on the first loop.
  struct Parts: Sendable {
    let service: RegistryService
    let server: HTTPServer
    let serving: LoopTask
    let storage: any StorageEngine
    let filesystem: FilesystemStorage?
    let storageName: String
    let certificates: CertificateWatch?
    let reload: ConfigurationReload
    let debugListener: (any StreamListener)?
  }

  /// Makes the registry of its parts and begins to serve. Called on the first loop.
  static func assemble(
    _ settings: Settings, group: LoopGroup, sockets: (main: BoundSocket, debug: BoundSocket?), security: Security?,
    log: HostLog, audit: AuditLog?, monitoring: HostMonitoring
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
        uploadSyncBytes: UInt64(settings.uploadSyncBytes), checkpointInterval: settings.checkpointInterval,
        heldLinksMax: min(FilesystemStorage.heldLinksDefault, SystemProcess.descriptorsMax / 64)
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
    var apiSettings: APISettings
    let limiter: RequestLimiter?
    let limits = Self.limits(settings.http.limits, logger)
    let connectionLimiter: ConnectionLimiter?
    let brake = LoginBrake(settings.http.clientLimits)
    let listener: any StreamListener
    var debugListener: (any StreamListener)?
    do {
      apiSettings = try APISettings(settings, secret: secret)
      apiSettings.answerFilesMax = Self.answerFiles(beside: limits, loops: group.loops.count)
      limiter = try RequestLimiter(settings.http.clientLimits)
      connectionLimiter = try ConnectionLimiter(settings.http.clientLimits)
      access = try AccessControl(
        settings, world: world, secret: secret, brake: brake, logger: logger)
      try await access?.start()
      // The operator's first: whoever finds the registry finds out how it is.
      debugListener = try Self.debugListener(sockets.debug, on: group.loops[0])
      listener = try sockets.main.listener(on: group.loops[0])
    } catch {
      debugListener?.close()
      // What is to be told is why there is no registry, not how the storage took its end.
      try? await storage.stop()
      switch error {
      case let error as StartError: throw error
      case let error as AccessError: throw .access(error.explanation)
      case let error as ListenError: throw .address(error.description)
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
      limits: limits,
      protocols: ServerProtocols(http2InClear: settings.http.speaksHTTP2InClear), limiter: connectionLimiter,
      responder: { [apiSettings] loop in
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
      storageName: filesystem == nil ? "inmemory" : "filesystem", certificates: security?.watch, reload: reload,
      debugListener: debugListener)
  }

  private static func debugListener(
    _ socket: BoundSocket?, on loop: EventLoop
  ) throws(StartError) -> (any StreamListener)? {
    do { return try socket?.listener(on: loop) } catch { throw .address("http.debug.addr: \(error.description)") }
  }

  /// The certificates as they are now, and who looks after them.
  typealias Security = (watch: CertificateWatch, current: CurrentTLSContext)

  /// Nil in the clear.
  static func security(
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

  /// Files that each loop may hold open for answers: together half of the descriptors that connections leave. The rest
  /// is for uploads, what the loops remember, and everything else.
  private static func answerFiles(beside limits: ServerLimits, loops: Int) -> Int {
    max(answerFilesMin, (SystemProcess.descriptorsMax - limits.connectionsMax) / 2 / loops)
  }

  /// With few descriptors some clients are served from files all the same.
  private static let answerFilesMin = 16

  /// Threads for disk work and hashing: as many as the storage may use at once, within reason for one machine.
  static func workers(for settings: Settings) -> Int {
    if let configured = settings.http.workers { return configured }
    guard case .filesystem(let filesystem) = settings.storage.engine else { return workersMax }
    return min(workersMax, filesystem.threadsMax)
  }

  private static let workersMax = 32

  /// Threads for what must not wait for the disk: each of the three logs, the page of metrics, and every check that may
  /// look at once has its own.
  static func errands(for settings: Settings) -> Int { 4 + HealthCheck.countMax(settings.health) }
}
