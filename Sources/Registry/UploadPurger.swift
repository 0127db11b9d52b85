// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryStorage
import GantryWorld

/// Removes uploads that nobody finished, in small steps, again and again.
///
/// Isolation: an actor on the first loop. At most one timer or one run exists at a time; a run ends at the next step
/// after ``stop()``.
actor UploadPurger {
  /// Uploads per step: bounds how long one call of the storage takes.
  private static let stepMax = 64

  private let loop: any LoopExecutor
  private let clock: any WallClock
  private let storage: any StorageEngine
  private let purging: UploadPurging
  private let observer: (any RegistryObserver)?
  private var timer: (any LoopTimer)?
  private var isStopped = false

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(_ purging: UploadPurging, storage: any StorageEngine, world: World, observer: (any RegistryObserver)?) {
    self.purging = purging
    self.storage = storage
    self.observer = observer
    loop = world.loops[0]
    clock = world.clock
  }

  /// Plans the first run; `jitter` is a random number.
  func start(jitter: UInt64) {
    let range = purging.firstDelayMax.wholeNanoseconds
    schedule(after: .nanoseconds(Int64(clamping: range == 0 ? 0 : jitter % range)))
  }

  /// No run begins any more.
  func stop() {
    isStopped = true
    timer?.cancel()
    timer = nil
  }

  /// One whole run.
  func run() async {
    let now = clock.now
    let age = purging.age.components
    let cutoff = WallTime(seconds: now.seconds - age.seconds, nanoseconds: now.nanoseconds)
    var cursor: String?
    var removed = 0
    repeat {
      do {
        let step = try await storage.purgeIngests(
          startedBefore: cutoff, from: cursor, limit: Self.stepMax, dryRun: purging.isDryRun)
        removed += step.removed.count
        cursor = step.next
      } catch {
        observer?.purgeFailed(error)
        return
      }
    } while cursor != nil && !isStopped
    observer?.purged(uploads: removed, isDryRun: purging.isDryRun)
  }

  private func schedule(after delay: Duration) {
    guard !isStopped else { return }
    timer = loop.clock.after(delay) { [weak self] in
      guard let self else { return }
      spawn(on: self.loop) { await self.runAndPlanNext() }
    }
  }

  private func runAndPlanNext() async {
    timer = nil
    await run()
    schedule(after: purging.interval)
  }
}
