// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryAccess
internal import GantryConfiguration
internal import GantryEventLoops
internal import GantryLimiting
internal import GantryRegistry
internal import GantryTelemetry
internal import GantryWorld
internal import Logging

/// Exchanges what may change while a registry serves: who may do what, which tags stay, how much is logged.
///
/// All of it or nothing: what is wrong with a new configuration is logged, and the old one stays in force. What has
/// changed and takes a restart is named.
///
/// Isolation: an actor on the world's first loop; what is asked for meanwhile is served once more.
actor ConfigurationReload {
  /// What is exchanged.
  struct Parts: Sendable {
    let access: AccessSource
    let protectedTags: ProtectedTags
    let threshold: LogThreshold
    /// What signs tokens, and slows down whoever guesses: they stay.
    let secret: [UInt8]
    let brake: LoginBrake?
  }

  private let world: World
  private let parts: Parts
  private let logger: Logger
  /// What is in force.
  private var settings: Settings
  private var isAsked = false
  private var isBusy = false
  private var isFinished = false
  private var running: LoopTask?

  nonisolated var unownedExecutor: UnownedSerialExecutor { world.loops[0].asUnownedSerialExecutor() }

  init(_ settings: Settings, parts: Parts, world: World, logger: Logger) {
    self.settings = settings
    self.parts = parts
    self.world = world
    self.logger = logger
  }

  /// Reads a configuration anew.
  typealias Load = @Sendable () throws(StartError) -> LoadedConfiguration

  /// Reads the configuration with `load`, on a worker, and puts it in force; `notifier` is told of both ends. Asked
  /// meanwhile, it does so once more.
  func ask(_ load: @escaping Load, notifier: ServiceNotifier? = nil) {
    guard !isFinished else { return }
    isAsked = true
    guard !isBusy else { return }
    isBusy = true
    running = spawn(on: world.loops[0]) { await self.run(load, notifier) }
  }

  /// Returns when no wish is being served.
  func settled() async { await running?.value }
  /// Takes no further wish: the process stops, and says so to nobody else.
  func refuse() { isFinished = true }

  /// Takes no further wish, and returns when none is being served.
  func finish() async {
    refuse()
    await running?.value
  }

  private func run(_ load: @escaping Load, _ notifier: ServiceNotifier?) async {
    notifier?.reloading()
    while isAsked, !isFinished {
      isAsked = false
      do throws(StartError) {
        try await putInForce(try await world.workers.run(load))
      } catch {
        complain(error)
      }
    }
    isBusy = false
    if !isFinished { notifier?.ready() }
  }

  private func putInForce(_ loaded: LoadedConfiguration) async throws(StartError) {
    let new = loaded.settings
    let protections = try TagProtection.all(in: new.access)
    let control = try AccessControl(
      new, world: world, secret: parts.secret, brake: parts.brake, keeping: parts.access.control, logger: logger)
    do throws(AccessError) { try await control?.start(makesUsers: false) } catch { throw .access(error.explanation) }
    if control == nil, parts.access.control != nil {
      logger.warning("there is neither auth nor access any more: everybody may do everything")
    }
    // Protections first: a push that is judged in between must not find the new grants and the old protections.
    parts.protectedTags.replace(with: protections)
    parts.access.replace(with: control)
    parts.threshold.level = Logger.Level(new.log.level)
    for diagnostic in loaded.diagnostics { logger.warning("\(diagnostic)") }
    var current = settings
    current.auth = new.auth
    current.access = new.access
    current.log.level = new.log.level
    let changed = SettingsChange.paths(from: settings, to: current)
    settings = current
    for path in SettingsChange.paths(from: current, to: new) {
      logger.warning("\(path) has changed; that takes a restart, until then the old value stays in force")
    }
    logger.info(
      "reloaded: \(changed.isEmpty ? "nothing that can be exchanged has changed" : changed.joined(separator: ", "))")
  }

  private func complain(_ error: StartError) {
    if case .configuration(let diagnostics) = error {
      for diagnostic in diagnostics { logger.error("\(diagnostic)") }
    } else {
      logger.error("\(error)")
    }
    logger.error("not reloaded: the configuration is broken, and what was in force stays")
  }
}
