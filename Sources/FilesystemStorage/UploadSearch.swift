// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI
import GantryWorld

/// What looking for a session found.
enum UploadSearch: Sendable {
  case none
  case busy
  case held(FoundUpload)
}

/// What taking a lease again came to.
enum UploadRetaken: Sendable {
  case gone
  case busy
  case held(IngestProgress)
}

/// A session that was found, with its lease.
struct FoundUpload: Sendable {
  var startedAt: WallTime
  var algorithm: DigestAlgorithm
  var progress: IngestProgress
}

extension StoredTree {
  /// Makes a session's files and takes its lease.
  func beginUpload(
    _ place: UploadPlace, startedAt: WallTime, algorithm: DigestAlgorithm
  ) throws(FileError) -> any OpenFile {
    guard try commit.makeVolatile(place.directory) else {
      throw FileError(.exists, operation: "mkdir", path: place.directory)
    }
    do throws(FileError) {
      if algorithm != .sha256 {
        // This directory is what tells the algorithm to whoever resumes.
        _ = try commit.makeVolatile(place.hashStates(algorithm))
      }
      let data = try files.open(place.data, .createNew(mode: DurableCommit.fileMode))
      guard try data.tryLock() else { throw FileError(.failed, operation: "lock", path: place.data) }
      let stamp = try files.open(place.startedAt, .createNew(mode: DurableCommit.fileMode))
      try stamp.write(Array(Self.ownStamp(startedAt).utf8), at: 0)
      return data
    } catch {
      // The failure above is the one to tell; what stays behind is purged.
      _ = try? commit.removeTree(place.directory)
      throw error
    }
  }

  /// Looks for a session and takes its lease.
  func findUpload(_ place: UploadPlace) throws(FileError) -> UploadSearch {
    guard let stamp = try contents(of: place.startedAt, atMost: 64) else { return .none }
    guard let startedAt = WallTime(rfc3339: String(decoding: stamp, as: UTF8.self)) else {
      report("the upload \(place.directory) is damaged and taken as absent: startedat is no time")
      return .none
    }
    let file: any OpenFile
    switch try lease(place) {
    case .gone: return .none
    case .busy: return .busy
    case .held(let held): file = held
    }
    let mark = try mark(of: place)
    var algorithm = mark.map(\.algorithm)
    if algorithm == nil {
      let entries = try files.entries(place.hashStates)?.map(\.name) ?? []
      algorithm = entries.lazy.compactMap(DigestAlgorithm.init(name:)).first { $0 != .sha256 }
    }
    let isOurs = String(decoding: stamp, as: UTF8.self).hasSuffix(Self.ownZone)
    let progress = try loadProgress(of: place, algorithm ?? .sha256, mark: mark, isOurs: isOurs, file: file)
    return .held(FoundUpload(startedAt: startedAt, algorithm: algorithm ?? .sha256, progress: progress))
  }

  func mark(of place: UploadPlace) throws(FileError) -> RunningDigest? {
    try contents(of: place.mark, atMost: 256).flatMap { RunningDigest(goState: $0) }
  }

  /// What asking for a session's lease came to.
  private enum Lease {
    case gone
    case busy
    case held(any OpenFile)
  }

  // The data file, locked, and nobody else's.
  private func lease(_ place: UploadPlace) throws(FileError) -> Lease {
    guard let file = try openData(place) else { return .gone }
    guard try file.tryLock() else { return .busy }
    // Whoever held the lock may have ended the session meanwhile.
    guard try isThere(file, at: place) else { return .gone }
    let status = try file.status()
    guard status.linkCount > 1 else { return .held(file) }
    // A commit gave the file a second name, and this one was left over: its bytes may be a blob's, or the journal's.
    // The session goes on with a copy.
    let copy = try commit.stageCopy(of: file, count: status.size)
    defer { commit.discard(copy) }
    try commit.publish(copy, at: Layout.Place(file: place.data, directory: place.directory, lasting: place.directory))
    // Whoever was quicker with the new file has the lease.
    guard let own = try openData(place) else { return .gone }
    guard try own.tryLock() else { return .busy }
    return try isThere(own, at: place) ? .held(own) : .gone
  }

  private func openData(_ place: UploadPlace) throws(FileError) -> (any OpenFile)? {
    do throws(FileError) {
      return try files.open(place.data, .readWrite)
    } catch  where error.reason == .absent {
      return nil
    }
  }

  /// Distribution ends its stamps by "Z". This, which means the same and which it reads as well, makes a session known
  /// as ours by the one file without which it is none, whatever else a power cut has taken.
  static let ownZone = "+00:00"

  private static func ownStamp(_ time: WallTime) -> String {
    WallTime(seconds: time.seconds).rfc3339.dropLast() + ownZone
  }

  /// What the session's directory tells of itself. In the boot that wrote it the latest hash state is believed, and all
  /// that the data file holds; in another one only the mark is, and hash states beyond it are claims, as they are after
  /// a sync that nobody saw the end of. A state beyond the data is passed over: what it stood for was cut off.
  ///
  /// Of a session that we never touched nothing is believed, and everything is kept: its states tell less than it may
  /// have acknowledged.
  private func loadProgress(
    of place: UploadPlace, _ algorithm: DigestAlgorithm, mark: RunningDigest?, isOurs: Bool, file: any OpenFile
  ) throws(FileError) -> IngestProgress {
    var progress = IngestProgress(file: file, running: RunningDigest(algorithm.function))
    progress.size = try file.status().size
    if let mark, mark.algorithm == algorithm, mark.byteCount <= progress.size {
      (progress.running, progress.offset) = (mark, mark.byteCount)
      (progress.syncedOffset, progress.markedOffset) = (mark.byteCount, mark.byteCount)
    }
    let note = try uploadNote(at: place)
    progress.isDoubted = note?.isSyncing ?? false
    if let note, note.boot == files.boot.boot {
      progress.isNoted = !note.isSyncing
      // A mark beyond the note was written by a process that died before its name was durable.
      progress.markedOffset = min(progress.markedOffset, note.offset)
    }
    let isForeign = !isOurs && mark == nil && note == nil
    let offsets = (try files.entries(place.hashStates(algorithm)) ?? []).compactMap { UInt64($0.name) }.sorted(by: >)
    var states: [RunningDigest] = []
    let wanted = isForeign ? 0 : progress.isNoted ? 1 : Self.claimsMax
    for offset in offsets where offset > progress.offset && offset <= progress.size && states.count < wanted {
      guard let bytes = try contents(of: place.hashState(algorithm, at: offset), atMost: 256),
        let state = RunningDigest(goState: bytes), state.algorithm == algorithm, state.byteCount == offset
      else { continue }
      states.append(state)
    }
    if !progress.isNoted, !isForeign {
      progress.claims = states.reversed()
    } else if let latest = states.first {
      (progress.running, progress.offset, progress.stateOffset) = (latest, latest.byteCount, latest.byteCount)
    }
    progress.staleStates = offsets.filter { $0 != progress.stateOffset }
    return progress
  }

  /// How many hash states are tried: Distribution keeps one for each chunk, and the latest are those that matter.
  private static let claimsMax = 32

  /// Whether the data file that is held still has its name; without it the session was ended by somebody else.
  func isThere(_ file: any OpenFile, at place: UploadPlace) throws(FileError) -> Bool {
    try files.status(place.data)?.inode == file.status().inode
  }

  /// Takes a session's lease again, with the digest where it was unless another process has gone on.
  func retakeUpload(
    _ place: UploadPlace, algorithm: DigestAlgorithm, before: IngestProgress
  ) throws(FileError) -> UploadRetaken {
    let file: any OpenFile
    switch try lease(place) {
    case .gone: return .gone
    case .busy: return .busy
    case .held(let held): file = held
    }
    // What this session remembers is what the directory tells, unless another process has gone on with it, or has begun
    // a sync of which nobody saw the end: that changes nothing of the data file.
    let note = try uploadNote(at: place)
    let isUntouched = note.map { $0.boot == files.boot.boot && !$0.isSyncing } ?? !before.isNoted
    guard isUntouched, !before.isSuspect, let leftAt = before.leftAt, try file.status() == leftAt else {
      return .held(try loadProgress(of: place, algorithm, mark: try mark(of: place), isOurs: false, file: file))
    }
    var progress = before
    progress.file = file
    progress.size = before.offset
    return .held(progress)
  }

  /// Removes a session's files. `startedat` goes last, so that a removal that was cut off is finished by a purge.
  func removeUpload(_ place: UploadPlace) throws(FileError) {
    _ = try commit.removeTree(place.directory, last: "startedat")
  }
}

extension RunningDigest {
  var algorithm: DigestAlgorithm {
    switch function {
    case .sha256: .sha256
    case .sha512: .sha512
    }
  }
}
