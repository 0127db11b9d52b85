// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld
import Synchronization

/// Makes durable in place what the journal's segments name, and removes them.
///
/// Segments are shared by all processes, so whoever makes a checkpoint does so for everybody; one at a time does.
///
/// Isolation: every call blocks and belongs in a script of a worker.
struct Checkpoint: Sendable {
  /// A checkpoint under way.
  struct Course: Sendable {
    fileprivate var lock: CheckpointLock
    fileprivate var segments: [JournalSegments.Segment]
    fileprivate var syncs: RecordSyncs
    /// Whether there is nothing left to sync.
    var isSynced: Bool { syncs.count == 0 }
  }

  let tree: StoredTree
  let segments: JournalSegments

  /// What to tell when another process is at it for too long.
  var isBusy: FileError { FileError(.failed, operation: "lock", path: tree.layout.checkpointLock) }

  /// How many syncs one script does.
  private static let syncsPerScript = 32

  /// Begins with all that is in the journal now; nil when another process is at it. When an earlier checkpoint failed,
  /// or ended with its process, all of it is made anew first: a sync may have lost what the next one would not cover.
  func begin() throws(FileError) -> Course? {
    guard let lock = try CheckpointLock(tree) else { return nil }
    let closed = try segments.exclusively(over: tree) { (_) throws(FileError) in
      try suspectUnfinished()
      let closed = try segments.rotate()
      try applyAnew(closed)
      return closed
    }
    return try course(over: closed, holding: lock)
  }

  /// Goes on with some of the syncs.
  func advance(_ course: inout Course) throws(FileError) {
    try course.syncs.advance(Self.syncsPerScript, in: tree.files)
  }

  /// Removes the segments, all of which are durable in place now, and what they alone needed.
  func end(_ course: Course) throws(FileError) {
    for segment in course.segments { try segments.remove(segment) }
    for content in course.syncs.staged {
      // Removed by the next start otherwise.
      _ = try? tree.files.remove(tree.layout.staged(content))
    }
    course.lock.free()
  }

  /// Remembers on disk that a sync failed: whatever the journal names has to be made anew before it is synced, by
  /// whichever process. It is made anew now, too: what a failed sync has lost can be read only as long as it stays in
  /// memory.
  func abandon(_ course: Course) throws(FileError) {
    defer { course.lock.free() }
    try segments.exclusively(over: tree) { (_) throws(FileError) in
      try segments.suspectAll()
      try applyAnew(try segments.all())
    }
  }

  /// What a start does with a journal that was left: after a power cut everything in it is applied again; after a kill
  /// what stands in place counts. In both cases it is synced and removed.
  func recover() throws(FileError) -> Recovery {
    guard let lock = try CheckpointLock(tree) else { return try isForeign() ? .awaited : .leftToOthers }
    let closed = try segments.exclusively(over: tree) { (turn) throws(FileError) in
      let closed = try applyAgain()
      // One of another boot: all that it stood for is applied.
      if try turn.mark() != nil { try turn.clearMark() }
      return closed
    }
    var course = try course(over: closed, holding: lock)
    while !course.isSynced { try advance(&course) }
    try end(course)
    return .done
  }

  private func applyAgain() throws(FileError) -> [JournalSegments.Segment] {
    guard try isForeign() else {
      try suspectUnfinished()
      let closed = try segments.rotate()
      try applyAnew(closed)
      return closed
    }
    let boot = tree.files.boot.boot
    // Entries of living machines are applied, too: the order of all is what counts in the end. Only what is known of
    // the first attempt tells a tag that another registry has moved from one that an attempt of ours has moved halfway.
    let before = try segments.all()
    let written =
      before.contains { $0.phase == .replayed }
      ? LinksWrittenSince() : try LinksWrittenSince(before, segments: segments, tree: tree)
    let closed = try segments.noteReplay()
    let last = try LastRecords(closed, segments: segments, tree: tree)
    var count = 0
    for segment in closed {
      try segments.read(segment) { (entry) throws(FileError) in
        defer { count += 1 }
        guard entry.boot.boot != boot, !written.contains(entry.record, layout: tree.layout) else { return }
        if try last.decideOver(entry.record, count) { return try tree.applyContent(of: entry.record, .afterPowerCut) }
        for directory in tree.lasting(entry.record) { try tree.commit.makeLasting(directory) }
        try apply(entry, .afterPowerCut)
      }
    }
    // What an attempt of this boot has put in place may have met a sync that failed; and so may entries of this boot.
    try applyAnew(closed.filter { segment in before.contains { $0.number == segment.number && $0.phase != .log } })
    return closed
  }

  private func applyAnew(_ closed: [JournalSegments.Segment]) throws(FileError) {
    guard closed.contains(where: \.phase.needsRenewal) else { return }
    let last = try LastRecords(closed, segments: segments, tree: tree)
    var count = 0
    for segment in closed {
      try segments.read(segment) { (entry) throws(FileError) in
        defer { count += 1 }
        guard segment.phase.needsRenewal else { return }
        if try last.decideOver(entry.record, count) { return try tree.applyContent(of: entry.record, .anew) }
        try apply(entry, .anew)
      }
    }
  }

  private func apply(_ entry: JournalEntry, _ application: RecordApplication) throws(FileError) {
    if entry.isVoid {
      try tree.applyContent(of: entry.record, application)
    } else {
      _ = try tree.apply(entry.record, application)
    }
  }

  /// How far ``recover()`` came.
  enum Recovery: Sendable {
    /// Nothing is left in the journal that was there.
    case done
    /// A process that lives makes a checkpoint of what it and others wrote under this boot.
    case leftToOthers
    /// A process that lives does what has to be done after a power cut, before anything is served.
    case awaited
  }

  /// Whether there are entries of a boot that is over: a power cut may have taken what they stand for. Those of another
  /// machine that shares the directory are not, as long as a process lives there: what stands in place counts.
  func isForeign() throws(FileError) -> Bool {
    for boot in try segments.boots().sorted() where try !tree.isLiving(boot) { return true }
    return false
  }

  // Segments that are closed already are those of a checkpoint that did not come to its end.
  private func suspectUnfinished() throws(FileError) {
    if try segments.all().contains(where: { $0.phase == .closed }) { try segments.suspectAll() }
  }

  private func course(
    over closed: [JournalSegments.Segment], holding lock: CheckpointLock
  ) throws(FileError) -> Course {
    var syncs = RecordSyncs()
    for segment in closed {
      try segments.read(segment) { (entry) throws(FileError) in
        syncs.note(entry, layout: tree.layout)
      }
    }
    return Course(lock: lock, segments: closed, syncs: syncs)
  }
}

/// Held by whoever makes a checkpoint, until it is freed or the last reference goes.
private final class CheckpointLock: Sendable {
  private let file: Mutex<(any OpenFile)?>

  /// Nil when another process holds it, or another checkpoint of this one.
  init?(_ tree: StoredTree) throws(FileError) {
    let file = try tree.files.open(tree.layout.checkpointLock, .create(mode: DurableCommit.fileMode))
    guard try file.tryLock() else { return nil }
    self.file = Mutex(file)
  }

  func free() {
    file.withLock { $0 = nil }
  }
}
