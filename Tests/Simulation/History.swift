// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import GantryWorld

/// One seed, one history: real servers on a simulated world, clients that use them, and what befalls both.
///
/// The servers are the product's: connections, API, registry and storage run unchanged. The world must not lose what
/// was acknowledged; ``Ledger`` and ``DiskCheck`` judge that. It may do everything else: answer late, never, or with an
/// error, as long as there was a fault to blame.
public final class History {
  private let seed: UInt64
  private let plan: HistoryPlan
  private let simulated: SimulatedWorld
  private let town: Town
  private let warden: Warden
  private var generator: SplitMix64
  private var auditors = 0
  private var failedStarts = 0

  /// - Parameter favoured: the bug for whose sake this is the history it is.
  private init(seed: UInt64, bug: PlantedBug?, favoured: PlantedBug?) {
    self.seed = seed
    var generator = SplitMix64(seed: seed &* 0x9e37_79b9 &+ 0x51_3c7e)
    plan = HistoryPlan(&generator, toFind: favoured)
    let stock = Stock(&generator)
    simulated = SimulatedWorld(
      seed: seed, workerDelay: plan.workerDelay, interleavesScripts: plan.interleavesScripts)
    simulated.disk.reusesInodes = plan.reusesInodes
    simulated.network.faults = SimulatedNetwork.Faults(resetOneIn: plan.resetOneIn, delay: plan.delay)
    town = Town(
      simulated: simulated, stock: stock, serverCount: plan.serverCount, cutOneIn: plan.cutOneIn,
      purgeAge: plan.purgeAge, checkpointInterval: plan.checkpointInterval,
      uploadSyncBytes: plan.uploadSyncBytes, hasMachines: plan.hasMachines, bug: bug)
    warden = Warden(town: town)
    self.generator = generator
  }

  /// Runs the history of `seed`, with a bug planted if one is given, and says what came of it. `telling` is told each
  /// operation on the disk as it happens, in one line.
  public static func run(
    seed: UInt64, bug: PlantedBug? = nil, telling: (@Sendable (String) -> Void)? = nil
  ) -> HistoryReport {
    run(History(seed: seed, bug: bug, favoured: bug), telling: telling)
  }

  /// Runs the history that `seed` means when that bug is to be found, without the bug.
  static func run(seed: UInt64, withoutBug bug: PlantedBug) -> HistoryReport {
    run(History(seed: seed, bug: nil, favoured: bug), telling: nil)
  }

  private static func run(_ history: History, telling: (@Sendable (String) -> Void)?) -> HistoryReport {
    if let telling {
      let scheduler = history.simulated.scheduler
      history.simulated.disk.tell { telling("step \(scheduler.steps), \($0)") }
    }
    history.run()
    return history.report()
  }

  private func run() {
    town.raise()
    let plan = plan
    for number in 1...plan.clientCount {
      send("client \(number)") { client in
        for _ in 0..<plan.deedsPerClient where !client.ledger.isFailed {
          await client.perform(plan.nextDeed(&client.generator))
        }
      }
    }
    befall()
    if !town.ledger.isFailed { calmDown() }
    if !town.ledger.isFailed { warden.stop() }
    if !town.ledger.isFailed { lookAgain() }
  }

  private func report() -> HistoryReport {
    var report = HistoryReport(seed: seed)
    report.steps = simulated.scheduler.steps
    report.requests = town.ledger.requests
    report.kills = town.kills
    report.powerCuts = town.ledger.powerCuts
    report.drains = town.drains
    report.faults = simulated.disk.faultCount
    report.cuts = town.ledger.cuts
    report.trace = simulated.scheduler.trace
    report.fingerprint = simulated.scheduler.fingerprint
    report.failure = town.ledger.failure.map { "\($0)\n\(simulated.scheduler.situation)" }
    return report
  }

  // MARK: Clients

  private func send(_ name: String, to errand: @escaping @Sendable (SimulatedClient) async -> Void) {
    town.send(name, generator.split(), to: errand)
  }

  // MARK: Events

  private func befall() {
    var left = plan.eventsMax
    while left > 0, !town.ledger.isFailed, town.isBusy {
      left -= 1
      pass(1 + generator.below(plan.stepsBetweenEvents * 2))
      happen(plan.nextEvent(&generator))
      pass(generator.below(200))
      raise()
    }
    // One that was planned for a moment inside a script may still come.
    while town.isBusy, !town.ledger.isFailed {
      let halt = pass(town.isUp ? 400 : 60)
      raise()
      if halt == .idle { return town.ledger.fail("clients wait for ever (idle)") }
      if simulated.scheduler.steps > Warden.stepsMax { return town.ledger.fail("the clients never come to an end") }
    }
  }

  @discardableResult
  private func pass(_ steps: Int) -> SimulatedScheduler.Halt {
    let ledger = town.ledger
    return simulated.scheduler.drive(stepsMax: steps) { [town] in ledger.isFailed || !town.isBusy }
  }

  /// Starts servers where none are, and now and then somebody who looks at everything. A server that cannot start
  /// because of a fault is tried again; then somebody mends the disk.
  private func raise() {
    let wasUp = town.isUp
    if wasUp { failedStarts = 0 }
    for case .failed(let why)? in town.servers.map({ $0?.phase }) {
      failedStarts += 1
      if failedStarts % 3 == 0 { simulated.disk.install(FaultPlan()) }
      if failedStarts > 20 { town.ledger.fail("a server does not start, whatever is mended: \(why)") }
    }
    town.raise()
    if !wasUp, generator.oneIn(2), auditors < 3 {
      auditors += 1
      send("auditor \(auditors)") { await $0.audit() }
    }
  }

  private func happen(_ event: HistoryPlan.Event) {
    let disk = simulated.disk
    let index = generator.below(plan.serverCount)
    switch event {
    case .kill:
      town.fell(index)
    case .killInScript:
      disk.trigger(afterOperations: generator.below(40)) { [town] in town.fell(index) }
    case .powerCut: town.cutPower(keeping: keeping())
    case .powerCutInScript:
      let keeping = keeping()
      disk.trigger(afterOperations: generator.below(40)) { [town] in town.cutPower(keeping: keeping) }
    case .faults:
      disk.install(
        FaultPlan(
          oneIn: 20 + generator.below(200), randomReasons: [.failed, .noSpace, .tooManyOpenFiles, .notPermitted],
          seed: generator.next()))
    case .fullDisk:
      let kinds: Set<FileOperation.Kind> = [.create, .write, .makeDirectory, .link]
      disk.install(FaultPlan([.init(.noSpace, of: kinds, skip: generator.below(20), times: 1 + generator.below(60))]))
    case .powerCutInStart:
      let keeping = keeping()
      town.fellAll()
      disk.trigger(afterOperations: generator.below(120)) { [town] in town.cutPower(keeping: keeping) }
    case .noNames:
      disk.install(
        FaultPlan([
          .init(
            [.failed, .noSpace, .tooManyOpenFiles][generator.below(3)], of: [.rename, .link, .makeDirectory],
            pathContains: ["/repositories/", "/tags/", "/blobs/"][generator.below(3)],
            times: 1 + generator.below(20))
        ]))
    case .drain: town.drain(index)
    // Of what the journal names the server may be writing anew what was lost at this moment.
    case .forgetUploads: disk.forgetLostPages(of: "/_uploads/")
    case .calm: disk.install(FaultPlan())
    case .cutConnections:
      for connection in simulated.network.connections where generator.oneIn(2) {
        town.ledger.noteCut()
        connection.reset()
      }
    case .stall:
      for connection in simulated.network.connections where generator.oneIn(2) { stall(connection) }
    }
  }

  /// Holds a connection's bytes back for a while, short or beyond the server's patience.
  private func stall(_ connection: SimulatedConnection) {
    let side: SimulatedConnection.Side = generator.oneIn(2) ? .client : .server
    let seconds: Duration = generator.oneIn(4) ? .seconds(200) : .milliseconds(50)
    connection.stall(to: side)
    let simulated = simulated
    spawn(on: town.loop) {
      await simulated.pause(for: seconds)
      connection.resume(to: side)
    }
  }

  private func keeping() -> CrashKeeping {
    switch generator.below(8) {
    case 0, 1: .synced
    case 2: .names
    case 3: .contents
    case 4: .everything
    default: .seeded(generator.next())
    }
  }

  // MARK: The end

  /// Ends all disturbance: everything must work again.
  private func calmDown() {
    warden.calmDown()
    if plan.forgetsLostPages {
      simulated.scheduler.note("everybody dies, and the kernel drops what failed syncs have lost")
      town.fellAll()
      simulated.disk.forgetLostPages()
    }
    warden.raiseAndWait()
    send("last client") { await $0.pushLast() }
    warden.awaitClients()
    guard !town.ledger.isFailed else { return }
    send("last auditor") { await $0.audit() }
    warden.awaitClients()
    if let age = plan.purgeAge, !town.ledger.isFailed { awaitPurge(of: age) }
  }

  /// Lets time pass until nothing of an upload may be left.
  private func awaitPurge(of age: Int64) {
    send("somebody who waits") { client in await client.town.simulated.pause(for: .seconds(age + 5)) }
    warden.awaitClients()
    for path in simulated.disk.tree.keys.sorted() where path.contains("/_uploads/") {
      return town.ledger.fail("an upload is left although it was to be purged: \(path)")
    }
  }

  /// Looks whether a new server finds it all once nobody holds anything.
  private func lookAgain() {
    if plan.cutsPowerAtEnd { town.cutPower(keeping: keeping()) }
    warden.raiseAndWait()
    guard !town.ledger.isFailed else { return }
    send("auditor of the end") { await $0.audit() }
    warden.awaitClients()
    if !town.ledger.isFailed { warden.stop() }
  }
}
