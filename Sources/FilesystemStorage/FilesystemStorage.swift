// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
public import GantryStorage
public import GantryWorld

/// The storage in a directory of a file system, in Distribution's layout: either registry can be stopped and the other
/// started on the same directory.
///
/// Everything acknowledged is durable first, unless ``Durability`` says less; see ``Journal`` for the way there and
/// ``Layout`` for the tree. Several processes may share the directory.
///
/// Isolation: safe from everywhere. Each operation suspends its caller once and runs as one script of a worker, except
/// watches, which are made for a loop, and long walks, which are cut into several scripts.
public final class FilesystemStorage: StorageEngine {
  let tree: StoredTree
  let journal: Journal
  let world: World
  let process: String
  /// Of the bytes that a flush of an upload acknowledged a power cut takes fewer than these.
  let uploadSyncBytes: UInt64
  let memory = ReferrersMemory()
  let recentLinks = RecentLinks()
  let knownContents = KnownContents()
  let tagLists = TagLists()
  let repositoryDirectories = RepositoryDirectories()
  let heldLinks: HeldLinks

  /// A storage below `root`, which ``start()`` makes when it is missing. `report` is told, in one sentence for the log,
  /// what was found damaged and passed over; it may be called from any thread. Of the bytes of an upload that were
  /// acknowledged a power cut takes fewer than `uploadSyncBytes`, none when that is 0. `checkpointInterval` after the
  /// first write at the latest the journal is emptied. Watches hold `heldLinksMax` links at most, each with a
  /// descriptor.
  public init(
    root: String, world: World, durability: Durability = .strict,
    uploadSyncBytes: UInt64 = FilesystemStorage.uploadSyncBytesDefault,
    checkpointInterval: Duration = FilesystemStorage.checkpointIntervalDefault,
    heldLinksMax: Int = FilesystemStorage.heldLinksDefault,
    report: @escaping @Sendable (String) -> Void
  ) {
    let (layout, files) = (Layout(root: root), world.files)
    heldLinks = HeldLinks(linksMax: heldLinksMax)
    self.uploadSyncBytes = uploadSyncBytes
    process = Layout.process(world.entropy.bytes(8), boot: files.boot.boot)
    let commit = DurableCommit(files: files, layout: layout, process: process)
    tree = StoredTree(files: files, layout: layout, commit: commit, clock: world.clock, report: report)
    journal = Journal(
      tree: tree,
      segments: JournalSegments(
        files: files, layout: layout, commit: commit, clock: world.clock, entropy: world.entropy, report: report),
      staging: StagingArea(files: files, layout: layout, commit: commit, process: process), world: world,
      durability: durability, checkpointInterval: checkpointInterval)
    self.world = world
  }

  /// How many links watches hold, unless the embedder says otherwise.
  public static let heldLinksDefault = 1024

  /// How long the journal's first record waits for a checkpoint, unless the settings say otherwise.
  public static let checkpointIntervalDefault = Duration.seconds(10)

  /// Makes the directories, removes what dead processes left on its way, and does what their journal still asks for.
  ///
  /// On a disk that is full or read-only, what is stored can be read afterwards, which is reported; writes fail, each
  /// for itself, until there is room again. Fails when there is nothing to read, or when a power cut may have taken
  /// what the journal holds and cannot be put in place.
  public func start() async throws(StorageError) {
    let (process, segments) = (process, journal.segments)
    while true {
      let outcome = try await script { (tree) throws(FileError) in
        try RecoveryScan(tree: tree, segments: segments, process: process).run()
      }
      if case .awaited = outcome {
        await pause()
        continue
      }
      segments.noteRecovery()
      switch outcome {
      case .ready, .awaited: return
      case .unwritable(let error):
        let reason = error.reason == .noSpace ? "no space is left" : "it may not be written"
        tree.report(
          "the storage serves reads alone until writes succeed again: \(reason) (\(error.operation) \(error.path))")
        if try await script({ (_) throws(FileError) in try !segments.all().isEmpty }) { await journal.noteLegacy() }
        return
      }
    }
  }

  /// Makes durable in place what the journal holds and leaves it empty, so that another registry can take over. What
  /// was acknowledged is safe even when this fails.
  public func stop() async throws(StorageError) {
    let (staging, segments) = (journal.staging, journal.segments)
    // A storage that never wrote leaves nothing to do, and may stand on a disk that takes nothing.
    let isIdle = try await script { (tree) throws(FileError) in
      if tree.commit.isAnnounced { return false }
      return try segments.all().isEmpty
    }
    if isIdle { return }
    do throws(FileError) {
      try await journal.stop()
    } catch {
      throw StorageError(error)
    }
    try await script { (tree) throws(FileError) in
      guard tree.commit.isAnnounced else { return }
      try staging.remove()
      try tree.commit.retire()
    }
  }

  private func pause() async {
    let loop = world.loops[0]
    await withUnsafeContinuation { continuation in
      spawn(on: loop) { _ = loop.clock.after(.milliseconds(50)) { continuation.resume() } }
    }
  }

  /// Changes the tree as the records say, durably, if the condition holds. True when there was something to change.
  @discardableResult
  func change(_ change: Journal.Change) async throws(StorageError) -> Bool {
    let missing = change.records.flatMap { tree.lasting($0) }.filter { !tree.commit.isLasting($0) }
    if !missing.isEmpty, journal.durability == .strict {
      do throws(StorageError) {
        try await script { (tree) throws(FileError) in
          for directory in missing { try tree.commit.makeLasting(directory) }
        }
      } catch {
        await discardStaged(of: change)
        throw error
      }
    }
    switch await journal.commit(change) {
    case .applied(true): return true
    case .applied(false):
      guard change.records.allSatisfy({ $0.content == nil }) else {
        throw .damaged("the content of a push left its place before it was linked: somebody else removed it")
      }
      return false
    case .refused(let error):
      await discardStaged(of: change)
      throw StorageError(error)
    case .unapplied(let error): throw StorageError(error)
    }
  }

  // The journal does not name it.
  private func discardStaged(of change: Journal.Change) async {
    guard let content = change.staged else { return }
    let staging = journal.staging
    await world.workers.run { staging.discard(content) }
  }

  /// How many records of this process, and bytes of content in them, are durable in the journal and not in their places
  /// yet.
  public func journalPending() async -> (records: Int, bytes: Int) { await journal.pending }

  /// Whether the directory is there.
  public func check() async throws(StorageError) {
    let isThere = try await script { (tree) throws(FileError) in
      try tree.files.status(tree.layout.repositories)?.isDirectory == true
    }
    guard isThere else {
      throw .failed(FileError(.absent, operation: "stat", path: tree.layout.repositories))
    }
  }

  /// Runs blocking work on a worker and says its failures in the storage's words.
  func script<R: Sendable>(
    _ body: @escaping @Sendable (StoredTree) throws(FileError) -> R
  ) async throws(StorageError) -> R {
    let tree = tree
    do throws(FileError) {
      return try await world.workers.run { () throws(FileError) -> R in try body(tree) }
    } catch {
      throw StorageError(error)
    }
  }
}

/// The tree as scripts see it.
///
/// Isolation: calls block and belong in a script of a worker.
struct StoredTree: Sendable {
  let files: any Files
  let layout: Layout
  let commit: DurableCommit
  let clock: any WallClock
  let report: @Sendable (String) -> Void

  /// Longest text that is read as a link: a sha512 digest and something to tell that more follows.
  static let linkBytesMax = 136

  /// The digest that a link holds; nil when there is none, or when it is torn, which is reported. Distribution before
  /// 3.0 wrote links in place, so a crash left them empty.
  func link(_ place: Layout.Place) throws(FileError) -> Digest? {
    guard let bytes = try contents(of: place.file, atMost: Self.linkBytesMax) else { return nil }
    do throws(DigestError) {
      return try Digest(parsing: String(decoding: bytes, as: UTF8.self))
    } catch {
      report("the link \(place.file) is damaged and taken as absent: \(bytes.isEmpty ? "it is empty" : "\(error)")")
      return nil
    }
  }

  /// As ``link(_:)`` for a link in a directory named after `digest`. It may name content of another algorithm (what
  /// Distribution 3 writes for sha512), but never other content of the same one.
  func link(_ place: Layout.Place, named digest: Digest) throws(FileError) -> Digest? {
    guard let content = try link(place) else { return nil }
    if content.algorithm == digest.algorithm, content != digest {
      report("the link \(place.file) is damaged and taken as absent: it names \(content)")
      return nil
    }
    return content
  }

  /// The first `limit` bytes of a file, or nil when there is none.
  func contents(of path: String, atMost limit: Int) throws(FileError) -> [UInt8]? {
    do throws(FileError) {
      return try files.open(path, .read).read(limit, at: 0)
    } catch  where error.reason == .absent {
      return nil
    }
  }

  /// The size of a digest's stored content, or nil when it is missing or torn.
  func size(of digest: Digest) throws(FileError) -> UInt64? {
    guard let status = try files.status(layout.blob(digest).file) else { return nil }
    return status.size == 0 && !digest.isOfNothing ? nil : status.size
  }

  /// The stored content of a digest with its size, or nil when it is missing or torn.
  func content(_ digest: Digest) throws(FileError) -> (file: any OpenFile, size: UInt64)? {
    let path = layout.blob(digest).file
    let file: any OpenFile
    do throws(FileError) {
      file = try files.open(path, .read)
    } catch  where error.reason == .absent {
      return nil
    }
    let size = try file.status().size
    if size == 0, !digest.isOfNothing {
      report("the content \(path) is damaged and taken as absent: it is empty")
      return nil
    }
    return (file, size)
  }
}
