// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld

/// Does dear checks on workers: a few at once, so that a flood of wrong credentials cannot take every worker from the
/// disk, and each one once, however many requests of one client ask for it together.
///
/// Isolation: an actor on one loop; asked only for what is not cached.
actor CheckQueue<Answer: Sendable> {
  /// What stands for a check: equal keys are the same question.
  typealias Key = [UInt8]

  private struct Job {
    var key: Key
    var check: @Sendable () -> Answer
  }

  private let loop: any LoopExecutor
  private let workers: any Workers
  private let runningMax: Int
  private let waitingMax: Int
  private var running = 0
  private var queue: [Job] = []
  /// Who waits for the answer about a key; nil is answered where too many wait already.
  private var askers: [Key: [UnsafeContinuation<Answer?, Never>]] = [:]

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Does at most `runningMax` checks at once, while at most `waitingMax` more wait.
  init(workers: any Workers, runningMax: Int, waitingMax: Int, on loop: any LoopExecutor) {
    self.workers = workers
    self.runningMax = max(1, runningMax)
    self.waitingMax = waitingMax
    self.loop = loop
  }

  /// What the check says; nil when too many others wait.
  func answer(to key: Key, _ check: @escaping @Sendable () -> Answer) async -> Answer? {
    await withUnsafeContinuation { asker in
      if askers[key] != nil {
        askers[key]?.append(asker)
      } else if queue.count >= waitingMax {
        asker.resume(returning: nil)
      } else {
        askers[key] = [asker]
        queue.append(Job(key: key, check: check))
        startNext()
      }
    }
  }

  private func startNext() {
    guard running < runningMax, !queue.isEmpty else { return }
    let job = queue.removeFirst()
    running += 1
    let workers = workers
    spawn(on: loop) { [self] in
      let answer = await workers.run { job.check() }
      await finish(job.key, answer)
    }
  }

  private func finish(_ key: Key, _ answer: Answer) {
    running -= 1
    startNext()
    for asker in askers.removeValue(forKey: key) ?? [] { asker.resume(returning: answer) }
  }
}
