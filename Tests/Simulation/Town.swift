// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryFilesystemStorage
import GantryRegistry
import GantryTestKit
import GantryWorld
import Synchronization

/// What everybody in one history shares.
final class Town: Sendable {
  let simulated: SimulatedWorld
  let ledger = Ledger()
  let stock: Stock
  let cutOneIn: Int
  /// After how many seconds an upload may be purged; nil: never.
  let purgeAge: Int64?
  private let bug: PlantedBug?
  private let registries: Mutex<[SimulatedRegistry?]>
  private let calm = Mutex(false)
  private let checkpointInterval: Duration
  /// Of the acknowledged bytes of an upload a power cut takes fewer than these; none where they are 0.
  let uploadSyncBytes: UInt64
  private let hasMachines: Bool
  private let errands = Atomic<Int>(0)
  private let killCount = Atomic<Int>(0)
  private let drainCount = Atomic<Int>(0)
  private let stopping = Mutex<Set<Int>>([])

  init(
    simulated: SimulatedWorld, stock: Stock, serverCount: Int = 1, cutOneIn: Int = 1, purgeAge: Int64? = nil,
    checkpointInterval: Duration = FilesystemStorage.checkpointIntervalDefault,
    uploadSyncBytes: UInt64 = FilesystemStorage.uploadSyncBytesDefault, hasMachines: Bool = false,
    bug: PlantedBug? = nil
  ) {
    self.simulated = simulated
    self.stock = stock
    self.bug = bug
    self.cutOneIn = cutOneIn
    self.purgeAge = purgeAge
    self.checkpointInterval = checkpointInterval
    self.uploadSyncBytes = uploadSyncBytes
    self.hasMachines = hasMachines
    registries = Mutex(Array(repeating: nil, count: serverCount))
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

  /// Lets a new client run an errand on the clients' loop.
  func send(
    _ name: String, _ generator: SplitMix64, to errand: @escaping @Sendable (SimulatedClient) async -> Void
  ) {
    errands.add(1, ordering: .relaxed)
    spawn(on: loop) { [self] in
      let client = SimulatedClient(name: name, town: self, generator: generator)
      await errand(client)
      client.leave()
      errands.subtract(1, ordering: .relaxed)
    }
  }

  /// How many servers were killed, power cuts included.
  var kills: Int { killCount.load(ordering: .relaxed) }

  /// How many servers were stopped in the middle.
  var drains: Int { drainCount.load(ordering: .relaxed) }

  var servers: [SimulatedRegistry?] { registries.withLock { $0 } }

  /// Where to connect, and to which process; nil when that place is empty.
  func door(_ choice: UInt64) -> (ListenAddress, Int?) {
    registries.withLock { registries in
      let index = Int(choice % UInt64(registries.count))
      return (Self.address(index), registries[index]?.process.id)
    }
  }

  private static func address(_ index: Int) -> ListenAddress { .tcp(host: "192.0.2.\(index + 1)", port: 5000) }

  /// Starts a server in every place that has none, or one that has stopped, or, with `retrying`, one that could not
  /// start.
  func raise(retrying: Bool = true) {
    for index in servers.indices {
      switch servers[index]?.phase {
      case .starting, .serving: continue
      case .failed:
        guard retrying else { continue }
        fell(index)
      case .stopped: dismiss(index)?.kill()
      case nil, .dead: break
      }
      let purging = purgeAge.map {
        UploadPurging(age: .seconds($0), interval: .milliseconds(700), firstDelayMax: .seconds(1))
      }
      let registry = SimulatedRegistry(
        in: simulated, machine: hasMachines ? index : 0, address: Self.address(index), bug: bug, purging: purging,
        checkpointInterval: checkpointInterval,
        uploadSyncBytes: uploadSyncBytes)
      registries.withLock { $0[index] = registry }
    }
  }

  /// Stops the server at a place, when it serves, as SIGTERM does; once it has stopped ``raise(retrying:)`` starts its
  /// successor.
  func drain(_ index: Int) {
    guard let server = servers[index], server.phase == .serving, !isStopping(server.process.id) else { return }
    simulated.scheduler.note("process \(server.process.id) is told to stop")
    drainCount.add(1, ordering: .relaxed)
    stop(server)
  }

  func stop(_ server: SimulatedRegistry) {
    stopping.withLock { _ = $0.insert(server.process.id) }
    server.stop()
  }

  /// Whether a process was told to stop: it may refuse what it is asked.
  func isStopping(_ process: Int) -> Bool {
    stopping.withLock { $0.contains(process) }
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

  /// Kills all servers.
  func fellAll() {
    for index in servers.indices { fell(index) }
  }

  /// Kills all servers and cuts the power of their disk.
  func cutPower(keeping: CrashKeeping) {
    simulated.scheduler.note("the power is cut, keeping \(keeping)")
    ledger.notePowerCut()
    fellAll()
    simulated.disk.crash(keeping: keeping)
  }

  /// Forgets servers that have stopped by themselves.
  func dismiss() {
    for index in servers.indices { _ = dismiss(index) }
  }

  private func dismiss(_ index: Int) -> SimulatedRegistry? {
    let stopped = registries.withLock { registries in
      defer { registries[index] = nil }
      return registries[index]
    }
    if let stopped { ledger.serverEnded(stopped.process.id) }
    return stopped
  }
}
