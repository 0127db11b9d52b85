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
    /// The boots of other machines whose files were taken to stand in place.
    fileprivate var trusted: Set<String>
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
  /// What a machine has written that shares the directory and went down since is applied again.
  func begin() throws(FileError) -> Course? {
    guard let lock = try CheckpointLock(tree) else { return nil }
    let (closed, trusted) = try segments.exclusively(over: tree) { (_) throws(FileError) in try close() }
    return try course(over: closed, trusting: trusted, holding: lock)
  }

  /// Goes on with some of the syncs.
  func advance(_ course: inout Course) throws(FileError) {
    try course.syncs.advance(Self.syncsPerScript, in: tree.files)
  }

  /// Removes the segments, all of which are durable in place now, and what they alone needed. Fails when a machine went
  /// down meanwhile whose files were taken to stand there.
  func end(_ course: Course) throws(FileError) {
    if course.trusted.isEmpty {
      for segment in course.segments { try segments.remove(segment) }
    } else {
      try segments.exclusively(over: tree) { (_) throws(FileError) in
        for boot in course.trusted.sorted() where try !tree.isLiving(boot) {
          throw FileError(
            .failed, operation: "fsync", path: tree.layout.journal + ", written by a machine that is gone")
        }
        for segment in course.segments { try segments.remove(segment) }
      }
    }
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
      try applyAnew(try segments.all(), living(of: segments.boots()))
    }
  }

  /// What a start does with a journal that was left: after a power cut everything in it is applied again; after a kill
  /// what stands in place counts. In both cases it is synced and removed.
  func recover() throws(FileError) -> Recovery {
    guard let lock = try CheckpointLock(tree) else {
      return try segments.exclusively(over: tree) { (_) throws(FileError) in
        try isForeign() ? .awaited : .leftToOthers
      }
    }
    let (closed, trusted) = try segments.exclusively(over: tree) { (turn) throws(FileError) in
      let closed = try close()
      // One of another boot: all that it stood for is applied.
      if try turn.mark() != nil { try turn.clearMark() }
      return closed
    }
    var course = try course(over: closed, trusting: trusted, holding: lock)
    do throws(FileError) {
      while !course.isSynced { try advance(&course) }
      try end(course)
    } catch {
      // The failure above is the one to tell; when this fails, too, whoever is next makes everything anew.
      try? abandon(course)
      throw error
    }
    return .done
  }

  // Closes all segments. What they name stands in place afterwards, and can be synced. Returns the boots of other
  // machines, too, on which that relies.
  private func close() throws(FileError) -> (closed: [JournalSegments.Segment], trusted: Set<String>) {
    let boots = try segments.boots()
    let living = try living(of: boots)
    let before = try segments.all()
    // Somebody has begun to apply it again and did not come to the end: a link may be gone that is to be put back, also
    // one that a boot wrote under which somebody lives by now.
    let isHalfDone = before.contains { $0.phase == .replayed }
    guard isHalfDone || !boots.isSubset(of: living) else {
      try suspectUnfinished()
      let closed = try segments.rotate()
      try applyAnew(closed, living)
      return (closed, boots.subtracting([tree.files.boot.boot]))
    }
    let standing = isHalfDone ? [] : living
    // Only what is known of the first attempt tells a tag that another registry has moved from one that an attempt of
    // ours has moved halfway.
    let written = isHalfDone ? LinksWrittenSince() : try LinksWrittenSince(before, segments: segments, tree: tree)
    let closed = try segments.noteReplay()
    try forEach(closed, .afterPowerCut, standing) { (_, entry) throws(FileError) in
      if standing.contains(entry.boot.boot) || written.contains(entry.record, layout: tree.layout) { return false }
      for directory in tree.lasting(entry.record) { try tree.commit.makeLasting(directory) }
      return true
    }
    // What an attempt of this boot has put in place may have met a sync that failed; and so may entries of living
    // boots.
    try applyAnew(closed, living, except: before.filter { $0.phase == .log }.map(\.number))
    return (closed, boots.intersection(standing).subtracting([tree.files.boot.boot]))
  }

  private func applyAnew(
    _ closed: [JournalSegments.Segment], _ living: Set<String>, except spared: [UInt64] = []
  ) throws(FileError) {
    func isMeant(_ segment: JournalSegments.Segment) -> Bool {
      segment.phase.needsRenewal && !spared.contains(segment.number)
    }
    guard closed.contains(where: isMeant) else { return }
    try forEach(closed, .anew, living) { (segment, _) throws(FileError) in isMeant(segment) }
  }

  // Applies those entries of which the condition holds; of what a later one decides only what does not show.
  private func forEach(
    _ closed: [JournalSegments.Segment], _ application: RecordApplication, _ living: Set<String>,
    where condition: (JournalSegments.Segment, JournalEntry) throws(FileError) -> Bool
  ) throws(FileError) {
    let last = try LastRecords(closed, segments: segments, tree: tree, living: living)
    var count = 0
    for segment in closed {
      try segments.read(segment) { (entry) throws(FileError) in
        defer { count += 1 }
        guard try condition(segment, entry) else { return }
        let isDecided = entry.isVoid ? false : try last.decideOver(entry.record, count, application)
        if entry.isVoid || isDecided && last.removes(entry.record) {
          try tree.applyContent(of: entry.record, application)
        } else if isDecided {
          try tree.applyBeside(entry.record, application)
        } else {
          _ = try tree.apply(entry.record, application)
        }
      }
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
    let boots = try segments.boots()
    return try !boots.isSubset(of: living(of: boots))
  }

  private func living(of boots: Set<String>) throws(FileError) -> Set<String> {
    var living: Set<String> = []
    for boot in boots.sorted() where try tree.isLiving(boot) { living.insert(boot) }
    return living
  }

  // Segments that are closed already are those of a checkpoint that did not come to its end.
  private func suspectUnfinished() throws(FileError) {
    if try segments.all().contains(where: { $0.phase == .closed }) { try segments.suspectAll() }
  }

  private func course(
    over closed: [JournalSegments.Segment], trusting trusted: Set<String>, holding lock: CheckpointLock
  ) throws(FileError) -> Course {
    var syncs = RecordSyncs()
    for segment in closed {
      try segments.read(segment) { (entry) throws(FileError) in
        syncs.note(entry, layout: tree.layout)
      }
    }
    return Course(lock: lock, segments: closed, syncs: syncs, trusted: trusted)
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
