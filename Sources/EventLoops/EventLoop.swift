// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryUV
public import GantryWorld
internal import Glibc
internal import Synchronization

/// One libuv loop on one thread: the executor of its actors and the preference of its tasks.
///
/// Jobs enqueued from the loop's own thread go to a queue that only this thread touches; jobs from elsewhere go through
/// an inbox and wake the loop. Both are drained between polls, a budget at a time, so that I/O is never starved by
/// jobs.
@safe
public final class EventLoop: LoopExecutor, @unchecked Sendable {
  // Safe because: `inbox` and `thread` are the only state that other threads touch, one a Mutex, the other an Atomic;
  // all the rest is touched on the loop's thread (asserted by `preconditionOnLoop`), or before it starts and after it
  // ended.

  private struct Inbox: ~Copyable {
    var jobs = Ring<UnownedJob>()
    var isStopping = false
    var isClosed = false
  }

  /// Jobs run between two polls at most; the rest waits for the next turn.
  private static let jobsPerTurn = 4096

  /// What a stream reads into before it knows how much there is; shared by all streams of the loop.
  static let scratchBytes = 64 << 10

  /// The loop's position among the loops of its group.
  public let index: Int

  /// The workers beside the loops.
  let workers: WorkQueue
  let loop: UnsafeMutablePointer<uv_loop_t>
  let scratch: UnsafeMutableRawPointer
  private let inbox = Mutex(Inbox())
  private let thread = Atomic<UInt>(0)
  private var threadHandle = uv_thread_t()
  private var wake: UVHandle?
  private var prepare: UVHandle?
  private var check: UVHandle?
  private var idle: UVHandle?
  private var local = Ring<UnownedJob>()
  private var turnWaiters = unsafe Ring<UnsafeContinuation<Void, Never>>(capacity: 16)
  private var isDraining = false
  private var isIdling = false

  init(index: Int, workers: WorkQueue) {
    self.index = index
    self.workers = workers
    unsafe loop = .allocate(capacity: 1)
    unsafe scratch = .allocate(byteCount: EventLoop.scratchBytes, alignment: 64)
    unsafe expectSuccess("uv_loop_init", uv_loop_init(loop))
    let wake = UVHandle(.async, context: self)
    let prepare = UVHandle(.prepare, context: self)
    let check = UVHandle(.check, context: self)
    let idle = UVHandle(.idle, context: self)
    unsafe expectSuccess("uv_async_init", uv_async_init(loop, wake.async, onWake))
    unsafe expectSuccess("uv_prepare_init", uv_prepare_init(loop, prepare.prepare))
    unsafe expectSuccess("uv_check_init", uv_check_init(loop, check.check))
    unsafe expectSuccess("uv_idle_init", uv_idle_init(loop, idle.idle))
    unsafe expectSuccess("uv_prepare_start", uv_prepare_start(prepare.prepare, onPrepare))
    unsafe expectSuccess("uv_check_start", uv_check_start(check.check, onCheck))
    self.wake = consume wake
    self.prepare = consume prepare
    self.check = consume check
    self.idle = consume idle
  }

  deinit {
    unsafe scratch.deallocate()
    unsafe loop.deallocate()
  }

  /// Starts the loop's thread.
  func start() {
    // Paired with takeRetainedValue in onLoopThread.
    let argument = unsafe Unmanaged.passRetained(self).toOpaque()
    unsafe expectSuccess("uv_thread_create", uv_thread_create(&threadHandle, onLoopThread, argument))
  }

  /// Asks the loop to end once its queue is empty, and waits for its thread. Whatever still holds a handle of the loop
  /// must have closed it before. Not called on a loop.
  func stop() {
    inbox.withLock { $0.isStopping = true }
    sendWake()
    unsafe expectSuccess("uv_thread_join", uv_thread_join(&threadHandle))
    inbox.withLock { $0.isClosed = true }
    unsafe expectSuccess("uv_loop_close", uv_loop_close(loop))
  }

  /// The body of the loop's thread.
  func run() {
    thread.store(currentThread(), ordering: .releasing)
    nameThread("loop-\(index)")
    while true {
      unsafe _ = uv_run(loop, UV_RUN_DEFAULT)
      if closeOwnHandles() { break }
    }
    // Close callbacks come at the end of a turn; twice, because the first may be cut short by the stop flag.
    for _ in 0..<2 { unsafe _ = uv_run(loop, UV_RUN_NOWAIT) }
  }

  /// After `uv_stop`: closes the loop's own handles when no job is left; false when there is more to run.
  private func closeOwnHandles() -> Bool {
    takeInbox()
    guard local.isEmpty else { return false }
    if let wake = wake.take() { wake.close() }
    if let prepare = prepare.take() { prepare.close() }
    if let check = check.take() { check.close() }
    if let idle = idle.take() { idle.close() }
    return true
  }

  // MARK: Executor

  /// Queues a job. From any thread.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if isOnLoop {
      local.append(job)
      return
    }
    let isFirst = inbox.withLock { inbox in
      precondition(!inbox.isClosed, "a job was enqueued on a loop that has ended: its task would never wake")
      inbox.jobs.append(job)
      return inbox.jobs.count == 1
    }
    // Sends coalesce; one per transition from empty is enough because takeInbox empties the inbox.
    if isFirst { sendWake() }
  }

  private func sendWake() {
    if let wake = unsafe wake?.async { unsafe expectSuccess("uv_async_send", uv_async_send(wake)) }
  }

  /// This loop as the executor of actors. The loop's identity is enough: nothing wraps it.
  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  /// Whether the caller runs on this loop's thread.
  public var isOnLoop: Bool { thread.load(ordering: .relaxed) == currentThread() }

  /// Asked by the runtime before `assumeIsolated` (SE-0471).
  public func isIsolatingCurrentContext() -> Bool? { isOnLoop }

  /// Traps off the loop.
  public func checkIsolated() { preconditionOnLoop() }

  func preconditionOnLoop() {
    precondition(isOnLoop, "called off loop \(index)'s thread")
  }

  /// Moves what other threads have queued to the loop's own queue, and runs it.
  func takeInbox() {
    let isStopping = inbox.withLock { inbox in
      while let job = inbox.jobs.popFirst() { local.append(job) }
      return inbox.isStopping
    }
    drain()
    if isStopping { unsafe uv_stop(loop) }
  }

  /// Runs queued jobs, a turn's budget at most; what they enqueue on this loop is run too.
  func drain() {
    guard !isDraining else { return }
    isDraining = true
    let serial = unsafe asUnownedSerialExecutor()
    let preference = unsafe asUnownedTaskExecutor()
    var budget = EventLoop.jobsPerTurn
    while budget > 0, let job = local.popFirst() {
      unsafe job.runSynchronously(isolatedTo: serial, taskExecutor: preference)
      budget -= 1
    }
    isDraining = false
    unsafe idleUnless(local.isEmpty && turnWaiters.isEmpty)
  }

  /// Resumes those who let others go first, then drains.
  func beginTurn() {
    // Only those who wait now: one that waits again belongs to the next turn.
    for _ in 0..<(unsafe turnWaiters.count) { unsafe turnWaiters.popFirst()?.resume() }
    drain()
  }

  /// While work is left over, an idle handle keeps the poll from blocking.
  private func idleUnless(_ nothingLeft: Bool) {
    guard nothingLeft == isIdling, let idle = unsafe idle?.idle else { return }
    isIdling = !nothingLeft
    if isIdling {
      unsafe expectSuccess("uv_idle_start", uv_idle_start(idle, onIdle))
    } else {
      unsafe expectSuccess("uv_idle_stop", uv_idle_stop(idle))
    }
  }

  /// Suspends the caller, which runs on this loop, until every other connection had a turn.
  func nextTurn() async {
    unsafe await withUnsafeContinuation { continuation in
      unsafe turnWaiters.append(continuation)
    }
  }

  // MARK: Time

  /// Time on this loop.
  public var clock: any LoopClock { self }
}

extension EventLoop: LoopClock {
  /// Now, by the system's monotonic clock.
  public var now: LoopInstant { LoopInstant(nanoseconds: uv_hrtime()) }

  /// Calls `fire` on the loop after `delay`, rounded up to milliseconds.
  public func after(_ delay: Duration, _ fire: @escaping @Sendable () -> Void) -> any LoopTimer {
    preconditionOnLoop()
    let milliseconds = (delay.wholeNanoseconds &+ 999_999) / 1_000_000
    return UVTimer(on: self, milliseconds: milliseconds, fire)
  }
}

/// The calling thread's identity. Out of line and through libuv: `pthread_self` is declared `const`, so an optimiser
/// merges calls to it across suspension points.
@inline(never)
func currentThread() -> UInt {
  UInt(uv_thread_self())
}

/// Names the calling thread for `top -H` and debuggers, in the 15 characters that the kernel keeps.
func nameThread(_ name: String) {
  unsafe gantry_name_thread(name)
}
