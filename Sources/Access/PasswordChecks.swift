// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryLimiting
import GantryPasswordHash
import GantryPatterns
import GantryWorld

/// Compares passwords with hashes on workers: a few at once, so that a flood of wrong passwords cannot take every
/// worker from the disk, and each pair once, however many requests of one client ask for it together.
///
/// Fair: addresses take turns, and of each only so many wait. Whoever floods delays nobody else's login by more than
/// the comparisons that are running.
///
/// Isolation: an actor on one loop; asked only for what is not cached.
actor PasswordChecks {
  /// What came of a comparison.
  enum Verdict: Sendable, Hashable {
    case right, wrong
    /// Too many wait already, of this address or of all.
    case busy
    /// The address had too many wrong passwords lately and has to wait for so long.
    case slowedDown(Duration)
  }

  private struct Job {
    var key: PasswordCache.Key
    var hash: BcryptHash
    var password: [UInt8]
    var origin: LoginOrigin?
  }

  private typealias Asker = UnsafeContinuation<Verdict, Never>

  private let loop: any LoopExecutor
  private let workers: any Workers
  private let brake: LoginBrake?
  private let runningMax: Int
  private let waitingMax: Int
  private let waitingPerAddressMax: Int
  private var running = 0
  private var waiting = 0
  /// What waits, by address. Logins without an address share the place of nil.
  private var queues: [NetworkAddress?: [Job]] = [:]
  /// The addresses that something waits of, in the order of their turns.
  private var turns: [NetworkAddress?] = []
  /// Who waits for the answer about a key.
  private var askers: [PasswordCache.Key: [Asker]] = [:]

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Compares at most `runningMax` pairs at once, while at most `waitingMax` more wait, of one address at most
  /// `waitingPerAddressMax`.
  init(
    workers: any Workers, brake: LoginBrake?, runningMax: Int, waitingMax: Int = 1024,
    waitingPerAddressMax: Int = 128, on loop: any LoopExecutor
  ) {
    self.workers = workers
    self.brake = brake
    self.runningMax = max(1, runningMax)
    self.waitingMax = waitingMax
    self.waitingPerAddressMax = waitingPerAddressMax
    self.loop = loop
  }

  /// Whether the password has the hash. `key` stands for the pair. Who asks for a pair that is being compared already
  /// shares its answer and is not counted as another attempt.
  func verdict(
    on password: [UInt8], _ hash: BcryptHash, key: PasswordCache.Key, from origin: LoginOrigin?
  ) async -> Verdict {
    await withUnsafeContinuation { asker in
      if askers[key] != nil {
        askers[key]?.append(asker)
        return
      }
      let place = origin?.address?.client
      guard waiting < waitingMax, queues[place, default: []].count < waitingPerAddressMax else {
        return asker.resume(returning: .busy)
      }
      if let origin, let pause = brake?.begin(origin.address, at: origin.now) {
        return asker.resume(returning: .slowedDown(pause))
      }
      askers[key] = [asker]
      if queues[place] == nil { turns.append(place) }
      queues[place, default: []].append(Job(key: key, hash: hash, password: password, origin: origin))
      waiting += 1
      startNext()
    }
  }

  private func startNext() {
    guard running < runningMax, let job = nextJob() else { return }
    running += 1
    let workers = workers
    spawn(on: loop) { [self] in
      let isRight = await workers.run { job.hash.matches(job.password) }
      await finish(job, isRight)
    }
  }

  /// Takes the next job of the address whose turn it is, which then waits behind the others.
  private func nextJob() -> Job? {
    guard !turns.isEmpty else { return nil }
    let place = turns.removeFirst()
    guard var queue = queues[place], !queue.isEmpty else { preconditionFailure("a turn without a job") }
    let job = queue.removeFirst()
    waiting -= 1
    if queue.isEmpty {
      queues[place] = nil
    } else {
      queues[place] = queue
      turns.append(place)
    }
    return job
  }

  private func finish(_ job: Job, _ isRight: Bool) {
    running -= 1
    startNext()
    if isRight { brake?.forgive(job.origin?.address) }
    for asker in askers.removeValue(forKey: job.key) ?? [] { asker.resume(returning: isRight ? .right : .wrong) }
  }
}
