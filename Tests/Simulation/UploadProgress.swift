// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import GantryWorld

/// What a client knows of one upload.
struct UploadProgress {
  /// How things stood before the request that began it: what came while its answer was on the way came after it.
  struct Birth {
    /// The wall clock's second.
    let second: Int64
    /// How often the power had been cut.
    let powerCuts: Int
    /// How many faults there had been.
    let faults: Int
    /// How many syncs had failed: such a failure may set an upload back, as long as it says so.
    let failedSyncs: Int

    init(_ town: Town) {
      second = town.simulated.wallClock.now.seconds
      powerCuts = town.ledger.powerCuts
      faults = town.simulated.disk.faultCount
      failedSyncs = town.simulated.disk.failedSyncCount
    }
  }

  let blob: Stock.Item
  let repository: String
  /// Where to go on, as the last answer said.
  var location: String
  let birth: Birth
  /// Where the client believes that the upload stands.
  var offset = 0
  /// The most bytes that were ever handed over.
  var sent = 0
  /// The bytes that a 202 acknowledged since the power was cut last.
  var acknowledged = 0
  /// How often the power had been cut when that was.
  var powerCuts: Int
  /// Whether a request that ends it may have arrived.
  var mayBeOver = false
  /// Whether somebody else goes on with it, too.
  var isShared = false

  init(_ blob: Stock.Item, _ repository: String, _ location: String, _ birth: Birth) {
    self.blob = blob
    self.repository = repository
    self.location = location
    self.birth = birth
    powerCuts = birth.powerCuts
  }
}
