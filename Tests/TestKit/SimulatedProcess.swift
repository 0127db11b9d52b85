// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
import Synchronization

/// How the workers of a world's processes behave.
struct WorkerOptions: Sendable {
  var delay: ClosedRange<Duration>?
  var interleaves: Bool
}

/// One process of a simulated world: its loops, its workers and its view of the disk. It can be killed by itself.
public final class SimulatedProcess: Sendable {
  /// Its number within its world.
  public let id: SimulatedScheduler.ProcessID
  /// What a house is built on.
  public let world: World
  /// The loops of ``world`` with their own type.
  public let loops: [SimulatedLoop]
  private let scheduler: SimulatedScheduler
  private let disk: SimulatedDisk
  private let network: SimulatedNetwork

  init(
    id: SimulatedScheduler.ProcessID, scheduler: SimulatedScheduler, loopCount: Int, disk: SimulatedDisk,
    network: SimulatedNetwork,
    wallClock: SimulatedWallClock, workers: WorkerOptions, machine: Int
  ) {
    self.id = id
    self.scheduler = scheduler
    self.disk = disk
    self.network = network
    loops = (0..<loopCount).map { SimulatedLoop(scheduler: scheduler, index: $0, process: id) }
    world = World(
      loops: loops,
      workers: SimulatedWorkers(
        scheduler: scheduler, process: id, delay: workers.delay,
        interleaves: workers.interleaves),
      files: disk.view(of: id, machine: machine),
      entropy: SeededEntropy(seed: scheduler.draw { $0.next() }), clock: wallClock)
  }

  /// Ends the process between two pieces of work: nothing of it runs again, its locks and connections are gone, what
  /// it wrote stays. Idempotent.
  public func kill() {
    scheduler.note("process \(id) is killed")
    scheduler.kill(id)
    disk.kill(id)
    network.kill(id)
  }
}
