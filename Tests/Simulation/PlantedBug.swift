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
  /// The first records come back after every power cut, over whatever was written since.
  case replaysOldRecords
  /// Several requests may write to an upload at once.
  case sharesLeases
}
