// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
import Synchronization

/// The outside, simulated: everything that happens in it follows from one seed.
///
/// Isolation: made, driven and asked by one thread.
public final class SimulatedWorld: Sendable {
  /// Chooses what runs next and owns the time.
  public let scheduler: SimulatedScheduler
  /// The time of day.
  public let wallClock: SimulatedWallClock
  /// The disk that all processes share.
  public let disk: SimulatedDisk
  /// The network between the processes.
  public let network: SimulatedNetwork
  /// The first process.
  public let process: SimulatedProcess
  private let workers: WorkerOptions
  private let processes: Mutex<[SimulatedProcess]>

  /// A world with one process of `loops` loops. With `workerDelay`, each script takes a seeded time of that range;
  /// with `interleavesScripts`, scripts take turns at each file operation (some microseconds slower for each). With
  /// `disk`, what another world left goes on here, one second after its latest change.
  public init(
    seed: UInt64, loops: Int = 1, workerDelay: ClosedRange<Duration>? = nil, interleavesScripts: Bool = false,
    diskCapacity: Int = 256 << 20, disk inherited: SimulatedDisk? = nil, networkBufferBytes: Int = 65_536
  ) {
    scheduler = SimulatedScheduler(seed: seed)
    wallClock = SimulatedWallClock(scheduler: scheduler)
    disk = inherited ?? SimulatedDisk(capacity: diskCapacity)
    let youngest = disk.follow(wallClock)
    if inherited != nil { wallClock.shift(by: .seconds(youngest.seconds - wallClock.now.seconds + 1)) }
    network = SimulatedNetwork(scheduler: scheduler, bufferBytesMax: networkBufferBytes)
    workers = WorkerOptions(delay: workerDelay, interleaves: interleavesScripts)
    process = SimulatedProcess(
      id: 0, scheduler: scheduler, loopCount: loops, disk: disk, network: network, wallClock: wallClock,
      workers: workers, machine: 0)
    processes = Mutex([process])
  }

  /// Starts another process on the same disk: a second server, a client, or the successor of one that was killed. It
  /// may run on another machine than the first one.
  public func startProcess(loops: Int = 1, machine: Int = 0) -> SimulatedProcess {
    let id = processes.withLock { $0.count }
    let process = SimulatedProcess(
      id: id, scheduler: scheduler, loopCount: loops, disk: disk, network: network, wallClock: wallClock,
      workers: workers, machine: machine)
    processes.withLock { $0.append(process) }
    scheduler.note("process \(id) starts")
    return process
  }

  /// Cuts the power of the machine: every process dies, and the disk keeps what was synced, and `keeping` of the rest.
  public func crash(keeping: CrashKeeping = .synced) {
    for process in processes.withLock({ $0 }) { process.kill() }
    disk.crash(keeping: keeping)
  }

  /// The outside of the first process.
  public var world: World { process.world }

  /// Why a run did not come to its end.
  public struct Stall: Error, CustomStringConvertible {
    /// Why driving stopped.
    public let halt: SimulatedScheduler.Halt
    /// Seed, step, what waits and the latest notes.
    public let description: String
  }

  /// Runs `body` on the first loop of the first process and everything that it sets off, until it returns.
  /// Traps with seed, step and what waits when nothing can run any more.
  public func run<T: Sendable, E: Error>(_ body: sending @escaping () async throws(E) -> T) throws(E) -> T {
    switch attempt(on: process, body) {
    case .success(let result): return try result.get()
    case .failure(let stall):
      // Safe because: only tests run this, and a run that cannot go on has no value to return.
      fatalError("the simulation cannot go on (\(stall.halt))\n\(stall.description)")
    }
  }

  /// As ``run(_:)`` in any process, with the stall as a value, for those who look for one.
  public func attempt<T: Sendable, E: Error>(
    on process: SimulatedProcess, stepsMax: Int = 5_000_000, _ body: sending @escaping () async throws(E) -> T
  ) -> Result<Result<T, E>, Stall> {
    let outcome = Outcome<T, E>()
    spawn(on: process.loops[0]) {
      do throws(E) {
        let value = try await body()
        outcome.set(.success(value))
      } catch {
        outcome.set(.failure(error))
      }
    }
    let halt = scheduler.drive(stepsMax: stepsMax) { outcome.value != nil }
    guard let result = outcome.value else {
      return .failure(Stall(halt: halt, description: scheduler.situation))
    }
    return .success(result)
  }

  /// Lets ``crash(keeping:)`` happen just before the file operation after the next `count`, be it in the middle of a
  /// script. Replaces the disk's observer.
  public func crash(afterOperations count: Int, keeping: CrashKeeping = .synced) {
    disk.trigger(afterOperations: count) { [weak self] in self?.crash(keeping: keeping) }
  }

  /// Suspends the caller until `duration` of simulated time has passed. Time moves when nothing is ready.
  public func pause(for duration: Duration) async {
    await SimulatedClock(loop: process.loops[0]).pause(for: duration)
  }
}
