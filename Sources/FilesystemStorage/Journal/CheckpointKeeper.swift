// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// Decides when a checkpoint is made: some seconds after the first record, at once when the journal is long, and at the
/// end.
///
/// Waiting costs nothing but the length of a recovery, and saves syncs: the kernel has written most of it by then, and
/// what many records touch is synced once.
///
/// Isolation: an actor on the loop it is given, which owns its timer.
actor CheckpointKeeper {
  /// From so many records, or bytes of content in them, on a checkpoint is made at once.
  private static let recordsMax = 2048
  private static let bytesMax = 16 << 20
  /// So many times that, and whoever writes waits.
  private static let patience = 4

  private let checkpoint: Checkpoint
  /// How long the first record waits.
  private let interval: Duration
  private let workers: any Workers
  private let loop: any LoopExecutor
  private var timer: (any LoopTimer)?
  private var course: LoopTask?
  private var records = 0
  private var bytes = 0
  /// Whether the start left segments of dead processes behind.
  private var hasLegacy = false
  private var isStopped = false
  private var failure: FileError?

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(_ checkpoint: Checkpoint, interval: Duration, workers: any Workers, on loop: any LoopExecutor) {
    self.checkpoint = checkpoint
    self.interval = interval
    self.workers = workers
    self.loop = loop
  }

  /// So much more is in the journal. Returns when it is not too long for more, or why it stays too long.
  func note(_ count: Int, bytes added: Int) async -> FileError? {
    records += count
    bytes += added
    guard !isStopped else { return nil }
    if isLong(1) { begin() } else if records > 0 { wait() }
    guard isLong(Self.patience) else { return nil }
    for attempt in 0..<Self.attemptsMax {
      begin()
      await course?.value
      guard isLong(Self.patience) else { return nil }
      if let failure { return failure }
      // Another process is at it, and what it began before does not count for this one.
      if attempt < Self.attemptsMax - 1 { await pause() }
    }
    return checkpoint.isBusy
  }

  /// How many records, and bytes of content in them, wait for a checkpoint.
  var pending: (records: Int, bytes: Int) { (records, bytes) }

  /// The start could not make durable what dead processes left in the journal: it is tried again in a while.
  func noteLegacy() {
    hasLegacy = true
    if !isStopped { wait() }
  }

  /// Makes a checkpoint now.
  func makeRoom() async {
    await course?.value
    begin()
    await course?.value
  }

  /// Ends with a checkpoint that leaves no segment behind. Fails when another process does not come to the end of its
  /// own: then the journal may still name what this process has staged.
  func stop() async throws(FileError) {
    isStopped = true
    timer?.cancel()
    timer = nil
    await course?.value
    for _ in 0..<Self.attemptsMax {
      if try await run() { return }
      await pause()
    }
    throw checkpoint.isBusy
  }

  /// How often the end of another process's checkpoint is waited for.
  private static let attemptsMax = 200

  private func pause() async {
    await withUnsafeContinuation { continuation in
      _ = loop.clock.after(.milliseconds(50)) { continuation.resume() }
    }
  }

  private func isLong(_ factor: Int) -> Bool {
    records >= Self.recordsMax * factor || bytes >= Self.bytesMax * factor
  }

  private func wait() {
    guard timer == nil, course == nil else { return }
    timer = loop.clock.after(interval) { [self] in
      spawn(on: loop) { await self.ring() }
    }
  }

  private func ring() {
    timer = nil
    if !isStopped { begin() }
  }

  private func begin() {
    guard course == nil else { return }
    timer?.cancel()
    timer = nil
    course = spawn(on: loop) { await self.make() }
  }

  private func make() async {
    let (recordsBefore, bytesBefore) = (records, bytes)
    do throws(FileError) {
      if try await run() {
        failure = nil
        hasLegacy = false
        records -= recordsBefore
        bytes -= bytesBefore
      }
    } catch {
      // A disk that stays full is told of once.
      if failure?.reason != error.reason {
        checkpoint.tree.report("what the journal holds could not be made durable in place and stays in it: \(error)")
      }
      failure = error
    }
    course = nil
    if records > 0 || hasLegacy, !isStopped { wait() }
  }

  // False when another process is at it.
  private func run() async throws(FileError) -> Bool {
    let checkpoint = checkpoint
    guard
      var course = try await workers.run({ () throws(FileError) -> Checkpoint.Course? in try checkpoint.begin() })
    else { return false }
    do throws(FileError) {
      while !course.isSynced {
        let current = course
        course = try await workers.run { () throws(FileError) -> Checkpoint.Course in
          var next = current
          try checkpoint.advance(&next)
          return next
        }
      }
      let last = course
      try await workers.run { () throws(FileError) in try checkpoint.end(last) }
    } catch {
      let failed = course
      // The failure above is the one to tell; when this fails, too, the next start makes everything anew.
      try? await workers.run { () throws(FileError) in try checkpoint.abandon(failed) }
      throw error
    }
    return true
  }
}
