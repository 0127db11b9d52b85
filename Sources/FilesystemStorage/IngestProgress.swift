// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryWorld

/// What a session has in the storage.
struct IngestProgress: Sendable {
  /// The data file, locked; nil when it was given back.
  var file: (any OpenFile)?
  /// The digest of the first `offset` bytes.
  var running: RunningDigest
  /// Bytes written and digested.
  var offset: UInt64 = 0
  /// The data file's size when it was opened.
  var size: UInt64 = 0
  /// What the data file was when the lease on it was let go with nothing unsaved: as long as it is the same, nobody
  /// else has gone on with the session.
  var leftAt: FileStatus?
  /// The offset up to which the data file is durable.
  var syncedOffset: UInt64 = 0
  /// The offset to which a power cut sets the session back at most: data, names and digest are durable. 0 when it may
  /// take all.
  var markedOffset: UInt64 = 0
  /// The offset that the hash state on disk stands for; nil when there is none.
  var stateOffset: UInt64?
  /// The offset of the hash state before that one, whose file the next one takes over.
  var spareState: UInt64?
  /// Hash states on disk that are of no use any more.
  var staleStates: [UInt64] = []
  /// Whether the session's directory says that what is in it, synced or not, is of this boot.
  var isNoted = false
  /// Hash states that may stand for bytes that a power cut took, lowest first: each has to be proven by the bytes. Nil
  /// when no power cut can have been.
  var claims: [RunningDigest]?
  /// Whether a sync of the data file was begun by somebody who did not come to tell how it ended: what lies beyond
  /// ``durableOffset`` has to be written once more before it is synced.
  var isDoubted = false
  /// Whether a sync of the data file failed: what lies beyond ``durableOffset`` can be read and may never become
  /// durable. It has to be cut off and sent again.
  var isSuspect = false

  /// The progress of a session of which nothing is known yet.
  init(file: (any OpenFile)?, running: RunningDigest) {
    self.file = file
    self.running = running
  }

  /// Bytes that no failed sync has taken: what was synced, and never less than what is marked.
  var durableOffset: UInt64 { max(syncedOffset, markedOffset) }

  /// Whether bytes were written that no hash state on disk stands for.
  var isUnsaved: Bool { !isSuspect && offset > 0 && (stateOffset != offset || !isNoted) }

  /// Bytes that the storage can vouch for.
  var soundOffset: UInt64 { isSuspect ? durableOffset : offset }

  /// Makes the data durable up to `offset`.
  mutating func syncData(by commit: DurableCommit) throws(FileError) {
    guard let file, syncedOffset != offset || offset == 0 else { return }
    do throws(FileError) {
      try commit.sync(file)
    } catch {
      isSuspect = true
      // The kernel tells of lost pages once: whoever opens the file next would sync without an error and over nothing,
      // so what may be lost is cut off before the lease is let go. Where even that fails the note tells of the sync.
      try? file.truncate(to: durableOffset)
      throw error
    }
    syncedOffset = offset
  }
}
