// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryStorage
import GantryWorld
import Synchronization

/// Carries a session's bytes from its loop to one worker at a time, which writes and digests them while the loop reads
/// on.
///
/// Isolation: the owner's calls come from one task, one at a time; scripts run alone, one at a time. Both meet under
/// the lock, which is never held over a file operation or a digest.
final class IngestPipe: Sendable {
  private struct State {
    var arrivals: [[UInt8]] = []
    /// Bytes that arrived and are not written yet, those in a script's hands included.
    var pendingBytes = 0
    var spares: [[UInt8]] = []
    /// Whether a script runs or is about to. It alone touches `progress`.
    var isBusy = false
    var failure: StorageError?
    var waiter: (resume: UnsafeContinuation<Void, Never>, untilIdle: Bool)?
    var progress: IngestProgress
  }

  /// Above this an append waits.
  static let pendingBytesMax = 1 << 20
  /// From this on a script is worth its way to a worker and back; less waits for more, or for a flush.
  static let worthwhileBytes = 64 << 10
  /// Small arrivals are gathered up to this size, so that their number is bounded too.
  private static let gatheredBytesMax = 64 << 10
  /// One script takes no more, so that a fast client does not keep a worker for itself.
  private static let bytesPerScript = 4 << 20
  /// Enough for what may be pending at 256 KiB each and one in the caller's hands, so that a steady stream allocates
  /// nothing.
  private static let sparesMax = 6

  private let state: Mutex<State>
  private let keeper: UploadKeeper

  init(_ progress: IngestProgress, keeper: UploadKeeper) {
    state = Mutex(State(progress: progress))
    self.keeper = keeper
  }

  // MARK: The owner's side

  /// What the storage has, as of now. Settled only while no script runs.
  var progress: IngestProgress {
    get { state.withLock { $0.progress } }
    set { state.withLock { $0.progress = newValue } }
  }

  /// Whether an append has to wait.
  var isFull: Bool { state.withLock { $0.pendingBytes > Self.pendingBytesMax } }

  /// Whether bytes that arrived wait for a script.
  var isPending: Bool { state.withLock { $0.pendingBytes > 0 } }

  /// Takes bytes, returns an empty array for the next ones, and says whether ``drainSome()`` is to be started now.
  func enqueue(_ bytes: consuming [UInt8]) -> (spare: [UInt8], starts: Bool) {
    let count = bytes.count
    var spare: [UInt8]? = bytes
    let starts = state.withLock { state in
      state.pendingBytes += count
      if let last = state.arrivals.indices.last, state.arrivals[last].count + count <= Self.gatheredBytesMax {
        state.arrivals[last] += spare ?? []
      } else if let arrival = spare.take() {
        state.arrivals.append(arrival)
        spare = state.spares.popLast()
      }
      let starts = !state.isBusy && state.pendingBytes >= Self.worthwhileBytes
      if starts { state.isBusy = true }
      return starts
    }
    var emptied = spare.take() ?? []
    emptied.removeAll(keepingCapacity: true)
    return (emptied, starts)
  }

  /// Suspends until at most half of the pending bytes that make an append wait are left.
  func waitForRoom() async {
    await wait(untilIdle: false) { $0.pendingBytes <= Self.pendingBytesMax / 2 }
  }

  /// Suspends until no script runs.
  func waitUntilIdle() async {
    await wait(untilIdle: true) { _ in false }
  }

  /// The failure since the last call, once. Everything that was pending then is gone.
  func takeFailure() -> StorageError? {
    state.withLock { $0.failure.take() }
  }

  /// Makes the caller's next script the one that runs. No script may run.
  func claim() {
    state.withLock { state in
      precondition(!state.isBusy, "one script at a time")
      state.isBusy = true
    }
  }

  /// Forgets arrays kept for reuse.
  func dropSpares() {
    state.withLock { $0.spares = [] }
  }

  private func wait(untilIdle: Bool, _ condition: @Sendable (borrowing State) -> Bool) async {
    while !isMet(condition) {
      await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
        let isMetNow = state.withLock { state in
          if !state.isBusy || condition(state) { return true }
          state.waiter = (continuation, untilIdle)
          return false
        }
        if isMetNow { continuation.resume() }
      }
    }
  }

  private func isMet(_ condition: (borrowing State) -> Bool) -> Bool {
    state.withLock { !$0.isBusy || condition($0) }
  }

  // MARK: The worker's side

  /// Writes and digests arrivals until there are none, or enough for one script. True when another script has to go on.
  func drainSome() -> Bool {
    var progress = self.progress
    let isDrained: Bool
    do throws(FileError) {
      isDrained = try drain(&progress, atMost: Self.bytesPerScript)
      if !progress.isNoted { try keeper.note(&progress) }
    } catch {
      fail(error, &progress)
      return false
    }
    return state.withLock { state in
      state.progress = progress
      // Bytes may have arrived since; whoever brought them saw a script running and started none.
      if !isDrained || !state.arrivals.isEmpty { return true }
      Self.settle(&state)
      return false
    }
  }

  /// Writes and digests what is left, then runs `body` with what the storage has. The pipe was claimed. A failure that
  /// costs bytes is thrown, and kept for ``takeFailure()`` unless the owner is told of it at once.
  func drainAll<R>(
    isTold: Bool = true, _ body: (inout IngestProgress) throws(FileError) -> R
  ) throws(FileError) -> R {
    var progress = self.progress
    do throws(FileError) {
      _ = try drain(&progress, atMost: .max)
    } catch {
      fail(error, &progress, isTold: isTold)
      throw error
    }
    var failure: FileError?
    defer {
      state.withLock { state in
        state.progress = progress
        if let failure, !isTold, progress.isSuspect { state.failure = StorageError(failure) }
        Self.settle(&state)
      }
    }
    do throws(FileError) {
      return try body(&progress)
    } catch {
      failure = error
      throw error
    }
  }

  // True when nothing was left.
  private func drain(_ progress: inout IngestProgress, atMost limit: Int) throws(FileError) -> Bool {
    var taken = 0
    while taken < limit {
      var batch: [[UInt8]] = []
      state.withLock { state in swap(&batch, &state.arrivals) }
      if batch.isEmpty { return true }
      for index in batch.indices {
        let count = batch[index].count
        guard let file = progress.file else {
          throw FileError(.absent, operation: "write", path: "upload data, given back")
        }
        try file.write(batch[index], at: progress.offset)
        progress.running.update(batch[index])
        progress.offset += UInt64(count)
        taken += count
        var written: [UInt8] = []
        swap(&written, &batch[index])
        recycle(written)
        try keeper.passBytes(&progress)
      }
    }
    return false
  }

  private func recycle(_ written: consuming [UInt8]) {
    let count = written.count
    written.removeAll(keepingCapacity: true)
    var spare: [UInt8]? = written
    state.withLock { state in
      state.pendingBytes -= count
      if state.spares.count < Self.sparesMax, let kept = spare.take() { state.spares.append(kept) }
      if let waiter = state.waiter, !waiter.untilIdle, state.pendingBytes <= Self.pendingBytesMax / 2 {
        state.waiter = nil
        waiter.resume.resume()
      }
    }
  }

  // What was pending is lost: the owner learns of it and its offset goes back to what is in the storage.
  private func fail(_ error: FileError, _ progress: inout IngestProgress, isTold: Bool = false) {
    // A part of an arrival may have been written. When even the cut fails, the next write at this offset covers it, and
    // a commit cuts once more. A failed sync has cut already.
    if !progress.isSuspect { try? progress.file?.truncate(to: progress.offset) }
    progress.syncedOffset = min(progress.syncedOffset, progress.offset)
    let reached = progress
    state.withLock { state in
      state.arrivals = []
      state.pendingBytes = 0
      if !isTold { state.failure = StorageError(error) }
      state.progress = reached
      Self.settle(&state)
    }
  }

  private static func settle(_ state: inout State) {
    state.isBusy = false
    if let waiter = state.waiter {
      state.waiter = nil
      waiter.resume.resume()
    }
  }
}
