// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld
import Synchronization

/// The files of the journal: segments with ascending numbers, of which the last one grows.
///
/// All processes on a directory share them, so that what they write stands in one order: that of the last segment's
/// bytes. Whoever appends, rotates or replays holds the journal's lock.
///
/// Isolation: every call blocks and belongs in a script of a worker; safe from several at once.
final class JournalSegments: Sendable {
  /// One segment.
  struct Segment: Sendable, Hashable, Comparable {
    /// What may still happen to it.
    enum Phase: String, Sendable, CaseIterable {
      /// Entries are appended to it if it is the last one.
      case log
      /// It grows no more, because a checkpoint has begun with it.
      case closed
      /// It grows no more, and a sync failed that it, or some change it names, may have needed: each change has to be
      /// made anew before it is synced.
      case suspect
      /// As ``suspect``; and a recovery from a power cut has begun to apply it, so that what stands in place may be its
      /// doing.
      case replayed

      /// Whether each change has to be made anew before it is synced.
      var needsRenewal: Bool { self == .suspect || self == .replayed }
    }

    /// Ascends as long as any segment is there.
    var number: UInt64
    /// Drawn, so that nobody else's bytes pass for an entry.
    var nonce: UInt64
    var phase: Phase

    static func < (left: Segment, right: Segment) -> Bool { left.number < right.number }
  }

  private struct Growing: Sendable {
    var segment: Segment
    var file: any OpenFile
    var inode: UInt64
    /// Where the next entry goes: after the last whole one.
    var end: UInt64
    var isNameDurable: Bool
  }

  private let files: any Files
  private let layout: Layout
  private let commit: DurableCommit
  private let clock: any WallClock
  private let entropy: any Entropy
  private let report: @Sendable (String) -> Void
  private let reported = Mutex<Set<String>>([])
  private let lastTime = Mutex(WallTime(seconds: 0))
  private let growing = Mutex<Growing?>(nil)
  private let recovered = Atomic(false)
  /// The segment to which this process appends no more.
  private let spoilt = Atomic<UInt64>(0)

  init(
    files: any Files, layout: Layout, commit: DurableCommit, clock: any WallClock, entropy: any Entropy,
    report: @escaping @Sendable (String) -> Void
  ) {
    self.files = files
    self.layout = layout
    self.commit = commit
    self.clock = clock
    self.entropy = entropy
    self.report = report
  }

  /// Runs `body` while no other process, and nobody else in this one, does so; once all that is in the journal counts
  /// for what the tree shows (``settle(_:over:)``), so that whatever is decided by looking at the tree is decided
  /// rightly.
  func exclusively<R>(over tree: StoredTree, _ body: (JournalTurn) throws(FileError) -> R) throws(FileError) -> R {
    let lock: any OpenFile
    do throws(FileError) {
      lock = try files.open(layout.journalLock, .create(mode: DurableCommit.fileMode))
    } catch  where error.reason == .absent {
      try commit.makeDirectories(of: [Layout.Place(lasting: layout.journal, name: "append.lock")])
      lock = try files.open(layout.journalLock, .create(mode: DurableCommit.fileMode))
    }
    try lock.lock()
    defer { lock.unlock() }
    let turn = JournalTurn(lock: lock, boot: files.boot.boot)
    try settle(turn, over: tree)
    return try body(turn)
  }

  /// Makes void what the last turn left behind its mark and the tree does not show: entries that could not be applied,
  /// that could not be made durable, or whose process died over them. Nobody was told that they were done. If a power
  /// cut brought them to life, they would be without what was decided since by looking at a tree that did not show
  /// them. They are not applied now: nobody knows whether they are durable, and a registry without a journal may have
  /// written since.
  ///
  /// As long as it fails nothing more comes into the journal. Of `applied` entries, in their order, it is known that
  /// the tree shows them. Returns which of those behind the mark count, in their order.
  @discardableResult
  func settle(
    _ turn: JournalTurn, over tree: StoredTree, applied: [Bool] = []
  ) throws(FileError) -> [Bool] {
    guard let mark = try turn.mark() else { return [] }
    // What a boot has left that is over is applied again, and does not count for what the tree shows.
    if !isRecovered, try !tree.isLiving(mark.boot) { return [] }
    var counting: [Bool] = []
    if let segment = try all().first(where: { $0.number == mark.segment }), let file = try opened(segment, .readWrite) {
      var offsets: [UInt64] = []
      try read(file, segment, from: mark.offset) { (entry, offset) throws(FileError) in
        // One that is void already is made so again: its sync may have failed.
        let isKnown = counting.count < applied.count && applied[counting.count]
        let counts = entry.isVoid ? false : isKnown ? true : try tree.surelyShows(entry.record)
        if !counts { offsets.append(offset) }
        counting.append(counts)
      }
      for offset in offsets {
        let voiding = JournalFrame.voiding(offset)
        try file.write(voiding.bytes, at: voiding.offset)
      }
      // What was cut off comes back if that is not durable, and a sync that failed over it is not made up for by the
      // next: so something is written there that is no entry. Only behind all that there is: a mark that outlived a
      // power cut may point into the middle of what was written since.
      if counting.isEmpty, try file.status().size == mark.offset {
        try file.write([UInt8](repeating: 0, count: JournalFrame.headBytes), at: mark.offset)
      }
      try file.sync()
    }
    try turn.clearMark()
    return counting
  }

  /// Whether what boots that are over have left was seen to. From then on a mark of another boot is one of another
  /// machine that shares the directory.
  private var isRecovered: Bool { recovered.load(ordering: .acquiring) }

  /// Says that what boots that are over have left was seen to.
  func noteRecovery() { recovered.store(true, ordering: .releasing) }

  /// The segments that are there, in their order.
  func all() throws(FileError) -> [Segment] {
    try (files.entries(layout.journal) ?? []).compactMap { Layout.segment(named: $0.name) }.sorted()
  }

  /// Whether there is no entry, nor anything that could be one, after a power cut neither. Exclusively.
  func isDurablyEmpty() throws(FileError) -> Bool {
    for segment in try all() where try files.status(layout.segment(segment))?.size ?? 0 > 0 { return false }
    // The sync behind the removal of the last one may have failed, or is still to come.
    try files.syncDirectory(layout.journal)
    return true
  }

  /// Appends the records, durable at return, and marks them as unapplied until the turn's mark is cleared. After a
  /// failure none of them counts: they are cut off again, or the mark stays until they are void.
  func append(_ records: [JournalRecord], in turn: JournalTurn) throws(FileError) {
    var last = try lastOne()
    var bytes: [UInt8] = []
    let (boot, now) = (files.boot, latest())
    for record in records {
      bytes += JournalFrame.encode(
        JournalEntry(record: record, boot: boot, writtenAt: now, batch: last.end), in: last.segment,
        offset: last.end + UInt64(bytes.count))
    }
    try turn.mark(segment: last.segment.number, offset: last.end)
    do throws(FileError) {
      try last.file.write(bytes, at: last.end)
    } catch {
      takeBack(last, turn)
      throw error
    }
    do throws(FileError) {
      try last.file.sync()
      if !last.isNameDurable { try files.syncDirectory(layout.journal) }
    } catch {
      forget(last, turn)
      throw error
    }
    last.end += UInt64(bytes.count)
    last.isNameDurable = true
    growing.withLock { $0 = last }
  }

  /// Gives the descriptor back that appending keeps open.
  func letGo() {
    growing.withLock { $0 = nil }
  }

  /// Closes the segment that grows, and returns all that are there, none of which grows any more. Exclusively.
  func rotate() throws(FileError) -> [Segment] {
    var segments = try all()
    for index in segments.indices where segments[index].phase == .log {
      segments[index] = try turn(segments[index], .closed)
    }
    return segments
  }

  /// Passes every whole entry of a segment to `body`, in order. One that is torn, and what came with it, was never
  /// acknowledged; see ``JournalDamage`` for the other kind.
  func read(_ segment: Segment, _ body: (JournalEntry) throws(FileError) -> Void) throws(FileError) {
    guard let file = try opened(segment, .read) else { return }
    try read(file, segment, from: 0) { (entry, _) throws(FileError) in try body(entry) }
  }

  /// The boots under which the entries were written that are there. Needs no turn: a segment that another process
  /// renames between the list and the look is looked for again, rather than taken for none.
  func boots() throws(FileError) -> Set<String> {
    for _ in 0..<Self.looksMax {
      var boots: Set<String> = []
      var isMoved = false
      for segment in try all() where !isMoved {
        guard let file = try opened(segment, .read) else {
          isMoved = true
          continue
        }
        // Without a turn what somebody writes right now looks like damage.
        try read(file, segment, from: 0, reports: false) { (entry, _) throws(FileError) in
          boots.insert(entry.boot.boot)
        }
      }
      if !isMoved { return boots }
    }
    throw FileError(.failed, operation: "read", path: layout.journal + ", which others change all the time")
  }

  /// A segment is renamed three times at most and then removed, so each look that fails is one step of somebody else.
  private static let looksMax = 1000

  /// Removes a segment durably; those before it go first.
  func remove(_ segment: Segment) throws(FileError) {
    growing.withLock { if $0?.segment.number == segment.number { $0 = nil } }
    if try files.remove(layout.segment(segment)) { try files.syncDirectory(layout.journal) }
  }

  // The time of day, which never goes back: what is written later is never the older one.
  private func latest() -> WallTime {
    lastTime.withLock { last in
      last = max(last, clock.now)
      return last
    }
  }

  /// Marks all segments so that whoever syncs what they name makes it anew first. Exclusively.
  func suspectAll() throws(FileError) {
    for segment in try all() where !segment.phase.needsRenewal { _ = try turn(segment, .suspect) }
  }

  /// Marks all segments as such that a recovery applies, durably: whoever makes a second attempt knows. Exclusively.
  func noteReplay() throws(FileError) -> [Segment] {
    var segments = try all()
    for index in segments.indices where segments[index].phase != .replayed {
      segments[index] = try turn(segments[index], .replayed)
    }
    try files.syncDirectory(layout.journal)
    return segments
  }

  // Not durable by itself: a power cut makes everything be done anew, whatever else its name says.
  private func turn(_ segment: Segment, _ phase: Segment.Phase) throws(FileError) -> Segment {
    var turned = segment
    turned.phase = phase
    try files.rename(layout.segment(segment), to: layout.segment(turned))
    return turned
  }

  private func opened(_ segment: Segment, _ access: FileAccess) throws(FileError) -> (any OpenFile)? {
    do throws(FileError) {
      return try files.open(layout.segment(segment), access)
    } catch  where error.reason == .absent {
      return nil
    }
  }

  // As above, with where each entry stands. Returns where the last whole one ends.
  @discardableResult
  private func read(
    _ file: any OpenFile, _ segment: Segment, from start: UInt64, reports: Bool = true,
    _ body: (JournalEntry, UInt64) throws(FileError) -> Void
  ) throws(FileError) -> UInt64 {
    var offset = start
    while true {
      switch try JournalFrame.look(at: offset, of: file, in: segment) {
      case .entry(let entry, let next):
        try body(entry, offset)
        offset = next
      case .end: return offset
      case .torn:
        guard let sound = try JournalDamage(file: file, segment: segment, offset: offset).end() else { return offset }
        if reports { reportDamage(to: segment, from: offset, to: sound) }
        offset = sound
      }
    }
  }

  // Once, however often it is read.
  private func reportDamage(to segment: Segment, from start: UInt64, to end: UInt64) {
    let text =
      "the journal \(layout.journal) is damaged between bytes \(start) and \(end) of segment \(segment.number): what was"
      + " acknowledged there and is not in its place is lost, and what follows is kept"
    if reported.withLock({ $0.insert(text).inserted }) { report(text) }
  }

  // The segment that grows, as this process left it or as another one did.
  private func lastOne() throws(FileError) -> Growing {
    guard let last = try all().last else { return try begin(1) }
    guard last.phase == .log, last.number != spoilt.load(ordering: .relaxed) else { return try begin(last.number + 1) }
    let path = layout.segment(last)
    let inode = try files.status(path)?.inode
    var found: Growing
    if let known = growing.withLock({ $0 }), known.segment.number == last.number, known.inode == inode {
      found = known
    } else {
      let file = try files.open(path, .readWrite)
      found = Growing(
        segment: last, file: file, inode: try file.status().inode, end: 0, isNameDurable: false)
    }
    let size = try found.file.status().size
    if size == 0 {
      // Its name may have been lost in a sync of another process that failed: an entry comes under a new one.
      _ = try files.remove(path)
      return try begin(last.number + 1)
    }
    if size != found.end {
      found.end = try read(found.file, found.segment, from: found.end) { (_, _) throws(FileError) in }
      // What a process left behind that was killed while it wrote.
      if found.end < size { try found.file.truncate(to: found.end) }
    }
    return found
  }

  private func begin(_ number: UInt64) throws(FileError) -> Growing {
    if spoilt.load(ordering: .relaxed) == number { spoilt.store(0, ordering: .relaxed) }
    let nonce = entropy.bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let segment = Segment(number: number, nonce: nonce, phase: .log)
    let file = try files.open(layout.segment(segment), .createNew(mode: DurableCommit.fileMode))
    return Growing(segment: segment, file: file, inode: try file.status().inode, end: 0, isNameDurable: false)
  }

  // A part of the entries may have been written, and may come to the disk by itself.
  private func takeBack(_ last: Growing, _ turn: JournalTurn) {
    do throws(FileError) {
      try last.file.truncate(to: last.end)
      try last.file.sync()
      try turn.clearMark()
    } catch {
      // The mark stays, and the next turn sees to it.
      growing.withLock { $0 = nil }
      spoilt.store(last.segment.number, ordering: .relaxed)
    }
  }

  // Entries whose sync failed may be lost although they can be read, and everything behind them would be lost with
  // them; or they are durable all the same. So they are cut off, and nothing more goes into this segment.
  private func forget(_ last: Growing, _ turn: JournalTurn) {
    takeBack(last, turn)
    growing.withLock { $0 = nil }
    spoilt.store(last.segment.number, ordering: .relaxed)
    // Where this fails, the number above still keeps this process from using it; a disk that takes no name takes no
    // entry of another process.
    _ = try? self.turn(last.segment, .suspect)
  }
}
