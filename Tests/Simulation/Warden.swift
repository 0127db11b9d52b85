// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit

/// Waits for the people of a town, opens and closes it, and looks at what is left.
struct Warden {
  static let stepsMax = 2_000_000

  let town: Town

  var simulated: SimulatedWorld { town.simulated }

  /// Runs until `condition` holds or a rule is broken; a world in which nothing can go on breaks one.
  func drive(_ complaint: String, until condition: () -> Bool) {
    let ledger = town.ledger
    let halt = simulated.scheduler.drive(stepsMax: Self.stepsMax) { ledger.isFailed || condition() }
    if halt != .reached { ledger.fail("\(complaint) (\(halt))") }
  }

  /// Runs until every client is done.
  func awaitClients() {
    drive("clients wait for ever") { [town] in !town.isBusy }
  }

  /// Ends all disturbance: everything must work again.
  func calmDown() {
    simulated.disk.observe(nil)
    simulated.disk.install(FaultPlan())
    simulated.network.faults = SimulatedNetwork.Faults()
    town.isCalm = true
    simulated.scheduler.note("nothing more befalls anybody")
  }

  /// Starts the servers that are missing and waits until they serve.
  func raiseAndWait() {
    town.raise()
    drive("the servers do not start") { [town] in
      town.raise(retrying: false)
      return town.servers.allSatisfy { server in
        if case .failed = server?.phase { return true }
        return server?.phase == .serving && server.map { !town.isStopping($0.process.id) } ?? true
      }
    }
    for case .failed(let why)? in town.servers.map({ $0?.phase }) {
      town.ledger.fail("a server does not start although nothing is wrong: \(why)")
    }
  }

  /// Stops the servers as SIGTERM does; nothing may be left of them.
  func stop() {
    drive("connections stay open although their clients are gone") { [simulated] in
      simulated.network.openConnectionCount == 0
    }
    let servers = town.servers.compactMap { $0 }
    for server in servers { town.stop(server) }
    drive("the servers do not stop") { servers.allSatisfy { $0.phase == .stopped } }
    town.dismiss()
    guard !town.ledger.isFailed else { return }
    _ = simulated.scheduler.settle()
    simulated.scheduler.note("the servers have stopped")
    complainAboutRemains()
  }

  /// Looks at what is left once nobody holds anything.
  private func complainAboutRemains() {
    let (network, disk) = (simulated.network, simulated.disk)
    if network.openConnectionCount > 0 { town.ledger.fail("\(network.openConnectionCount) connections are left") }
    if disk.openFileCount > 0 { town.ledger.fail("files are left open: \(disk.openPaths)") }
    if disk.lockCount > 0 { town.ledger.fail("\(disk.lockCount) locks are left") }
    for finding in DiskCheck(disk).findings(isStopped: true) { town.ledger.fail(finding) }
  }
}
