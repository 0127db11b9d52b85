// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI
import GantryStorage
import GantryWorld

/// An upload session on disk. See ``IngestSession``.
///
/// The lease is the advisory lock on the data file. Bytes are written and digested by one script at a time while the
/// loop reads on; see ``IngestPipe``.
final class FilesystemIngestSession: IngestSession {
  private enum Stage {
    /// Bytes may be added.
    case open
    case over
  }

  let id: UploadID
  let repository: RepositoryName
  let algorithm: DigestAlgorithm
  let startedAt: WallTime
  private(set) var offset: UInt64
  private let storage: FilesystemStorage
  private let place: UploadPlace
  private let keeper: UploadKeeper
  private let pipe: IngestPipe
  private var stage = Stage.open
  private var isHeld = true

  /// A session whose lease is held by `progress`.
  init(
    storage: FilesystemStorage, id: UploadID, repository: RepositoryName, startedAt: WallTime,
    algorithm: DigestAlgorithm, progress: IngestProgress
  ) {
    self.storage = storage
    self.id = id
    self.repository = repository
    self.startedAt = startedAt
    self.algorithm = algorithm
    place = storage.tree.layout.upload(id, in: repository)
    keeper = storage.keeper(of: place, algorithm)
    pipe = IngestPipe(progress, keeper: keeper)
    offset = progress.offset
  }

  func acquire() async throws(StorageError) {
    try await takeLease()
    await settle()
  }

  private func takeLease() async throws(StorageError) {
    switch stage {
    case .open: break
    case .over: throw .sessionGone
    }
    guard !isHeld else { return }
    let (place, algorithm, before) = (place, algorithm, pipe.progress)
    let found = try await storage.script { (tree) throws(FileError) in
      try tree.retakeUpload(place, algorithm: algorithm, before: before)
    }
    switch found {
    case .gone:
      stage = .over
      throw .sessionGone
    case .busy: throw .sessionBusy
    case .held(let progress): pipe.progress = try await storage.takeUp(progress, by: keeper)
    }
    isHeld = true
    offset = pipe.progress.offset
  }

  func append(_ bytes: consuming [UInt8]) async throws(StorageError) -> [UInt8] {
    let expected = offset
    try await takeLease()
    try throwFailure()
    guard offset == expected else { throw .sessionBusy }
    guard !bytes.isEmpty else { return bytes }
    offset += UInt64(bytes.count)
    let (spare, starts) = pipe.enqueue(bytes)
    if starts {
      let (pipe, workers) = (pipe, storage.world.workers)
      spawn(on: storage.world.currentLoop) {
        while await workers.run({ pipe.drainSome() }) {}
      }
    }
    if pipe.isFull {
      await pipe.waitForRoom()
      try throwFailure()
    }
    return spare
  }

  func flush() async throws(StorageError) {
    try await takeLease()
    let keeper = keeper
    let isSaved = try await finishing { (_, progress) throws(FileError) in try keeper.save(&progress) }
    guard isSaved else {
      stage = .over
      letGo()
      throw .sessionGone
    }
  }

  func release() async {
    guard isHeld, case .open = stage else { return }
    await pipe.waitUntilIdle()
    do throws(StorageError) {
      // A flush has left nothing to be written, as a rule.
      if pipe.isPending { try await finishing { (_, _) throws(FileError) in } } else { try throwFailure() }
    } catch {
      // Bytes that were not flushed may be lost; `offset` says so.
    }
    if isHeld { letGo() }
  }

  func commit(as digest: Digest) async throws(StorageError) {
    guard case .open = stage else { throw .sessionGone }
    try await takeLease()
    let other = digest.algorithm == algorithm ? nil : try await digestAgain(by: digest.algorithm)
    let commit = UploadCommit(
      place: place, digest: digest, repository: repository, otherDigest: other,
      durability: storage.journal.durability, known: storage.knownContents)
    switch try await prepare(commit) {
    case .ready(let record):
      do throws(StorageError) {
        try await storage.change(Journal.Change(record))
      } catch {
        // The journal may hold the data file by now, under another name: whoever goes on takes the lease anew, and with
        // it a copy if need be.
        letGo()
        throw error
      }
      await endCommitted()
      storage.recentLinks.note(digest, in: repository)
    case .mismatch(let actual):
      stage = .over
      letGo()
      throw .digestMismatch(expected: digest, actual: actual)
    case .gone:
      stage = .over
      letGo()
      throw .sessionGone
    }
  }

  private func prepare(_ commit: UploadCommit) async throws(StorageError) -> UploadCommit.Outcome {
    let staging = storage.journal.staging
    var replaces = false
    while true {
      let isDamaged = replaces
      let step = try await finishing { (tree, progress) throws(FileError) in
        try commit.prepare(in: tree, &progress, staging: staging, replaces: isDamaged)
      }
      switch step {
      case .done(let outcome): return outcome
      // Again, if another process replaces it meanwhile.
      case .compare(let comparison): replaces = try await !isWhole(comparison, as: commit.digest)
      }
    }
  }

  // Whether what stands is what was pushed. Where it is not, what was pushed is digested once more: it came in right,
  // and may have been damaged on this disk all the same.
  private func isWhole(_ comparison: ContentComparison, as digest: Digest) async throws(StorageError) -> Bool {
    var offset: UInt64 = 0
    while offset < comparison.status.size {
      let start = offset
      guard let next = try await storage.script({ (_) throws(FileError) in try comparison.advance(from: start) }) else {
        guard try await digestAgain(by: digest.algorithm) == digest else {
          throw .failed(
            FileError(.failed, operation: "read", path: place.data + ", which has other bytes than were written"))
        }
        storage.tree.report("the content of \(digest) is damaged and is replaced by what was pushed")
        return false
      }
      offset = next
    }
    storage.knownContents.note(digest, comparison.status)
    return true
  }

  // The blob is there whatever becomes of the session's files: what stays of them is purged.
  private func endCommitted() async {
    do throws(StorageError) {
      try await end()
    } catch {
      storage.tree.report("the upload \(place.directory) is committed but could not be removed: \(error)")
      letGo()
      stage = .over
    }
  }

  func abort() async throws(StorageError) {
    switch stage {
    case .over: return
    case .open:
      do throws(StorageError) {
        try await takeLease()
      } catch .sessionGone {
        return
      }
    }
    await pipe.waitUntilIdle()
    try await end()
  }
}

extension FilesystemIngestSession {
  // Waits for what is under way, then runs one script: the rest of the bytes, and `body`.
  private func finishing<R: Sendable>(
    _ body: @escaping @Sendable (StoredTree, inout IngestProgress) throws(FileError) -> R
  ) async throws(StorageError) -> R {
    await pipe.waitUntilIdle()
    try throwFailure()
    pipe.claim()
    let pipe = pipe
    defer {
      offset = pipe.progress.soundOffset
      if pipe.progress.isSuspect { letGo() }
    }
    return try await storage.script { (tree) throws(FileError) in
      try pipe.drainAll { (progress) throws(FileError) in try body(tree, &progress) }
    }
  }

  // Writes what is pending, with its hash state, so that what `offset` says outlives this process. A failure is left to
  // be thrown by the next append: whoever asks where the session stands did not send the bytes.
  private func settle() async {
    await pipe.waitUntilIdle()
    if pipe.isPending || pipe.progress.isUnsaved {
      pipe.claim()
      let (pipe, keeper) = (pipe, keeper)
      // The pipe keeps the failure when it costs bytes; a state that could not be saved is saved by the next flush.
      _ = try? await storage.script { (_) throws(FileError) in
        try pipe.drainAll(isTold: false) { (progress) throws(FileError) in try keeper.save(&progress) }
      }
    }
    offset = pipe.progress.soundOffset
  }

  private func throwFailure() throws(StorageError) {
    guard let failure = pipe.takeFailure() else { return }
    offset = pipe.progress.soundOffset
    // What is left is taken up again from the disk.
    if pipe.progress.isSuspect { letGo() }
    throw failure
  }

  private func digestAgain(by algorithm: DigestAlgorithm) async throws(StorageError) -> Digest {
    let written = try await finishing { (_, progress) throws(FileError) in progress }
    var again = IngestProgress(file: written.file, running: RunningDigest(algorithm.function))
    again.size = written.offset
    let running = try await storage.catchUp(again).running
    return Digest(algorithm: algorithm, bytes: running.finished())
  }

  private func end() async throws(StorageError) {
    let place = place
    try await storage.script { (tree) throws(FileError) in try tree.removeUpload(place) }
    letGo()
    stage = .over
  }

  // Gives descriptor, lock and spare memory back.
  private func letGo() {
    var progress = pipe.progress
    // Without it the next lease takes up what the disk tells.
    progress.leftAt = progress.isUnsaved ? nil : try? progress.file?.status()
    progress.file?.unlock()
    progress.file = nil
    pipe.progress = progress
    pipe.dropSpares()
    isHeld = false
  }
}

extension World {
  /// The loop that the calling task prefers, or any when it prefers none.
  var currentLoop: any LoopExecutor {
    let preferred = withUnsafeCurrentTask { $0?.unownedTaskExecutor }
    return loops.first { $0.asUnownedTaskExecutor() == preferred } ?? loops[0]
  }
}
