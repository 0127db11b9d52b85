// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import GantryWorld
import Synchronization

/// What everybody in one history shares.
final class Town: Sendable {
  let simulated: SimulatedWorld
  let ledger = Ledger()
  let stock: Stock
  let cutOneIn: Int
  private let bug: PlantedBug?
  private let registries: Mutex<[SimulatedRegistry?]>
  private let calm = Mutex(false)
  private let errands = Atomic<Int>(0)
  private let killCount = Atomic<Int>(0)

  init(simulated: SimulatedWorld, stock: Stock, plan: HistoryPlan, bug: PlantedBug?) {
    self.simulated = simulated
    self.stock = stock
    self.bug = bug
    cutOneIn = plan.cutOneIn
    registries = Mutex(Array(repeating: nil, count: plan.serverCount))
  }

  /// The loop of the clients.
  var loop: SimulatedLoop { simulated.process.loops[0] }

  /// Whether nothing more befalls anybody.
  var isCalm: Bool {
    get { calm.withLock { $0 } }
    set { calm.withLock { $0 = newValue } }
  }

  /// Whether a client is still on its errand.
  var isBusy: Bool { errands.load(ordering: .relaxed) > 0 }

  func beginErrand() {
    errands.add(1, ordering: .relaxed)
  }

  func endErrand() {
    errands.subtract(1, ordering: .relaxed)
  }

  /// How many servers were killed, power cuts included.
  var kills: Int { killCount.load(ordering: .relaxed) }

  var servers: [SimulatedRegistry?] { registries.withLock { $0 } }

  /// Where to connect, and to which process; nil when that place is empty.
  func door(_ choice: UInt64) -> (ListenAddress, Int?) {
    registries.withLock { registries in
      let index = Int(choice % UInt64(registries.count))
      return (Self.address(index), registries[index]?.process.id)
    }
  }

  private static func address(_ index: Int) -> ListenAddress { .tcp(host: "192.0.2.\(index + 1)", port: 5000) }

  /// Starts a server in every place that has none, or one that could not start.
  func raise() {
    for index in servers.indices {
      switch servers[index]?.phase {
      case .starting, .serving: continue
      case .failed: fell(index)
      case nil, .stopped, .dead: break
      }
      let registry = SimulatedRegistry(in: simulated, address: Self.address(index), bug: bug)
      registries.withLock { $0[index] = registry }
    }
  }

  var isUp: Bool { servers.allSatisfy { $0?.phase == .serving } }

  /// Kills the server at a place.
  func fell(_ index: Int) {
    let registry = registries.withLock { registries in
      defer { registries[index] = nil }
      return registries[index]
    }
    guard let registry else { return }
    killCount.add(1, ordering: .relaxed)
    registry.kill()
    ledger.serverEnded(registry.process.id)
  }

  /// Kills all servers and cuts the power of their disk.
  func cutPower(keeping: CrashKeeping) {
    simulated.scheduler.note("the power is cut, keeping \(keeping)")
    ledger.notePowerCut()
    for index in servers.indices { fell(index) }
    simulated.disk.crash(keeping: keeping)
  }

  /// Forgets servers that have stopped by themselves.
  func dismiss() {
    let stopped = registries.withLock { registries in
      defer { registries = registries.map { _ in nil } }
      return registries.compactMap { $0 }
    }
    for registry in stopped { ledger.serverEnded(registry.process.id) }
  }
}
