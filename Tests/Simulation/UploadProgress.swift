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
  /// Of the acknowledged bytes a power cut takes fewer than these; none where they are 0.
  let syncBytes: Int
  /// Where to go on, as the last answer said.
  var location: String
  let birth: Birth
  /// Where the client believes that the upload stands.
  var offset = 0
  /// The most bytes that were ever handed over.
  var sent = 0
  /// The bytes that the latest 202 acknowledged.
  var acknowledged = 0
  /// How often the power had been cut when that was.
  var powerCuts: Int
  /// Whether a request that ends it may have arrived.
  var mayBeOver = false
  /// Whether somebody else goes on with it, too.
  var isShared = false

  /// The least that has to be there after so many power cuts, as long as no sync has failed. Of an upload that may be
  /// over a power cut may leave any of its files, in the middle of their removal.
  func floor(_ powerCuts: Int) -> Int {
    if powerCuts == self.powerCuts { return acknowledged }
    return mayBeOver ? 0 : max(0, acknowledged - max(syncBytes - 1, 0))
  }

  init(_ blob: Stock.Item, _ repository: String, _ location: String, _ birth: Birth, in town: Town) {
    self.blob = blob
    syncBytes = Int(town.uploadSyncBytes)
    self.repository = repository
    self.location = location
    self.birth = birth
    powerCuts = birth.powerCuts
  }
}
