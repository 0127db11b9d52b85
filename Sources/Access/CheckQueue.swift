// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryLimiting
import GantryPatterns
import GantryWorld

/// Checks passwords or tokens on workers: a few at once, so that a flood of wrong ones cannot take every worker from
/// the disk, and each one once, however many requests of one client ask for it together.
///
/// Fair: sites and their clients take turns, and of each client only so many checks wait. Whoever floods delays the
/// check of somebody else by one of its own, and where too many wait it is the flood's that are sent away. What was
/// right lately goes first.
///
/// Isolation: an actor on one loop; asked only for what is not cached.
actor CheckQueue<Answer: Sendable> {
  /// What stands for a check: equal keys are the same question.
  typealias Key = [UInt8]

  /// What came of a question.
  enum Outcome: Sendable {
    case answer(Answer)
    /// Too many wait already, of this client or of all.
    case busy
    /// The address had too many wrong passwords lately and has to wait for so long.
    case slowedDown(Duration)
  }

  private struct Job {
    var key: Key
    var check: @Sendable () -> Answer
    /// Whose attempt it counts as; nil: it is none.
    var attempt: NetworkAddress?
  }

  private typealias Asker = UnsafeContinuation<Outcome, Never>

  private let loop: any LoopExecutor
  private let workers: any Workers
  private let brake: LoginBrake?
  private let isRight: @Sendable (Answer) -> Bool
  private let runningMax: Int
  private let waitingMax: Int
  private let waitingPerClientMax: Int
  private var running = 0
  private var queue = FairQueue<Job>()
  /// What was right before.
  private var known = FairQueue<Job>()
  /// Who waits for the answer about a key.
  private var askers: [Key: [Asker]] = [:]

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Does at most `runningMax` checks at once, while at most `waitingMax` more wait, of one client at most
  /// `waitingPerClientMax`. An answer that `isRight` says yes to is no wrong attempt for `brake`.
  init(
    workers: any Workers, brake: LoginBrake? = nil, runningMax: Int, waitingMax: Int = 1024,
    waitingPerClientMax: Int = 128, on loop: any LoopExecutor, isRight: @escaping @Sendable (Answer) -> Bool
  ) {
    self.workers = workers
    self.brake = brake
    self.isRight = isRight
    self.runningMax = max(1, runningMax)
    self.waitingMax = waitingMax
    self.waitingPerClientMax = waitingPerClientMax
    self.loop = loop
  }

  /// What the check says. `key` stands for it: who asks for one that is under way already shares its answer and is not
  /// counted as another attempt. What `wasRight` before is no guess: it is not slowed down, and goes first.
  func answer(
    to key: Key, from origin: LoginOrigin?, wasRight: Bool = false, _ check: @escaping @Sendable () -> Answer
  ) async -> Outcome {
    await withUnsafeContinuation { asker in
      if askers[key] != nil {
        askers[key]?.append(asker)
        return
      }
      let place = origin?.address
      guard hasRoom(for: place, wasRight) else { return asker.resume(returning: .busy) }
      if !wasRight, let origin, let pause = brake?.begin(origin.address, at: origin.now) {
        return asker.resume(returning: .slowedDown(pause))
      }
      if queue.count + known.count >= waitingMax { sendAwayOne() }
      askers[key] = [asker]
      let job = Job(key: key, check: check, attempt: wasRight ? nil : place)
      if wasRight { known.append(job, from: place) } else { queue.append(job, from: place) }
      startNext()
    }
  }

  /// Whether there is room for one more, if need be in the place of one whose site has more of them waiting.
  private func hasRoom(for place: NetworkAddress?, _ wasRight: Bool) -> Bool {
    guard (wasRight ? known : queue).count(ofClient: place) < waitingPerClientMax else { return false }
    if queue.count + known.count < waitingMax { return true }
    return queue.countOfLargestSite > (wasRight ? 0 : queue.count(ofSite: place) + 1)
  }

  private func sendAwayOne() {
    guard let job = queue.dropNewestOfLargest() else { return }
    // It was not judged.
    brake?.forgive(job.attempt)
    for asker in askers.removeValue(forKey: job.key) ?? [] { asker.resume(returning: .busy) }
  }

  private func startNext() {
    guard running < runningMax, let job = known.next() ?? queue.next() else { return }
    running += 1
    let workers = workers
    spawn(on: loop) { [self] in
      let answer = await workers.run { job.check() }
      await finish(job, answer)
    }
  }

  private func finish(_ job: Job, _ answer: Answer) {
    running -= 1
    startNext()
    if isRight(answer) { brake?.forgive(job.attempt) }
    for asker in askers.removeValue(forKey: job.key) ?? [] { asker.resume(returning: .answer(answer)) }
  }
}
