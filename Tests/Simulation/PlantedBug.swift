// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A bug that a history can be given, to prove that its checkers find it. One for each rule at least.
public enum PlantedBug: String, Sendable, CaseIterable {
  /// Names are never made durable.
  case skipsDirectorySync
  /// Contents are never made durable.
  case skipsFileSync
  /// A mount is acknowledged and not made.
  case forgetsMount
  /// A tag is acknowledged before it is set.
  case acknowledgesTagEarly
  /// A failed write of a tag is acknowledged.
  case swallowsTagFailure
  /// A deletion of a blob is acknowledged and not made.
  case forgetsUnlink
  /// A blob is served to repositories that never linked it.
  case servesForeignBlobs
  /// One byte of what is served is wrong.
  case servesOtherBytes
  /// The tags of a manifest that was deleted stay.
  case leavesTagsDangling
  /// Caches are told that nothing ever changes.
  case cachesForEver
  /// The bytes of a chunk are acknowledged while they are in memory only.
  case acknowledgesChunkEarly
  /// The offset that is told is one too high.
  case tellsOffsetTooHigh
  /// An upload that another process holds is said to stand where it began.
  case forgetsWhereItStands
  /// A digest is not compared with the content.
  case acceptsWrongDigest
  /// Sessions keep their descriptors and locks.
  case keepsSessionsOpen
  /// Lists fail now and then.
  case failsLists
  /// Uploads are purged before their time.
  case purgesTooEarly
  /// Uploads are never purged.
  case neverPurges
  /// Records are acknowledged before they are durable in the journal.
  case skipsJournalSync
  /// Records name staged content whose names are not durable.
  case skipsStagingSync
  /// The journal forgets records before what they name is durable in place.
  case dropsSegmentsEarly
  /// Some records come back after every power cut, over whatever was written since.
  case replaysOldRecords
  /// Several requests may write to an upload at once.
  case sharesLeases
  /// Several processes may append to the journal at once.
  case sharesJournal
  /// Nobody is told which entries of the journal are not applied yet.
  case losesMarks
  /// A sync that failed is simply tried again.
  case retriesFailedSyncs
  /// Nobody is told that the files of the journal's changes have to be made anew.
  case forgetsSuspicion
  /// Nothing durable tells how far an upload has come.
  case losesUploadMarks
  /// The dead are taken for living: what a power cut took is not applied again.
  case takesTheDeadForLiving
  /// A server that has stopped leaves the journal behind.
  case leavesTheJournal
  /// A server whose predecessors were killed does not start.
  case refusesToStart
  /// A list is never answered.
  case stalls
  /// A refusal does not say when to come back.
  case forgetsRetryAfter
}

extension PlantedBug {
  /// What has to stand in the complaint by which the bug is found: another complaint would prove another checker.
  public var complaints: [String] {
    switch self {
    case .skipsDirectorySync, .skipsFileSync, .forgetsMount, .acknowledgesTagEarly, .swallowsTagFailure,
      .skipsJournalSync, .skipsStagingSync, .dropsSegmentsEarly, .retriesFailedSyncs, .forgetsSuspicion,
      .takesTheDeadForLiving:
      ["is gone, and was acknowledged"]
    case .forgetsUnlink, .leavesTagsDangling, .cachesForEver, .replaysOldRecords:
      ["and a later change was acknowledged"]
    case .servesForeignBlobs: ["nobody ever wrote that"]
    case .servesOtherBytes: ["served with other bytes"]
    case .acknowledgesChunkEarly, .losesUploadMarks, .forgetsWhereItStands: ["bytes were acknowledged"]
    case .tellsOffsetTooHigh: ["a 202 says"]
    case .acceptsWrongDigest: ["other content was taken"]
    case .keepsSessionsOpen: ["files are left open"]
    case .leavesTheJournal: ["is left after a clean stop"]
    case .refusesToStart: ["does not start"]
    case .stalls: ["wait for ever"]
    case .forgetsRetryAfter: ["does not say what to do"]
    case .failsLists: ["500 without a fault"]
    case .purgesTooEarly: ["an upload that nobody ended is gone"]
    case .neverPurges: ["although it was to be purged"]
    // What two writers of one upload, or of one segment, do to each other shows in more than one way.
    case .sharesLeases: ["bytes were acknowledged", "bytes were sent", "other bytes", "without a fault"]
    case .sharesJournal, .losesMarks:
      ["is gone, and was acknowledged", "and a later change was acknowledged", "which is not there"]
    }
  }

  /// The seed of the first history from `first` on, of so many, in which the bug is found by what it does; and how.
  public func find(from first: UInt64, histories: UInt64) -> (seed: UInt64, complaint: String)? {
    for seed in first..<(first + histories) {
      guard let failure = History.run(seed: seed, bug: self).failure else { continue }
      let complaint = failure.split(separator: "\n").first.map(String.init) ?? ""
      guard complaints.contains(where: complaint.contains) else { continue }
      // The same without the bug: what was complained of is the bug's doing.
      if History.run(seed: seed, withoutBug: self).failure == nil { return (seed, complaint) }
    }
    return nil
  }
}
