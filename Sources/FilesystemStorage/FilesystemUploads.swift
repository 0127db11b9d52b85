// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
public import GantryOCI
public import GantryStorage
public import GantryWorld

extension FilesystemStorage {
  /// See ``BlobIngesting/beginIngest(_:in:algorithm:)``. The repository's directory is durable, the session is not: one
  /// that nobody has written to may go with the power.
  public func beginIngest(
    _ id: UploadID, in repository: RepositoryName, algorithm: DigestAlgorithm
  ) async throws(StorageError) -> any IngestSession {
    // Distribution keeps whole seconds, and what a session tells of itself must not change when it is resumed.
    let startedAt = WallTime(seconds: world.clock.now.seconds)
    let place = tree.layout.upload(id, in: repository)
    let repositoryDirectory = tree.layout.repository(repository)
    let file = try await script { (tree) throws(FileError) in
      try tree.commit.makeLasting(repositoryDirectory)
      return try tree.beginUpload(place, startedAt: startedAt, algorithm: algorithm)
    }
    let progress = IngestProgress(file: file, running: RunningDigest(algorithm.function))
    return FilesystemIngestSession(
      storage: self, id: id, repository: repository, startedAt: startedAt, algorithm: algorithm, progress: progress)
  }

  /// See ``BlobIngesting/resumeIngest(_:in:)``. Takes up what Distribution began, too.
  public func resumeIngest(
    _ id: UploadID, in repository: RepositoryName
  ) async throws(StorageError) -> (any IngestSession)? {
    let place = tree.layout.upload(id, in: repository)
    let found = try await script { (tree) throws(FileError) in try tree.findUpload(place) }
    let upload: FoundUpload
    switch found {
    case .none: return nil
    case .busy: throw .sessionBusy
    case .held(let held): upload = held
    }
    let progress = try await catchUp(upload.progress)
    return FilesystemIngestSession(
      storage: self, id: id, repository: repository, startedAt: upload.startedAt, algorithm: upload.algorithm,
      progress: progress)
  }

  /// Digests what the file holds beyond the state, some in each script.
  func catchUp(_ progress: IngestProgress) async throws(StorageError) -> IngestProgress {
    var progress = progress
    guard let file = progress.file else { return progress }
    while progress.offset < progress.size {
      let current = progress
      progress = try await script { (_) throws(FileError) in
        var next = current
        next.running = try Self.digestOn(current.running, file: file, to: current.size)
        next.offset = next.running.byteCount
        return next
      }
    }
    return progress
  }

  /// Digests the next piece of a file, at most what a script should take, from where `running` stands.
  static func digestOn(
    _ running: RunningDigest, file: any OpenFile, to end: UInt64
  ) throws(FileError) -> RunningDigest {
    var running = running
    let stop = min(end, running.byteCount + bytesPerScript)
    while running.byteCount < stop {
      let piece = try file.read(Int(min(stop - running.byteCount, 256 << 10)), at: running.byteCount)
      guard !piece.isEmpty else {
        throw FileError(.failed, operation: "read", path: "upload data, shorter than it was")
      }
      running.update(piece)
    }
    return running
  }

  /// How many bytes one script digests at most, so that it takes a few milliseconds.
  static let bytesPerScript: UInt64 = 4 << 20

  /// See ``BlobIngesting/purgeIngests(startedBefore:from:limit:dryRun:)``. A directory is taken for a session when its
  /// name is a UUID and `startedat` can be read, as in Distribution.
  public func purgeIngests(
    startedBefore cutoff: WallTime, from cursor: String?, limit: Int, dryRun: Bool
  ) async throws(StorageError) -> PurgeStep {
    var purge = UploadPurge(cutoff: cutoff, cursor: cursor, isDryRun: dryRun)
    while true {
      let current = purge
      purge = try await script { (tree) throws(FileError) in
        var purge = current
        try purge.advance(in: tree, limit: limit)
        return purge
      }
      if purge.next == nil || purge.removed.count >= limit || purge.seen >= UploadPurge.seenMax {
        return PurgeStep(removed: purge.removed, next: purge.next)
      }
    }
  }
}

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
  /// The offset up to which the data file is durable.
  var syncedOffset: UInt64 = 0
  /// The offset that the hash state on disk stands for; nil when there is none.
  var stateOffset: UInt64?
  /// Hash states on disk that are of no use any more.
  var staleStates: [UInt64] = []
  /// Whether a sync of the data file failed: what lies beyond `syncedOffset` can be read and may never become durable.
  /// It has to be cut off and sent again.
  var isSuspect = false

  /// Bytes that the storage can vouch for.
  var soundOffset: UInt64 { isSuspect ? syncedOffset : offset }

  /// Makes the data durable up to `offset`.
  mutating func syncData(by commit: DurableCommit) throws(FileError) {
    guard let file, syncedOffset != offset || offset == 0 else { return }
    do throws(FileError) {
      try commit.sync(file)
    } catch {
      isSuspect = true
      // The kernel tells of lost pages once: whoever opens the file next would sync without an error and over nothing,
      // so what may be lost is cut off before the lease is let go. Where even that fails this session still knows.
      try? file.truncate(to: syncedOffset)
      throw error
    }
    syncedOffset = offset
  }
}

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
      try stamp.write(Array(WallTime(seconds: startedAt.seconds).rfc3339.utf8), at: 0)
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
    guard let file = try openData(place) else { return .none }
    guard try file.tryLock() else { return .busy }
    // Whoever held the lock may have ended the session meanwhile.
    guard try isThere(file, at: place) else { return .none }
    let entries = try files.entries(place.hashStates)?.map(\.name) ?? []
    let algorithm = entries.lazy.compactMap(DigestAlgorithm.init(name:)).first { $0 != .sha256 } ?? .sha256
    let progress = try loadProgress(of: place, algorithm: algorithm, file: file)
    return .held(FoundUpload(startedAt: startedAt, algorithm: algorithm, progress: progress))
  }

  private func openData(_ place: UploadPlace) throws(FileError) -> (any OpenFile)? {
    do throws(FileError) {
      return try files.open(place.data, .readWrite)
    } catch  where error.reason == .absent {
      return nil
    }
  }

  /// The latest hash state that the data file reaches; without one the digest begins anew. A state beyond the data is
  /// passed over: the data was lost with the power, or cut after a failed write.
  func loadProgress(
    of place: UploadPlace, algorithm: DigestAlgorithm, file: any OpenFile
  ) throws(FileError) -> IngestProgress {
    var progress = IngestProgress(file: file, running: RunningDigest(algorithm.function))
    progress.size = try file.status().size
    let names = try files.entries(place.hashStates(algorithm))?.map(\.name) ?? []
    let offsets = names.compactMap { UInt64($0) }.sorted(by: >)
    for offset in offsets where offset > 0 && offset <= progress.size && progress.stateOffset == nil {
      guard let bytes = try contents(of: place.hashState(algorithm, at: offset), atMost: 256),
        let state = RunningDigest(goState: bytes), state.function == algorithm.function, state.byteCount == offset
      else { continue }
      progress.running = state
      progress.offset = offset
      progress.stateOffset = offset
    }
    progress.staleStates = offsets.filter { $0 != progress.stateOffset }
    return progress
  }

  /// Writes the hash state for where `progress` stands and removes older ones. The data is synced before, because a
  /// state that outlives its data in a power cut would vouch for bytes that are not there. False when the session is
  /// gone.
  func saveProgress(
    _ progress: inout IngestProgress, of place: UploadPlace, algorithm: DigestAlgorithm
  ) throws(FileError) -> Bool {
    guard let file = progress.file, try isThere(file, at: place) else { return false }
    guard progress.offset > 0, progress.stateOffset != progress.offset else { return true }
    try progress.syncData(by: commit)
    let directory = place.hashStates(algorithm)
    let path = place.hashState(algorithm, at: progress.offset)
    let state: any OpenFile
    do throws(FileError) {
      state = try files.open(path, .create(mode: DurableCommit.fileMode))
    } catch  where error.reason == .absent {
      _ = try commit.makeVolatile(directory)
      state = try files.open(path, .create(mode: DurableCommit.fileMode))
    }
    try state.write(progress.running.goState, at: 0)
    if let old = progress.stateOffset { progress.staleStates.append(old) }
    progress.stateOffset = progress.offset
    for stale in progress.staleStates where stale != progress.offset {
      _ = try files.remove(place.hashState(algorithm, at: stale))
    }
    progress.staleStates = []
    return true
  }

  /// Whether the data file that is held still has its name; without it the session was ended by somebody else.
  func isThere(_ file: any OpenFile, at place: UploadPlace) throws(FileError) -> Bool {
    try files.status(place.data)?.inode == file.status().inode
  }

  /// Takes a session's lease again, with the digest where it was unless another process has gone on.
  func retakeUpload(
    _ place: UploadPlace, algorithm: DigestAlgorithm, before: IngestProgress
  ) throws(FileError) -> UploadRetaken {
    guard let file = try openData(place) else { return .gone }
    guard try file.tryLock() else { return .busy }
    guard try isThere(file, at: place) else { return .gone }
    if before.isSuspect { try file.truncate(to: before.syncedOffset) }
    guard !before.isSuspect, try file.status().size == before.offset else {
      return .held(try loadProgress(of: place, algorithm: algorithm, file: file))
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
