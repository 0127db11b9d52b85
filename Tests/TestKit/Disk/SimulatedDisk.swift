// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld
import Synchronization

/// A file system in memory that keeps only what was synced.
///
/// Durability is strict POSIX: after ``crash(keeping:)`` a file has the contents of its last sync (none when it never
/// was synced), a directory the names of its last sync, and a directory made anew is there only if its parent was
/// synced. A sync that failed drops for good what was pending then, though it can still be read.
/// Used as ``Files`` itself it is the view of whoever lives; ``view(of:)`` gives a process a view that dies with it.
/// Safe from any thread. The working directory is the root. There are no symbolic links and no permissions.
public final class SimulatedDisk: Files {
  private struct Guarded {
    var disk: DiskState
    var plan = FaultPlan()
    var log: [FileOperation] = []
    var logged = 0
    var counts: [FileOperation.Kind: Int] = [:]
    var failures = 0
    var failed: [FileOperation] = []
    var failedSyncs = 0
    var dead: Set<SimulatedScheduler.ProcessID> = []
    var ticks: Int32 = 0
    var boot = 1

    mutating func record(_ operation: FileOperation) {
      logged += 1
      counts[operation.kind, default: 0] += 1
      if log.count == SimulatedDisk.logMax { log.removeFirst(SimulatedDisk.logMax / 2) }
      log.append(operation)
    }
  }

  /// A structure and not the bare closure: a closure that passes through a generic lock comes out wrapped once more,
  /// and each operation would be slower than the one before.
  private struct Observer {
    let told: @Sendable (FileOperation) -> Void
  }

  private let listener = Mutex<Listener?>(nil)

  private struct Listener {
    let told: @Sendable (String) -> Void
  }

  private static let logMax = 100_000
  private static let failedMax = 100

  private let state: Mutex<Guarded>
  private let clock: Mutex<(any WallClock)?>
  private let observer = Mutex<Observer?>(nil)

  /// An empty disk with room for `capacity` bytes of contents, `filesMax` files and directories, and `openFilesMax`
  /// open files. Without a clock, time moves by one nanosecond per operation.
  public init(
    capacity: Int = 256 << 20, filesMax: Int = 1_000_000, openFilesMax: Int = 65_536, clock: (any WallClock)? = nil
  ) {
    self.clock = Mutex(clock)
    state = Mutex(Guarded(disk: DiskState(capacity: capacity, nodesMax: filesMax, openFilesMax: openFilesMax)))
  }

  private init(disk: DiskState, clock: (any WallClock)?, boot: Int) {
    self.clock = Mutex(clock)
    state = Mutex(Guarded(disk: disk, boot: boot))
  }

  // MARK: Crashes

  /// Cuts the power: all open files are dead, all locks free, and of what was not synced only `keeping` is left.
  public func crash(keeping: CrashKeeping = .synced) {
    state.withLock { state in
      state.disk = state.disk.afterPowerCut(keeping)
      state.boot += 1
    }
  }

  /// The machine since it was switched on last; see ``BootIdentity``.
  public var boot: BootIdentity {
    BootIdentity(node: "simulated", boot: "\(state.withLock { $0.boot })")
  }

  /// What ``crash(keeping:)`` would leave, as a disk of its own; this one goes on.
  public func afterPowerCut(keeping: CrashKeeping = .synced) -> SimulatedDisk {
    state.withLock { state in
      SimulatedDisk(disk: state.disk.afterPowerCut(keeping), clock: clock.withLock { $0 }, boot: state.boot + 1)
    }
  }

  /// What ``kill(_:)`` of all processes would leave, as a disk of its own of the same boot; this one goes on.
  public func afterKill() -> SimulatedDisk {
    state.withLock { state in
      var disk = state.disk
      disk.closeAll(of: nil)
      return SimulatedDisk(disk: disk, clock: clock.withLock { $0 }, boot: state.boot)
    }
  }

  /// Takes the time from another clock from now on, and returns the time that stands in the youngest change so far.
  func follow(_ clock: any WallClock) -> WallTime {
    self.clock.withLock { $0 = clock }
    return state.withLock { $0.disk.now }
  }

  /// Ends a process, or all of them: what it wrote stays, its open files are dead, its locks free.
  public func kill(_ process: SimulatedScheduler.ProcessID? = nil) {
    state.withLock { state in
      if let process { state.dead.insert(process) }
      state.disk.closeAll(of: process)
    }
  }

  /// The disk as `process` sees it, until it is killed; on one of the machines that share the disk, each of which has a
  /// boot of its own.
  public func view(of process: SimulatedScheduler.ProcessID, machine: Int = 0) -> any Files {
    SimulatedDiskView(disk: self, process: process, machine: machine)
  }

  /// Drops from memory what failed syncs have lost and what could be read all the same until now. The size of a file
  /// stays: it is the file system's own. With a text, only of files whose path contains it.
  public func forgetLostPages(of part: String = "") {
    state.withLock { state in
      if part.isEmpty { return state.disk.forgetLostChanges() }
      let chosen = state.disk.paths().filter { $0.path.contains(part) }.map(\.node)
      state.disk.forgetLostChanges(of: Set(chosen))
    }
  }

  /// Makes everything durable, as time does: how a test sets the stage.
  public func syncEverything() {
    state.withLock { $0.disk = $0.disk.allDurable() }
  }

  // MARK: Faults and questions

  /// Replaces the plan of faults and starts counting anew.
  public func install(_ plan: FaultPlan) {
    state.withLock { $0.plan = plan }
  }

  /// Called before each operation, on the thread and at the moment of the caller.
  public func observe(_ observer: (@Sendable (FileOperation) -> Void)?) {
    let observer = observer.map(Observer.init)
    self.observer.withLock { $0 = observer }
  }

  /// Called after each operation with one line: which process asked for what, and how that failed if it did.
  public func tell(_ listener: @escaping @Sendable (String) -> Void) {
    let listener = Listener(told: listener)
    self.listener.withLock { $0 = listener }
  }

  /// Calls `event` once, just before the operation after the next `count`. Replaces the observer.
  public func trigger(afterOperations count: Int, _ event: @escaping @Sendable () -> Void) {
    let left = Mutex(count)
    observe { _ in
      let isDue = left.withLock { left in
        left -= 1
        return left == -1
      }
      if isDue { event() }
    }
  }

  /// Whether the number of a removed file goes to the next new one, as ext4 does it; false at first.
  public var reusesInodes: Bool {
    get { state.withLock { $0.disk.reusesInodes } }
    set { state.withLock { $0.disk.reusesInodes = newValue } }
  }

  /// The latest operations, oldest first, at most 100 000.
  public var operations: [FileOperation] {
    state.withLock { $0.log }
  }

  /// How many operations there were since the start or ``resetLog()``.
  public var operationCount: Int {
    state.withLock { $0.logged }
  }

  /// How many operations the plan made fail.
  public var faultCount: Int {
    state.withLock { $0.failures }
  }

  /// The operations that the plan made fail, the first hundred.
  public var failedOperations: [FileOperation] {
    state.withLock { $0.failed }
  }

  /// How many syncs of contents failed since the disk was made; each may have lost what was written and not synced.
  public var failedSyncCount: Int {
    state.withLock { $0.failedSyncs }
  }

  /// How many operations of these kinds there were since the start or ``resetLog()``.
  public func count(of kinds: FileOperation.Kind...) -> Int {
    state.withLock { state in kinds.reduce(0) { $0 + (state.counts[$1] ?? 0) } }
  }

  /// Forgets the operations so far.
  public func resetLog() {
    state.withLock { state in
      (state.log, state.logged, state.counts, state.failures) = ([], 0, [:], 0)
    }
  }

  /// How many files are open: zero when nothing leaks.
  public var openFileCount: Int {
    state.withLock { $0.disk.opens.count }
  }

  /// The open files: the path by which each was opened, and the process; sorted.
  public var openPaths: [String] {
    state.withLock { state in state.disk.opens.values.map { "\($0.path) by process \($0.process ?? -1)" }.sorted() }
  }

  /// How many files are locked.
  public var lockCount: Int {
    state.withLock { state in state.disk.nodes.values.count { $0.lock != nil } }
  }

  /// Bytes of contents in use.
  public var usedBytes: Int {
    state.withLock { $0.disk.used }
  }

  /// The contents of every file by its absolute path; directories have nil.
  public var tree: [String: [UInt8]?] {
    state.withLock { state in
      var result: [String: [UInt8]?] = [:]
      for (path, id) in state.disk.paths() {
        let node = state.disk.nodes[id]!
        result.updateValue(node.isDirectory ? nil : node.content, forKey: path)
      }
      return result
    }
  }

  /// The contents of the file at `path`; nil when there is none.
  public func contents(of path: String) -> [UInt8]? {
    tree["/" + path.split(separator: "/").joined(separator: "/")] ?? nil
  }

  /// Puts a durable file there, with the directories that it needs. Counts as no operation.
  public func plant(_ bytes: [UInt8], at path: String) {
    state.withLock { state in
      var directory = DiskState.root
      let parts = path.split(separator: "/").map(String.init)
      for part in parts.dropLast() {
        if let next = state.disk.nodes[directory]!.entries[part] {
          directory = next
        } else {
          let made = state.disk.makeNode(isDirectory: true, parent: directory)
          state.disk.setName(part, in: directory, to: made, group: state.disk.group())
          state.disk.setDurableName(part, in: directory, to: made)
          directory = made
        }
      }
      let file = state.disk.makeNode(isDirectory: false, parent: directory)
      precondition(state.disk.write(bytes, at: 0, to: file), "a planted file fits on the disk")
      state.disk.setName(parts[parts.count - 1], in: directory, to: file, group: state.disk.group())
      state.disk.setDurableName(parts[parts.count - 1], in: directory, to: file)
      state.disk.sync(file)
    }
  }

  // MARK: Operations

  /// Logs `operation`, asks the plan, and does it unless it fails first.
  func perform<R: Sendable>(
    _ operation: FileOperation, process: SimulatedScheduler.ProcessID?,
    _ body: (inout DiskState) throws(FileError) -> R
  ) throws(FileError) -> R {
    try perform(operation, process: process, halfway: nil, onFault: nil, body)
  }

  func perform<R: Sendable>(
    _ operation: FileOperation, process: SimulatedScheduler.ProcessID?,
    halfway: ((inout DiskState) throws(FileError) -> Void)?,
    onFault: ((inout DiskState) throws(FileError) -> Void)?,
    _ body: (inout DiskState) throws(FileError) -> R
  ) throws(FileError) -> R {
    ScriptThread.pauseIfScript()
    observer.withLock { $0 }?.told(operation)
    guard let listener = listener.withLock({ $0 }) else {
      return try attempt(operation, process: process, halfway: halfway, onFault: onFault, body)
    }
    let line = "process \(process ?? 0): \(operation.description)"
    do throws(FileError) {
      let result = try attempt(operation, process: process, halfway: halfway, onFault: onFault, body)
      listener.told(line)
      return result
    } catch {
      listener.told("\(line): \(error.reason)")
      throw error
    }
  }

  private func attempt<R: Sendable>(
    _ operation: FileOperation, process: SimulatedScheduler.ProcessID?,
    halfway: ((inout DiskState) throws(FileError) -> Void)?,
    onFault: ((inout DiskState) throws(FileError) -> Void)?,
    _ body: (inout DiskState) throws(FileError) -> R
  ) throws(FileError) -> R {
    let now = clock.withLock { $0 }?.now
    return try state.withLock { (state) throws(FileError) -> R in
      state.record(operation)
      state.ticks += 1
      state.disk.now = now ?? WallTime(seconds: 1_767_225_600, nanoseconds: state.ticks % 1_000_000_000)
      if let process, state.dead.contains(process) {
        throw FileError(.failed, operation: operation.kind.systemName, path: operation.path, code: 5)
      }
      guard let (reason, moment) = state.plan.verdict(on: operation) else { return try body(&state.disk) }
      state.failures += 1
      if state.failed.count < SimulatedDisk.failedMax { state.failed.append(operation) }
      if operation.kind == .sync { state.failedSyncs += 1 }
      switch moment {
      case .before: break
      case .halfway: try halfway?(&state.disk)
      case .after: _ = try body(&state.disk)
      }
      if moment != .after { try onFault?(&state.disk) }
      throw FileError(
        reason, operation: operation.kind.systemName, path: operation.path, code: reason.usualCode)
    }
  }

  /// Changes or asks the disk without an operation: nothing is logged, nothing fails.
  func change<R: Sendable>(_ body: (inout DiskState) -> R) -> R {
    state.withLock { body(&$0.disk) }
  }

  /// Closes an open file; never fails.
  func close(_ id: DiskState.OpenID) {
    state.withLock { $0.disk.close(id) }
  }

  /// Frees the lock that open file `id` holds; never fails.
  func unlock(_ id: DiskState.OpenID) {
    state.withLock { state in
      guard let open = state.disk.opens[id], state.disk.nodes[open.node]!.lock == id else { return }
      state.disk.nodes[open.node]!.lock = nil
    }
  }
}

extension FileError.Reason {
  /// The error number that Linux gives for it.
  fileprivate var usualCode: Int32 {
    switch self {
    case .absent: 2
    case .exists: 17
    case .noSpace: 28
    case .tooManyOpenFiles: 24
    case .notPermitted: 13
    case .unsupported: 95
    case .invalidName: 36
    case .failed: 5
    }
  }
}
