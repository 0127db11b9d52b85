// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryPasswordHash
import GantryWorld

/// Compares passwords with hashes on workers: a few at once, so that a flood of wrong passwords cannot take every
/// worker from the disk, and each pair once, however many requests of one client ask for it together.
///
/// Isolation: an actor on one loop; asked only for what is not cached.
actor PasswordChecks {
  private struct Job {
    var key: PasswordCache.Key
    var hash: BcryptHash
    var password: [UInt8]
  }

  private let loop: any LoopExecutor
  private let workers: any Workers
  private let runningMax: Int
  private let waitingMax: Int
  private var running = 0
  private var queue: [Job] = []
  /// Who waits for the answer about a key; nil is answered where too many wait already.
  private var askers: [PasswordCache.Key: [UnsafeContinuation<Bool?, Never>]] = [:]

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Compares at most `runningMax` pairs at once, while at most `waitingMax` more wait.
  init(workers: any Workers, runningMax: Int, waitingMax: Int = 128, on loop: any LoopExecutor) {
    self.workers = workers
    self.runningMax = max(1, runningMax)
    self.waitingMax = waitingMax
    self.loop = loop
  }

  /// Whether the password has the hash; nil when too many others wait. `key` stands for the pair.
  func matches(_ password: [UInt8], _ hash: BcryptHash, key: PasswordCache.Key) async -> Bool? {
    await withUnsafeContinuation { asker in
      if askers[key] != nil {
        askers[key]?.append(asker)
      } else if queue.count >= waitingMax {
        asker.resume(returning: nil)
      } else {
        askers[key] = [asker]
        queue.append(Job(key: key, hash: hash, password: password))
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
      let isRight = await workers.run { job.hash.matches(job.password) }
      await finish(job.key, isRight)
    }
  }

  private func finish(_ key: PasswordCache.Key, _ isRight: Bool) {
    running -= 1
    startNext()
    for asker in askers.removeValue(forKey: key) ?? [] { asker.resume(returning: isRight) }
  }
}
