// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI
import GantryWorld

/// Keeps in a session's directory what is needed to go on with it: after a kill everything, after a power cut what was
/// synced.
///
/// Beside Distribution's files there are two of ours, which Distribution passes over and removes with the directory:
/// - *the mark*: the digest's state at an offset up to which data, names and the mark itself are durable. Written at a
///   sync point, by a rename, so that it is the old or the new one and never torn.
/// - *the note*: which boot the unsynced rest is of, the offset of the mark as far as it is known to be durable, and
///   whether a sync was begun whose end nobody wrote down. Within that boot no power cut was, so hash states are
///   believed; in any other, and after such a sync, each is proven by the bytes first.
///
/// Isolation: every call blocks and belongs in a script of a worker that has the session's lease.
struct UploadKeeper: Sendable {
  let tree: StoredTree
  let place: UploadPlace
  let algorithm: DigestAlgorithm
  /// Of the bytes that a flush acknowledged a power cut may take fewer than these.
  let syncBytes: UInt64

  /// Writes the hash state for where `progress` stands and removes older ones, so that any process of this boot can go
  /// on there. At a sync point it is made durable first. False when the session is gone.
  func save(_ progress: inout IngestProgress) throws(FileError) -> Bool {
    guard let file = progress.file, try tree.isThere(file, at: place) else { return false }
    guard progress.offset > 0 else { return true }
    let unmarked = progress.offset - min(progress.markedOffset, progress.offset)
    if unmarked > 0, unmarked >= syncBytes { try sync(&progress) }
    try saveState(&progress)
    if !progress.isNoted { try note(&progress) }
    return true
  }

  /// In mid-chunk: makes the bytes durable when enough came since the last sync point. When that
  /// is each chunk that is acknowledged, never: nothing is acknowledged here.
  func passBytes(_ progress: inout IngestProgress) throws(FileError) {
    guard syncBytes > 0, progress.offset > progress.markedOffset else { return }
    if progress.offset - progress.markedOffset >= syncBytes { try sync(&progress) }
  }

  /// After a sync that nobody saw the end of: writes the next of the bytes that it may have lost once more, from
  /// `offset` on, at most `count`, so that the next sync has something to make durable. Returns where it stopped. Comes
  /// before these bytes are proven: what was written stays in memory until it is durable, or the next sync
  /// tells that it is not.
  func rewrite(
    _ progress: IngestProgress, from offset: UInt64, count: UInt64
  ) throws(FileError) -> UInt64 {
    guard let file = progress.file, offset < progress.size else { return progress.size }
    let piece = try file.read(Int(min(progress.size - offset, count)), at: offset)
    guard !piece.isEmpty else {
      throw FileError(.failed, operation: "read", path: place.data + ", shorter than it was")
    }
    try file.write(piece, at: offset)
    return offset + UInt64(piece.count)
  }

  /// After a power cut, or a change from another machine: cuts off what no hash state vouches for, and writes down what
  /// was found, so that it need not be proven again.
  func adopt(_ progress: inout IngestProgress) throws(FileError) {
    if let file = progress.file, progress.size > progress.offset {
      try file.truncate(to: progress.offset)
      progress.size = progress.offset
    }
    (progress.claims, progress.isDoubted) = (nil, false)
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
    // In this boot they would be believed, and vouch for bytes that were cut off.
    try removeStale(&progress)
    try tree.writeNote(at: place, markedOffset: progress.markedOffset, isSyncing: false)
    progress.isNoted = true
  }

  /// The sync point: data, names and mark.
  private func sync(_ progress: inout IngestProgress) throws(FileError) {
    // Before the mark, so that a mark without its note is one that a power cut has left.
    try tree.writeNote(at: place, markedOffset: progress.markedOffset, isSyncing: true)
    try progress.syncData(by: tree.commit)
    let mark = try tree.commit.stage(progress.running.goState)
    defer { tree.commit.discard(mark) }
    if progress.markedOffset == 0 { try makeNamesDurable() }
    try tree.commit.publish(mark, at: inDirectory(place.mark))
    progress.markedOffset = progress.offset
    try note(&progress)
  }

  /// All that leads to the session, and its start, but for the names in its own directory, which the mark's name takes
  /// along. Once per session.
  private func makeNamesDurable() throws(FileError) {
    let uploads = Layout.parent(of: place.directory)
    try tree.commit.makeLasting(uploads)
    // Written once more, so that this sync covers it even if an earlier one failed.
    let stamp = try tree.files.open(place.startedAt, .readWrite)
    let text = try stamp.read(64, at: 0)
    guard WallTime(rfc3339: String(decoding: text, as: UTF8.self)) != nil else {
      throw FileError(.failed, operation: "read", path: place.startedAt)
    }
    try stamp.write(text, at: 0)
    do throws(FileError) {
      try tree.commit.sync(stamp)
    } catch {
      // What the sync may have lost is written again at once: without it the session is none. The failure above is the
      // one to tell.
      try? stamp.write(text, at: 0)
      throw error
    }
    try tree.commit.sync(uploads)
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

extension UploadPlace {
  /// Ours: the digest's state at the last sync point.
  var mark: String { "\(directory)/gantry-synced" }
  /// Ours: the boot that what is not synced belongs to.
  var note: String { "\(directory)/gantry-boot" }
}

extension StoredTree {
  /// What the note of a session tells.
  struct UploadNote: Sendable {
    /// The offset of the mark that is known to be durable.
    var offset: UInt64
    /// The boot in which the session's files are what they seem.
    var boot: String
    /// Whether a sync of the data was begun and did not come to its end: if it failed, what can be read may never
    /// become durable, however often it is synced, or be gone from memory at any moment.
    var isSyncing: Bool
  }

  private static let noteDigits = 20

  /// Writes the note, not synced.
  func writeNote(at place: UploadPlace, markedOffset: UInt64, isSyncing: Bool) throws(FileError) {
    let offset = String(markedOffset)
    let padded = String(repeating: "0", count: Self.noteDigits - offset.utf8.count) + offset
    let file = try files.open(place.note, .create(mode: DurableCommit.fileMode))
    try file.write(Array("\(padded)\(isSyncing ? "!" : " ")\(files.boot.boot)\n".utf8), at: 0)
  }

  /// The note of a session; nil when it has none. One that is torn names no boot.
  func uploadNote(at place: UploadPlace) throws(FileError) -> UploadNote? {
    guard let bytes = try contents(of: place.note, atMost: 256) else { return nil }
    // One that is longer, of another boot, may stand behind it.
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
    let (digits, rest) = (line.prefix(Self.noteDigits), line.dropFirst(Self.noteDigits))
    guard let offset = UInt64(String(decoding: digits, as: UTF8.self)), let separator = rest.first else {
      return UploadNote(offset: 0, boot: "", isSyncing: false)
    }
    return UploadNote(
      offset: offset, boot: String(decoding: rest.dropFirst(), as: UTF8.self), isSyncing: separator == UInt8(ascii: "!")
    )
  }
}
