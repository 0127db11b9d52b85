// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit

/// What a client knows of one upload.
struct UploadProgress {
  let blob: Stock.Item
  let repository: String
  /// Where to go on, as the last answer said.
  var location: String
  /// Where the client believes that the upload stands.
  var offset = 0
  /// The most bytes that were ever handed over.
  var sent = 0
  /// The bytes that a 202 acknowledged since the power was cut last.
  var acknowledged = 0
  /// How often the power had been cut when that was.
  var powerCuts: Int
  /// How often it had been cut when it began.
  let powerCutsAtBirth: Int
  /// How many faults there had been when it began.
  let faults: Int
  /// How many syncs had failed then: such a failure may set an upload back, as long as it says so.
  let failedSyncs: Int
  /// Whether a request that ends it may have arrived.
  var mayBeOver = false
  /// Whether somebody else goes on with it, too.
  var isShared = false
  /// The wall clock's second before it began, at the latest.
  let bornAt: Int64

  init(
    _ blob: Stock.Item, _ repository: String, _ location: String, bornAt: Int64, _ client: SimulatedClient
  ) {
    self.bornAt = bornAt
    self.blob = blob
    self.repository = repository
    self.location = location
    powerCuts = client.ledger.powerCuts
    powerCutsAtBirth = powerCuts
    faults = client.town.simulated.disk.faultCount
    failedSyncs = client.town.simulated.disk.failedSyncCount
  }
}
