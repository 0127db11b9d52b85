// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryStorage
import GantryWorld

/// Removes uploads that nobody finished, in small steps, again and again.
///
/// Isolation: an actor on the first loop. At most one timer or one run exists at a time; ``stop()`` waits for the
/// step under way.
actor UploadPurger {
  /// Uploads per step: bounds how long one call of the storage takes.
  private static let stepMax = 64

  private let loop: any LoopExecutor
  private let clock: any WallClock
  private let storage: any StorageEngine
  private let purging: UploadPurging
  private let observer: (any RegistryObserver)?
  private var timer: (any LoopTimer)?
  private var running: LoopTask?
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

  /// No run begins any more, and the one under way has ended its step: after that nothing is asked of the storage.
  func stop() async {
    isStopped = true
    timer?.cancel()
    timer = nil
    await running?.value
  }

  /// One whole run.
  func run() async {
    guard !isStopped else { return }
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
      self?.assumeIsolated { $0.begin() }
    }
  }

  private func begin() {
    timer = nil
    running = spawn(on: loop) {
      await self.run()
      await self.planNext()
    }
  }

  private func planNext() {
    running = nil
    schedule(after: purging.interval)
  }
}
