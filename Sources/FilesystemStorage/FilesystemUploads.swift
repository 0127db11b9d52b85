// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
public import GantryOCI
public import GantryStorage
public import GantryWorld

extension FilesystemStorage {
  /// See ``BlobIngesting/beginIngest(_:in:algorithm:)``. The directory of sessions is durable, the session is not: it
  /// may go with the power until its first sync point (``UploadKeeper``).
  public func beginIngest(
    _ id: UploadID, in repository: RepositoryName, algorithm: DigestAlgorithm
  ) async throws(StorageError) -> any IngestSession {
    // Distribution keeps whole seconds, and what a session tells of itself must not change when it is resumed.
    let startedAt = WallTime(seconds: world.clock.now.seconds)
    let place = tree.layout.upload(id, in: repository)
    let uploads = tree.layout.uploads(in: repository)
    let file = try await script { (tree) throws(FileError) in
      try tree.commit.makeLasting(uploads)
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
    let progress = try await takeUp(upload.progress, by: keeper(of: place, upload.algorithm))
    return FilesystemIngestSession(
      storage: self, id: id, repository: repository, startedAt: upload.startedAt, algorithm: upload.algorithm,
      progress: progress)
  }

  /// What keeps a session of that algorithm.
  func keeper(of place: UploadPlace, _ algorithm: DigestAlgorithm) -> UploadKeeper {
    UploadKeeper(tree: tree, place: place, algorithm: algorithm, syncBytes: uploadSyncBytes)
  }

  /// Brings a session that was found to where it stands: all that the file holds, or, when the power may have been cut
  /// since it was written, as much as a hash state vouches for.
  func takeUp(_ found: IngestProgress, by keeper: UploadKeeper) async throws(StorageError) -> IngestProgress {
    // Nothing was written yet.
    if found.size == 0, found.staleStates.isEmpty {
      var fresh = found
      (fresh.claims, fresh.isDoubted) = (nil, false)
      return fresh
    }
    guard let claims = found.claims else {
      let reached = try await catchUp(found)
      return reached.isNoted ? reached : try await adopted(reached, by: keeper)
    }
    if found.isDoubted {
      var offset = found.durableOffset
      while offset < found.size {
        let start = offset
        offset = try await script { (_) throws(FileError) in
          try keeper.rewrite(found, from: start, count: Self.bytesPerScript)
        }
      }
    }
    var (proven, current) = (found, found)
    for claim in claims {
      current.size = claim.byteCount
      current = try await catchUp(current)
      if current.running.goState == claim.goState {
        (proven.running, proven.offset, proven.stateOffset) = (current.running, current.offset, current.offset)
      }
    }
    return try await adopted(proven, by: keeper)
  }

  private func adopted(
    _ found: IngestProgress, by keeper: UploadKeeper
  ) async throws(StorageError) -> IngestProgress {
    try await script { (_) throws(FileError) in
      var progress = found
      try keeper.adopt(&progress)
      return progress
    }
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

  /// How many bytes of an upload a power cut may take, unless the settings say otherwise.
  public static let uploadSyncBytesDefault: UInt64 = 16 << 20

  /// How many bytes one script digests at most, so that it takes a few milliseconds.
  static let bytesPerScript: UInt64 = 4 << 20

  /// See ``BlobIngesting/purgeIngests(startedBefore:from:limit:dryRun:)``. A directory is taken for a session when its
  /// name is a UUID. One without a legible `startedat`, which Distribution leaves for ever, is as old as its latest
  /// change.
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
