// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI
import GantryWorld
import Synchronization

/// Keeps in a session's directory what is needed to go on with it: after a kill everything, after a power cut what was
/// synced.
///
/// Beside Distribution's files there are two of ours, which Distribution passes over and removes with the directory:
/// - *the mark*: the digest's state at an offset up to which data, names and the mark itself are durable. Written at a
///   sync point, by a rename, so that it is the old or the new one and never torn.
/// - *the note*: which boot the unsynced rest is of, and the offset of the mark as far as it is known to be durable.
///   Within that boot no power cut was, so hash states are believed; in any other each is proven by the bytes first.
///
/// Isolation: every call blocks and belongs in a script of a worker that has the session's lease.
struct UploadKeeper: Sendable {
  let tree: StoredTree
  let place: UploadPlace
  let algorithm: DigestAlgorithm
  let syncs: UploadSyncs

  /// Writes the hash state for where `progress` stands and removes older ones, so that any process of this boot can go
  /// on there. At a sync point it is made durable first. False when the session is gone.
  func save(_ progress: inout IngestProgress) throws(FileError) -> Bool {
    guard let file = progress.file, try tree.isThere(file, at: place) else { return false }
    guard progress.offset > 0 else { return true }
    let unmarked = progress.offset - min(progress.markedOffset, progress.offset)
    if unmarked > 0, unmarked >= syncs.bytesMax { try sync(&progress) }
    try saveState(&progress)
    if !progress.isNoted { try note(&progress) }
    return true
  }

  /// In mid-chunk: makes the bytes durable when enough came since the last sync point. When that
  /// is each chunk that is acknowledged, never: nothing is acknowledged here.
  func passBytes(_ progress: inout IngestProgress) throws(FileError) {
    guard syncs.bytesMax > 0, progress.offset > progress.markedOffset else { return }
    if progress.offset - progress.markedOffset >= syncs.bytesMax { try sync(&progress) }
  }

  /// After a power cut, or a change from another machine: cuts off what no hash state vouches for, and writes down what
  /// was found, so that it need not be proven again.
  func adopt(_ progress: inout IngestProgress) throws(FileError) {
    if let file = progress.file, progress.size > progress.offset {
      try file.truncate(to: progress.offset)
      progress.size = progress.offset
    }
    progress.claims = nil
    do throws(FileError) {
      if progress.offset > 0 { try saveState(&progress) }
      try removeStale(&progress)
      try note(&progress)
    } catch {
      // It only saves the next one the proof; a full disk must not keep anybody from asking where an upload stands.
    }
  }

  /// Leaves the note, not synced: it means nothing in another boot.
  func note(_ progress: inout IngestProgress) throws(FileError) {
    let offset = String(progress.markedOffset)
    let padded = String(repeating: "0", count: 20 - offset.utf8.count) + offset
    let file = try tree.files.open(place.note, .create(mode: DurableCommit.fileMode))
    try file.write(Array("\(padded) \(tree.files.boot.boot)".utf8), at: 0)
    progress.isNoted = true
  }

  /// The sync point: data, names and mark.
  private func sync(_ progress: inout IngestProgress) throws(FileError) {
    // Before the mark, so that a mark without its note is one that a power cut has left.
    if !progress.isNoted { try note(&progress) }
    try progress.syncData(by: tree.commit)
    let mark = try tree.commit.stage(progress.running.goState)
    defer { tree.commit.discard(mark) }
    do throws(FileError) {
      if progress.markedOffset == 0 { try makeNamesDurable() }
      try tree.commit.publish(mark, at: inDirectory(place.mark))
    } catch {
      syncs.noteFailure()
      throw error
    }
    progress.markedOffset = progress.offset
    try note(&progress)
  }

  /// All that leads to the session, and its start, but for the names in its own directory, which the mark's name takes
  /// along. Once per session.
  private func makeNamesDurable() throws(FileError) {
    let uploads = Layout.parent(of: place.directory)
    try tree.commit.makeLasting(uploads)
    if syncs.haveFailed { try renewNames() }
    try tree.commit.sync(try tree.files.open(place.startedAt, .readWrite))
    try tree.commit.sync(uploads)
  }

  /// A sync that failed may have lost the session's names for good, however often it is tried again: they are given
  /// anew. For some microseconds others do not find the session.
  private func renewNames() throws(FileError) {
    let stamp = try tree.commit.stage(try tree.contents(of: place.startedAt, atMost: 64) ?? [])
    defer { tree.commit.discard(stamp) }
    let aside = String(place.directory.dropLast()) + (place.directory.hasSuffix("0") ? "1" : "0")
    try tree.files.rename(place.directory, to: aside)
    try tree.files.rename(aside, to: place.directory)
    try tree.files.rename(place.data, to: place.data + ".renamed")
    try tree.files.rename(place.data + ".renamed", to: place.data)
    try tree.commit.publish(stamp, at: inDirectory(place.startedAt))
  }

  private func inDirectory(_ file: String) -> Layout.Place {
    Layout.Place(file: file, directory: place.directory, lasting: place.directory)
  }

  private func saveState(_ progress: inout IngestProgress) throws(FileError) {
    guard progress.stateOffset != progress.offset else { return try removeStale(&progress) }
    let path = place.hashState(algorithm, at: progress.offset)
    if try !moveState(to: path, &progress) { try writeState(to: path, progress) }
    if let old = progress.stateOffset {
      // One that stands for bytes which were cut off meanwhile would vouch for others.
      if old < progress.offset { progress.spareState = old } else { progress.staleStates.append(old) }
    }
    progress.stateOffset = progress.offset
    try removeStale(&progress)
  }

  /// Writes the state into the file of the state before the last, which then gets its name, so that a chunk makes no
  /// file and removes none. The last one stays as it is meanwhile. Whoever finds the file between the two steps finds
  /// what does not stand for its name, and Distribution looks for another name. False when there is no such file.
  private func moveState(to path: String, _ progress: inout IngestProgress) throws(FileError) -> Bool {
    guard let spare = progress.spareState.take() else { return false }
    // Unless it is moved.
    progress.staleStates.append(spare)
    let sparePath = place.hashState(algorithm, at: spare)
    do throws(FileError) {
      try tree.files.open(sparePath, .readWrite).write(progress.running.goState, at: 0)
      try tree.files.rename(sparePath, to: path)
    } catch  where error.reason == .absent {
      return false
    }
    progress.staleStates.removeLast()
    return true
  }

  private func writeState(to path: String, _ progress: IngestProgress) throws(FileError) {
    let file: any OpenFile
    do throws(FileError) {
      file = try tree.files.open(path, .create(mode: DurableCommit.fileMode))
    } catch  where error.reason == .absent {
      _ = try tree.commit.makeVolatile(place.hashStates(algorithm))
      file = try tree.files.open(path, .create(mode: DurableCommit.fileMode))
    }
    try file.write(progress.running.goState, at: 0)
  }

  private func removeStale(_ progress: inout IngestProgress) throws(FileError) {
    for stale in progress.staleStates where stale != progress.stateOffset {
      _ = try tree.files.remove(place.hashState(algorithm, at: stale))
    }
    progress.staleStates = []
  }
}

/// How often uploads are synced, and whether that ever failed in this process.
final class UploadSyncs: Sendable {
  /// Of the bytes that a flush acknowledged a power cut may take fewer than these.
  let bytesMax: UInt64
  private let failed = Atomic(false)

  init(bytesMax: UInt64) {
    self.bytesMax = bytesMax
  }

  /// Whether a name of some session may have been lost to a sync that failed.
  var haveFailed: Bool { failed.load(ordering: .relaxed) }

  func noteFailure() { failed.store(true, ordering: .relaxed) }
}

extension UploadPlace {
  /// Ours: the digest's state at the last sync point.
  var mark: String { "\(directory)/gantry-synced" }
  /// Ours: the boot that what is not synced belongs to.
  var note: String { "\(directory)/gantry-boot" }
}
