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
  /// What became of a change.
  enum Outcome: Sendable {
    /// It is durable and applied; true when each of its records changed the tree. Or its condition did not hold: false.
    case applied(Bool)
    /// It is not in the journal, or cannot be relied on to be.
    case refused(FileError)
    /// The tree does not show it, or only some of its records; what it does not show counts for nothing.
    case unapplied(FileError)
  }

  /// Records that come into the journal together, are applied in their order, and are answered as one. After a power
  /// cut that came before the answer the first ones may be there without the others.
  struct Change: Sendable {
    var records: [JournalRecord]
    /// What has to hold before.
    var condition: Condition?

    init(_ records: JournalRecord..., provided condition: Condition? = nil) {
      self.init(records, provided: condition)
    }

    init(_ records: [JournalRecord], provided condition: Condition? = nil) {
      self.records = records
      self.condition = condition
    }

    var isRemoval: Bool { records.allSatisfy(\.isRemoval) }

    /// The content that waits in the staging directory, of which a change has one at most.
    var staged: StagedContent? {
      for record in records {
        if case .staged(let content) = record.content { return content }
      }
      return nil
    }
  }

  /// What has to hold in the tree for a change to be taken. Asked while nobody, in any process, adds one.
  typealias Condition = @Sendable (StoredTree) throws(FileError) -> Bool

  private struct Waiting: Sendable {
    var change: Change
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

  /// One batch holds no more changes, and no more than some megabytes of content with them.
  private static let batchMax = 64

  let segments: JournalSegments
  let staging: StagingArea
  private let tree: StoredTree
  private let world: World
  private let keeper: CheckpointKeeper
  let durability: Durability
  private let state = Mutex(State())

  init(
    tree: StoredTree, segments: JournalSegments, staging: StagingArea, world: World, durability: Durability,
    checkpointInterval: Duration
  ) {
    self.tree = tree
    self.segments = segments
    self.staging = staging
    self.world = world
    self.durability = durability
    keeper = CheckpointKeeper(
      Checkpoint(tree: tree, segments: segments), interval: checkpointInterval, workers: world.workers,
      on: world.loops[0])
  }

  /// Applies a change if the condition holds; durable at return, as far as the storage's durability says. Refused after
  /// ``stop()`` has begun. At a storage that keeps no journal another process may come between condition and change.
  func commit(_ change: Change) async -> Outcome {
    guard durability == .strict else {
      return await world.workers.run { self.applyWithoutJournal(change) }
    }
    return await withUnsafeContinuation { continuation in
      let begins: Bool? = state.withLock { state in
        if state.isStopped { return nil }
        state.waiting.append(Waiting(change: change, resume: continuation))
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
    /// Changes for which the disk had no room, not answered yet.
    var withoutRoom: [Waiting]?

    mutating func note(_ changes: [Change]) {
      for record in changes.lazy.flatMap(\.records) {
        count += 1
        if case .inline(let content) = record.content { bytes += content.count }
      }
    }
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
    if !batch.allSatisfy(\.change.isRemoval) { try tree.commit.announce() }
    var written = Written()
    // Nobody is answered before the tree shows what is acknowledged and the turn is over: until then a death leaves the
    // entries to whoever has the next turn, who makes void what the tree does not show.
    let outcomes = try segments.exclusively(over: tree) { (turn) throws(FileError) in
      // Those of one batch do not depend on each other: what depends waits for its turn in the repository.
      var taken: [Bool] = []
      for waiting in batch { taken.append(try holds(waiting.change)) }
      let changes = zip(batch, taken).filter(\.1).map(\.0.change)
      if changes.isEmpty { return batch.map { _ in Outcome.applied(false) } }
      try segments.append(changes.flatMap(\.records), in: turn)
      written.note(changes)
      var outcomes = finish(turn, changes, as: changes.map { apply($0, .first) })[...]
      return taken.map { isTaken in isTaken ? outcomes.removeFirst() : .applied(false) }
    }
    for (waiting, outcome) in zip(batch, outcomes) { waiting.resume.resume(returning: outcome) }
    return written
  }

  // Ends a turn, and returns what may be answered: nothing is acknowledged that was made void, because the tree could
  // not be seen to show it, or that the next turn may make void, because this one could not be ended.
  private func finish(_ turn: JournalTurn, _ changes: [Change], as outcomes: [Outcome]) -> [Outcome] {
    let areWhole = zip(changes, outcomes).map { $1.isWhole($0) }
    do throws(FileError) {
      if areWhole.allSatisfy({ $0 }) {
        try turn.clearMark()
        return outcomes
      }
      // What was just applied is there, whether it can be read at this moment or not.
      let known = zip(changes, areWhole).flatMap { change, isWhole in change.records.map { _ in isWhole } }
      var counting = try segments.settle(turn, over: tree, applied: known)[...]
      var answers = outcomes
      for (index, change) in changes.enumerated() {
        let counts = counting.prefix(change.records.count)
        counting = counting.dropFirst(counts.count)
        let isVoid = counts.count < change.records.count || counts.contains(false)
        if areWhole[index], isVoid { answers[index] = .unapplied(unseen) }
        // Void by now: nothing needs the content.
        if let content = change.staged, counts.first == false { staging.discard(content) }
      }
      return answers
    } catch {
      tree.report("the journal's last entries are not settled, which is tried again with the next write: \(error)")
      return outcomes.map { if case .applied = $0 { .unapplied(error) } else { $0 } }
    }
  }

  private var unseen: FileError { FileError(.failed, operation: "read", path: tree.layout.repositories) }

  // Tries once more; what only takes something away is done without the journal, which is empty then.
  private func writeWithoutRoom(_ batch: [Waiting]) -> Written {
    do throws(FileError) {
      return try write(batch)
    } catch {
      let removals = batch.filter(\.change.isRemoval)
      refuse(batch.filter { !$0.change.isRemoval }, error)
      do throws(FileError) {
        try segments.exclusively(over: tree) { (_) throws(FileError) in
          guard try segments.isDurablyEmpty() else { throw error }
          for waiting in removals { waiting.resume.resume(returning: removeDurably(waiting.change)) }
        }
      } catch {
        refuse(removals, error)
      }
      return Written()
    }
  }

  private func holds(_ change: Change) throws(FileError) -> Bool {
    guard let condition = change.condition else { return true }
    return try condition(tree)
  }

  private func removeDurably(_ change: Change) -> Outcome {
    do throws(FileError) {
      guard try holds(change) else { return .applied(false) }
      var existed = true
      var syncs = RecordSyncs()
      for record in change.records {
        if try !tree.apply(record, .first) { existed = false }
        syncs.note(record, layout: tree.layout)
      }
      try syncs.advance(.max, in: tree.files)
      return .applied(existed)
    } catch {
      return .unapplied(error)
    }
  }

  private func refuse(_ batch: [Waiting], _ error: FileError) {
    for waiting in batch { waiting.resume.resume(returning: .refused(error)) }
  }

  private func applyWithoutJournal(_ change: Change) -> Outcome {
    defer { if let content = change.staged { staging.discard(content) } }
    do throws(FileError) {
      guard try holds(change) else { return .applied(false) }
    } catch {
      return .refused(error)
    }
    return apply(change, .withoutJournal)
  }

  // Nothing is applied after a record that could not be.
  private func apply(_ change: Change, _ application: RecordApplication) -> Outcome {
    do throws(FileError) {
      for record in change.records {
        guard try tree.apply(record, application) else { return .applied(false) }
      }
      return .applied(true)
    } catch {
      return .unapplied(error)
    }
  }

  // Makes the names of staged content durable, and refuses records whose name an earlier failure may have lost.
  private func syncStaged(_ batch: inout [Waiting]) throws(FileError) {
    guard batch.contains(where: { $0.change.staged != nil }) else { return }
    try staging.sync()
    batch.removeAll { waiting in
      guard let content = waiting.change.staged, !staging.isSure(of: content) else { return false }
      let error = FileError(.failed, operation: "fsync", path: tree.layout.staged(content))
      waiting.resume.resume(returning: .refused(error))
      return true
    }
  }
}

extension Journal.Outcome {
  /// Whether nothing of the change is in the journal that the tree does not show. Content that was nowhere is.
  fileprivate func isWhole(_ change: Journal.Change) -> Bool {
    switch self {
    case .applied(true): true
    case .applied(false): change.records.allSatisfy { $0.content == nil }
    case .refused, .unapplied: false
    }
  }
}
