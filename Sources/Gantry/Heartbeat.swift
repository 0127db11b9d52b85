// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryWorld

/// Tells the service manager's watchdog that every loop still turns: a beat passes through each of them, so one that
/// is stuck keeps it back.
///
/// Isolation: an actor on the first loop.
actor Heartbeat {
  private let notifier: ServiceNotifier
  private let loops: [any LoopExecutor]
  private let interval: Duration
  private var timer: (any LoopTimer)?
  private var beating: LoopTask?
  private var isStopped = false

  nonisolated var unownedExecutor: UnownedSerialExecutor { loops[0].asUnownedSerialExecutor() }

  /// Nil when the manager has no watchdog.
  init?(_ notifier: ServiceNotifier?, loops: [any LoopExecutor]) {
    guard let notifier, let timeout = notifier.watchdogTimeout else { return nil }
    self.notifier = notifier
    self.loops = loops
    // As sd_watchdog_enabled(3) advises.
    interval = timeout / 2
  }

  /// Begins to beat.
  func start() {
    guard !isStopped else { return }
    timer = loops[0].clock.after(interval) { [weak self] in self?.assumeIsolated { $0.beat() } }
  }

  /// Ends it; at return no timer is left.
  func stop() async {
    isStopped = true
    timer?.cancel()
    await beating?.value
  }

  private func beat() {
    beating = spawn(on: loops[0]) { await self.passThrough() }
  }

  private func passThrough() async {
    for loop in loops { await spawn(on: loop) {}.value }
    notifier.alive()
    start()
  }
}
