// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit

/// A small town on which one client does what it is told, one thing after the other, and nothing happens by chance.
final class Stage {
  /// What befalls the server at a point.
  enum Blow: String, CaseIterable {
    case kill
    case powerCut
    case powerCutKeepingSome
    /// The power goes while the next server recovers from the kill.
    case killThenPowerCut

    func fall(on town: Town, seed: UInt64) {
      switch self {
      case .kill: town.fell(0)
      case .powerCut: town.cutPower(keeping: .synced)
      case .powerCutKeepingSome: town.cutPower(keeping: .seeded(seed))
      case .killThenPowerCut:
        town.fell(0)
        var generator = SplitMix64(seed: seed)
        town.simulated.disk.trigger(afterOperations: generator.below(60)) { town.cutPower(keeping: .seeded(seed)) }
      }
    }
  }

  let town: Town
  private let warden: Warden
  let seed: UInt64

  init(seed: UInt64) {
    self.seed = seed
    let simulated = SimulatedWorld(seed: seed)
    town = Town(simulated: simulated, stock: Stock(small: 7))
    town.isCalm = true
    warden = Warden(town: town)
  }

  var simulated: SimulatedWorld { town.simulated }

  /// What was broken, and how it came to that.
  var failure: String? {
    town.ledger.failure.map { failure in
      let operations = simulated.disk.operations.filter { operation in
        operation.kind.isChange || operation.kind == .sync || operation.kind == .syncDirectory
      }
      let latest = operations.suffix(120).map { "  \($0)" }.joined(separator: "\n")
      return "\(failure)\n\(simulated.scheduler.situation)\nthe latest changes and syncs of the disk:\n\(latest)"
    }
  }

  func open() {
    warden.raiseAndWait()
  }

  /// Lets a client do its errand to the end, starting the server again whenever it is down.
  func perform(_ errand: @escaping @Sendable (SimulatedClient) async -> Void) {
    guard !town.ledger.isFailed else { return }
    town.send("client", SplitMix64(seed: seed), to: errand)
    let before = simulated.scheduler.steps
    while town.isBusy, !town.ledger.isFailed {
      let halt = simulated.scheduler.drive(stepsMax: 200) { [town] in town.ledger.isFailed || !town.isBusy }
      town.raise()
      if halt == .idle { return town.ledger.fail("the client waits for ever") }
      if simulated.scheduler.steps - before > Warden.stepsMax { return town.ledger.fail("the client comes to no end") }
    }
  }

  /// Ends all disturbance, and looks whether everything is there: now, and after a stop and a power cut.
  func judge() {
    warden.calmDown()
    for isLast in [false, true] where !town.ledger.isFailed {
      warden.raiseAndWait()
      perform { await $0.audit() }
      if !town.ledger.isFailed { warden.stop() }
      if !isLast, !town.ledger.isFailed { town.cutPower(keeping: .synced) }
    }
  }
}
