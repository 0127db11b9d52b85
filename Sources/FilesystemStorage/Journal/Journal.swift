// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld
import Synchronization

/// Makes changes of the tree durable: many with one sync.
///
/// A change is a record. Records that arrive while others are being written wait and then go into the journal
/// together, with one sync for all of them; after that they are applied to the tree, without any. So what is
/// acknowledged is durable in the journal, and a server that is killed leaves a whole tree. ``CheckpointKeeper`` makes
/// the tree itself durable behind, and the next start does what was left of that.
///
/// Isolation: ``commit(_:)`` is called by tasks of any loop. One script at a time writes, on a worker.
final class Journal: Sendable {
  /// What became of a record.
  enum Outcome: Sendable {
    /// It is durable and applied; true when that changed the tree. Or its condition did not hold: false.
    case applied(Bool)
    /// It is not in the journal, or cannot be relied on to be.
    case refused(FileError)
    /// It is in the journal, but the tree does not show it, or only a part.
    case unapplied(FileError)
  }

  /// What has to hold in the tree for a record to be taken. Asked while nobody, in any process, adds one.
  typealias Condition = @Sendable (StoredTree) throws(FileError) -> Bool

  private struct Waiting: Sendable {
    var record: JournalRecord
    var condition: Condition?
    var resume: UnsafeContinuation<Outcome, Never>
  }

  private struct State: Sendable {
    var waiting: [Waiting] = []
    /// Whether somebody writes, who will look at `waiting` before ending.
    var isWriting = false
    /// Whether nothing more is taken in.
    var isStopped = false
    var idle: UnsafeContinuation<Void, Never>?
    /// Why nothing more goes into the journal: it is too long, and what it holds cannot be made durable in place.
    var trouble: FileError?
  }

  /// One batch holds no more records, and no more than some megabytes of content with them.
  private static let batchMax = 64

  let segments: JournalSegments
  let staging: StagingArea
  private let tree: StoredTree
  private let world: World
  private let keeper: CheckpointKeeper
  let durability: Durability
  private let state = Mutex(State())

  init(tree: StoredTree, segments: JournalSegments, staging: StagingArea, world: World, durability: Durability) {
    self.tree = tree
    self.segments = segments
    self.staging = staging
    self.world = world
    self.durability = durability
    keeper = CheckpointKeeper(
      Checkpoint(tree: tree, segments: segments), workers: world.workers, on: world.loops[0])
  }

  /// Applies a change if the condition holds; durable at return, as far as the storage's durability says. Refused after
  /// ``stop()`` has begun. At a storage that keeps no journal another process may come between condition and change.
  func commit(_ record: JournalRecord, provided condition: Condition? = nil) async -> Outcome {
    guard durability == .strict else {
      return await world.workers.run { self.applyWithoutJournal(record, provided: condition) }
    }
    return await withUnsafeContinuation { continuation in
      let begins: Bool? = state.withLock { state in
        if state.isStopped { return nil }
        state.waiting.append(Waiting(record: record, condition: condition, resume: continuation))
        defer { state.isWriting = true }
        return !state.isWriting
      }
      guard let begins else {
        let error = FileError(.failed, operation: "append", path: tree.layout.journal)
        return continuation.resume(returning: .refused(error))
      }
      if begins { spawn(on: world.currentLoop) { await self.writeAll() } }
    }
  }

  /// What is in the journal now was left by dead processes and waits for a checkpoint.
  func noteLegacy() async { await keeper.noteLegacy() }

  /// How many records of this process, and bytes of content in them, are in the journal and wait for a checkpoint.
  var pending: (records: Int, bytes: Int) { get async { await keeper.pending } }

  /// Waits for what is being written, then makes the tree durable and leaves nothing of it behind in the journal.
  func stop() async throws(FileError) {
    await withUnsafeContinuation { continuation in
      let isIdle = state.withLock { state in
        state.isStopped = true
        if state.isWriting { state.idle = continuation }
        return !state.isWriting
      }
      if isIdle { continuation.resume() }
    }
    defer { segments.letGo() }
    try await keeper.stop()
  }

  private func writeAll() async {
    while true {
      var written = await world.workers.run { self.writeSome() }
      if let full = written.withoutRoom {
        // A checkpoint gives the room back that the journal itself takes.
        await keeper.makeRoom()
        written = await world.workers.run { self.writeWithoutRoom(full) }
      }
      // A journal that is too long makes everybody wait for its checkpoint.
      let trouble = await keeper.note(written.count, bytes: written.bytes)
      let isDone = state.withLock { state in
        state.trouble = trouble
        if !state.waiting.isEmpty { return false }
        state.isWriting = false
        state.idle?.resume()
        state.idle = nil
        return true
      }
      if isDone { return }
    }
  }

  // MARK: In a script

  private struct Written: Sendable {
    var count = 0
    var bytes = 0
    /// Records for which the disk had no room, not answered yet.
    var withoutRoom: [Waiting]?
  }

  private func writeSome() -> Written {
    var (batch, trouble) = state.withLock { state in
      defer { state.waiting.removeFirst(min(Self.batchMax, state.waiting.count)) }
      return (Array(state.waiting.prefix(Self.batchMax)), state.trouble)
    }
    do throws(FileError) {
      if let trouble { throw trouble }
      try syncStaged(&batch)
    } catch {
      refuse(batch, error)
      return Written()
    }
    do throws(FileError) {
      return batch.isEmpty ? Written() : try write(batch)
    } catch  where error.reason == .noSpace {
      return Written(withoutRoom: batch)
    } catch {
      refuse(batch, error)
      return Written()
    }
  }

  private func write(_ batch: [Waiting]) throws(FileError) -> Written {
    // What is in the journal has to be applied, which makes temporary files unless it only takes something away.
    if !batch.allSatisfy(\.record.isRemoval) { try tree.commit.announce() }
    return try segments.exclusively { () throws(FileError) in
      // Those of one batch do not depend on each other: what depends waits for its turn in the repository.
      var (taken, declined): ([Waiting], [Waiting]) = ([], [])
      for waiting in batch {
        if try holds(waiting) { taken.append(waiting) } else { declined.append(waiting) }
      }
      if !taken.isEmpty { try segments.append(taken.map(\.record)) }
      for waiting in declined { waiting.resume.resume(returning: .applied(false)) }
      var written = Written(count: taken.count)
      for waiting in taken {
        waiting.resume.resume(returning: apply(waiting.record, .first))
        if case .inline(let content) = waiting.record.content { written.bytes += content.count }
      }
      return written
    }
  }

  // Tries once more; what only takes something away is done without the journal, which is empty then.
  private func writeWithoutRoom(_ batch: [Waiting]) -> Written {
    do throws(FileError) {
      return try write(batch)
    } catch {
      let removals = batch.filter(\.record.isRemoval)
      refuse(batch.filter { !$0.record.isRemoval }, error)
      do throws(FileError) {
        try segments.exclusively { () throws(FileError) in
          guard try segments.isEmpty() else { throw error }
          for waiting in removals { waiting.resume.resume(returning: removeDurably(waiting)) }
        }
      } catch {
        refuse(removals, error)
      }
      return Written()
    }
  }

  private func holds(_ waiting: Waiting) throws(FileError) -> Bool {
    guard let condition = waiting.condition else { return true }
    return try condition(tree)
  }

  private func removeDurably(_ waiting: Waiting) -> Outcome {
    let record = waiting.record
    do throws(FileError) {
      guard try holds(waiting) else { return .applied(false) }
      let existed = try tree.apply(record, .first)
      var syncs = RecordSyncs()
      syncs.note(record, layout: tree.layout)
      try syncs.advance(.max, in: tree.files)
      return .applied(existed)
    } catch {
      return .unapplied(error)
    }
  }

  private func refuse(_ batch: [Waiting], _ error: FileError) {
    for waiting in batch { waiting.resume.resume(returning: .refused(error)) }
  }

  private func applyWithoutJournal(_ record: JournalRecord, provided condition: Condition?) -> Outcome {
    defer { if case .staged(let content) = record.content { staging.discard(content) } }
    do throws(FileError) {
      if let condition, try !condition(tree) { return .applied(false) }
    } catch {
      return .refused(error)
    }
    return apply(record, .withoutJournal)
  }

  private func apply(_ record: JournalRecord, _ application: RecordApplication) -> Outcome {
    do throws(FileError) {
      return .applied(try tree.apply(record, application))
    } catch {
      return .unapplied(error)
    }
  }

  // Makes the names of staged content durable, and refuses records whose name an earlier failure may have lost.
  private func syncStaged(_ batch: inout [Waiting]) throws(FileError) {
    func isStaged(_ waiting: Waiting) -> Bool {
      if case .staged = waiting.record.content { true } else { false }
    }
    guard batch.contains(where: isStaged) else { return }
    try staging.sync()
    batch.removeAll { waiting in
      guard case .staged(let content) = waiting.record.content, !staging.isSure(of: content) else { return false }
      let error = FileError(.failed, operation: "fsync", path: tree.layout.staged(content))
      waiting.resume.resume(returning: .refused(error))
      return true
    }
  }
}
