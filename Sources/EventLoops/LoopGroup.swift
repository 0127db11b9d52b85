// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
public import GantryWorld

/// The real world: N loops on their threads and the workers beside them.
public final class LoopGroup: Sendable {
  /// The loops.
  public let loops: [EventLoop]
  /// The syncs of the disk that this group's files made.
  public let syncs = SyncTally()
  private let workers: WorkQueue
  private let errandThreads: WorkQueue

  /// Starts `loops` loops and makes ready for at most `workers` worker threads, and at most `errands` beside them.
  public init(loops count: Int, workers workersMax: Int, errands errandsMax: Int = 4) {
    let workers = WorkQueue(threadsMax: workersMax)
    errandThreads = WorkQueue(threadsMax: errandsMax, name: "errand")
    let loops = (0..<max(1, count)).map { EventLoop(index: $0, workers: workers) }
    self.workers = workers
    self.loops = loops
    for loop in loops { loop.start() }
  }

  /// What product code sees.
  public var world: World {
    World(
      loops: loops, workers: workers, files: SystemFiles(syncs: syncs), entropy: SystemEntropy(),
      clock: SystemWallClock())
  }

  /// The operating system's files.
  public static var files: any Files { SystemFiles(syncs: nil) }

  /// What the workers do at this moment. Callable from any thread.
  public var workerMeasures: WorkerMeasures { workers.measures }

  /// Threads for what may block and must not wait for the storage's disk: what tells of a disk that stalls, before all.
  public var errands: any Workers { errandThreads }

  /// Nanoseconds on the clock of the loops, which never goes back. From any thread.
  public static var uptime: UInt64 { uv_hrtime() }

  /// How many processors this process may use.
  public static var processors: Int { max(1, Int(uv_available_parallelism())) }

  /// Ends workers and loops and joins their threads. Whatever lived on them has been closed before; what still holds a
  /// handle traps here. Not called on a loop.
  public func stop() {
    workers.stop()
    errandThreads.stop()
    for loop in loops { loop.stop() }
  }
}
