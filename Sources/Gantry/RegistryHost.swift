// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryConfiguration
internal import GantryEventLoops
internal import GantryFilesystemStorage
internal import GantryRegistry
internal import GantryServer
internal import GantryStorage
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
    notifier?.starting()
    let group = LoopGroup(
      loops: settings.http.loops ?? LoopGroup.processors, workers: Self.workers(for: settings),
      errands: Self.errands(for: settings))
    let log = HostLog(settings.log, group: group)
    let bound: GantryWorld.ListenAddress
    let monitoring = HostMonitoring(settings, group: group, logger: log.logger, tracing: tracing)
    do throws(StartError) {
      for diagnostic in diagnostics { log.logger.warning("\(diagnostic)") }
      // Before anybody can connect, and while the process may read what is for the privileged user's eyes only.
      let security = try Self.onLoop(of: group) { () async throws(StartError) in
        try await Self.security(settings.http, world: group.world, logger: log.logger)
      }
      let (socket, debugSocket) = try Self.sockets(settings.http, activated, logger: log.logger)
      try Self.dropPrivileges(settings.process, keeping: [socket], logger: log.logger)
      let audit = try log.openAudit(settings.log, group: group)
      let parts = try Self.onLoop(of: group) { () async throws(StartError) in
        try await Self.assemble(
          settings, group: group, sockets: (socket, debugSocket), security: security, log: log, audit: audit,
          monitoring: monitoring)
      }
      let sources = MetricsPage.Sources(
        group: group, service: parts.service, server: parts.server, filesystem: parts.filesystem,
        storageName: parts.storageName, log: log)
      course = Self.onLoop(of: group) {
        await monitoring.start(settings, listener: parts.debugListener, storage: parts.storage, sources: sources)
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
  /// log tells: files that cannot be used are not, and what was served before is served on. May be called on a loop,
  /// and does nothing once ``stop()`` was called.
  public func reloadCertificates() {
    guard let certificates else { return }
    // Under the lock: a stop that comes now has its own work enqueued later, and the loop ends after that.
    isStopped.withLock { stopped in
      if !stopped { spawn(on: group.loops[0]) { await certificates.reload() } }
    }
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
    let reload = reload
    Self.onLoop(of: group) { await reload.refuse() }
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
    notifier?.ready(isStart: true)
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
