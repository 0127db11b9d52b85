// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
import Synchronization

/// What every part of a simulation shares: the ready work, the time, and the generator that chooses what runs next.
///
/// One seed, one history: everything that is ready (jobs of all loops, scripts of workers, deliveries of the network)
/// stands in one queue, and each ``step()`` takes one of them by the seed. Time moves only when nothing is ready.
/// Isolation: callable from any thread, driven by one. While it is driven, work that another thread enqueues is a
/// leak out of the simulation (a task on the global pool, say) and traps.
public final class SimulatedScheduler: Sendable {
  /// Identifies a simulated process, whose work can be dropped as a whole.
  public typealias ProcessID = Int

  /// Whose the work is that belongs to no process and outlives them all.
  static let nobody: ProcessID = -1

  /// Why driving stopped.
  public enum Halt: Sendable, Hashable {
    /// The condition came true.
    case reached
    /// Nothing is ready and no timer is due, or time may not move by itself.
    case idle
    /// The limit of steps is used up: something goes round for ever.
    case exhausted
  }

  /// The seed that everything follows from.
  public let seed: UInt64
  private let state: Mutex<State>

  private struct State {
    var generator: SplitMix64
    var ready: [ReadyWork] = []
    var timers = TimerQueue()
    var now = LoopInstant(nanoseconds: 1_000_000_000)
    var advancesWhenIdle = true
    var isDriven = false
    var running: ObjectIdentifier?
    var dead: Set<ProcessID> = []
    var steps = 0
    var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325
    var trace = TraceRing()
    var waits: [Int: (process: ProcessID, text: String)] = [:]
    var nextID = 0

    mutating func mix(_ value: UInt64) {
      fingerprint = (fingerprint ^ value) &* 0x100_0000_01b3
    }
  }

  /// A scheduler whose choices follow from `seed`.
  public init(seed: UInt64) {
    self.seed = seed
    state = Mutex(State(generator: SplitMix64(seed: seed)))
  }

  /// Whether time jumps to the next timer when nothing is ready; true at first.
  public var advancesWhenIdle: Bool {
    get { state.withLock { $0.advancesWhenIdle } }
    set { state.withLock { $0.advancesWhenIdle = newValue } }
  }

  /// The simulated time.
  public var now: LoopInstant {
    state.withLock { $0.now }
  }

  /// How many pieces of work have run.
  public var steps: Int {
    state.withLock { $0.steps }
  }

  /// A digest of every choice made and every note taken: equal for equal histories.
  public var fingerprint: UInt64 {
    state.withLock { $0.fingerprint }
  }

  /// How many timers are set.
  public var timerCount: Int {
    state.withLock { $0.timers.count }
  }

  /// The latest notes, oldest first, each with step and time.
  public var trace: [String] {
    state.withLock { $0.trace.lines }
  }

  /// Draws from the generator that also makes the choices.
  public func draw<R>(_ body: (inout SplitMix64) -> sending R) -> sending R {
    state.withLock { body(&$0.generator) }
  }

  /// Writes `text` into the trace and the fingerprint.
  public func note(_ text: @autoclosure () -> String) {
    let text = text()
    state.withLock { state in
      for byte in text.utf8 { state.mix(UInt64(byte)) }
      state.trace.append("step \(state.steps) at \(state.now.nanoseconds) ns: \(text)")
    }
  }

  // MARK: Driving

  /// Runs one ready piece of work, or fires the next timer when nothing is ready and time may move.
  /// False when there was nothing to do.
  public func step() -> Bool {
    let next = state.withLock { state -> ReadyWork? in
      if state.ready.isEmpty {
        guard state.advancesWhenIdle, let timer = state.timers.popFirst() else { return nil }
        state.now = max(state.now, timer.deadline)
        state.steps += 1
        state.mix(timer.deadline.nanoseconds)
        return timer.work
      }
      let choice = state.generator.below(state.ready.count)
      state.mix(UInt64(choice) << 32 | UInt64(state.ready.count))
      state.steps += 1
      let last = state.ready.count - 1
      state.ready.swapAt(choice, last)
      return state.ready.removeLast()
    }
    guard let next else { return false }
    run(next)
    return true
  }

  /// Steps until `condition` holds, nothing is left to do, or `stepsMax` steps were taken.
  public func drive(stepsMax: Int = 5_000_000, until condition: () -> Bool) -> Halt {
    driving {
      for _ in 0..<stepsMax {
        if condition() { return .reached }
        if !step() { return condition() ? .reached : .idle }
      }
      return .exhausted
    }
  }

  /// Runs what is ready until nothing is, without moving time.
  @discardableResult
  public func settle() -> Halt {
    let moves = advancesWhenIdle
    advancesWhenIdle = false
    defer { advancesWhenIdle = moves }
    return drive { false }
  }

  /// Moves time forward by `duration`, firing the timers on the way in order and settling after each.
  public func advance(by duration: Duration) {
    let target = now.advanced(by: duration)
    settle()
    while let timer = state.withLock({ $0.timers.popFirst(notAfter: target) }) {
      state.withLock { $0.now = max($0.now, timer.deadline) }
      driving { run(timer.work) }
      settle()
    }
    state.withLock { $0.now = max($0.now, target) }
  }

  private func driving<R>(_ body: () -> R) -> R {
    let wasDriven = state.withLock { state in
      precondition(!state.isDriven || DrivingThread.isCurrent(of: self), "one thread drives a scheduler at a time")
      defer { state.isDriven = true }
      return state.isDriven
    }
    let outer = DrivingThread.enter(self)
    defer {
      DrivingThread.leave(to: outer)
      state.withLock { $0.isDriven = wasDriven }
    }
    return body()
  }

  private func run(_ work: ReadyWork) {
    if let loop = work.loop {
      state.withLock { $0.running = ObjectIdentifier(loop) }
    }
    switch work.action {
    case .job(let job):
      guard let loop = work.loop else { return }
      job.runSynchronously(isolatedTo: loop.asUnownedSerialExecutor(), taskExecutor: loop.asUnownedTaskExecutor())
    case .call(let call):
      call()
    }
    state.withLock { $0.running = nil }
  }

  // MARK: Work

  /// Makes `call` ready: it runs at a moment of the seed's choosing, as `loop` when one is given.
  public func submit(process: ProcessID = 0, on loop: SimulatedLoop? = nil, _ call: @escaping @Sendable () -> Void) {
    enqueue(ReadyWork(process: process, loop: loop, action: .call(call)))
  }

  func enqueue(_ work: ReadyWork) {
    let accepted = state.withLock { state -> Bool in
      // Traps here and not in the lock's caller: the stack shows who left the simulation.
      precondition(
        !state.isDriven || DrivingThread.isCurrent(of: self),
        "seed \(seed): work came from a thread outside the simulation: a task left the loops of its world")
      guard !state.dead.contains(work.process) else { return false }
      state.ready.append(work)
      return true
    }
    // A dead process never runs again: its job is dropped and its task with it.
    _ = accepted
  }

  func isRunning(_ loop: SimulatedLoop) -> Bool {
    state.withLock { $0.running == ObjectIdentifier(loop) && (!$0.isDriven || DrivingThread.isCurrent(of: self)) }
  }

  func setTimer(after delay: Duration, _ work: ReadyWork) -> TimerQueue.Key {
    state.withLock { state in
      state.nextID += 1
      let key = TimerQueue.Key(deadline: state.now.advanced(by: delay), sequence: state.nextID)
      if !state.dead.contains(work.process) { state.timers.insert(key, work) }
      return key
    }
  }

  func cancelTimer(_ key: TimerQueue.Key) {
    // Handed out of the lock, so that what the closure held is released outside.
    let removed = state.withLock { $0.timers.remove(key) }
    _ = removed
  }

  // MARK: What waits

  /// Says that someone waits, for the message of a stall. Returns what ``endWait(_:)`` takes.
  public func beginWait(process: ProcessID = 0, _ text: String) -> Int {
    state.withLock { state in
      state.nextID += 1
      state.waits[state.nextID] = (process, text)
      return state.nextID
    }
  }

  /// Says that the wait is over.
  public func endWait(_ id: Int) {
    state.withLock { _ = $0.waits.removeValue(forKey: id) }
  }

  /// Seed, step, time, what is ready, what waits and the latest notes: the text of a failure.
  public var situation: String {
    state.withLock { state in
      var lines = [
        "seed \(seed), step \(state.steps), \(state.now.nanoseconds) ns: "
          + "\(state.ready.count) ready, \(state.timers.count) timers, \(state.waits.count) known waits"
      ]
      for (_, wait) in state.waits.sorted(by: { $0.key < $1.key }).prefix(40) {
        lines.append("  waits (process \(wait.process)): \(wait.text)")
      }
      lines.append(contentsOf: state.trace.lines.suffix(30).map { "  " + $0 })
      return lines.joined(separator: "\n")
    }
  }

  // MARK: Death

  /// Drops all work of a process and everything it will ever enqueue: its tasks never run again and are never freed.
  public func kill(_ process: ProcessID) {
    let dropped = state.withLock { state -> ([ReadyWork], [ReadyWork]) in
      state.dead.insert(process)
      let ready = state.ready.filter { $0.process == process }
      state.ready.removeAll { $0.process == process }
      state.waits = state.waits.filter { $0.value.process != process }
      return (ready, state.timers.removeAll(of: process))
    }
    _ = dropped
  }
}
