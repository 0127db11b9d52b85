// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryTelemetry
public import GantryWorld

/// Makes the health checks, each in its own rhythm, and keeps their results in a ``HealthState``.
///
/// Isolation: an actor on the loop it is given. A check looks once at the start, and again an interval after its last
/// look has ended, so that a slow one never runs twice at a time.
public actor HealthMonitor {
  private struct Course {
    let check: HealthCheck
    var threshold: HealthThreshold
    var timer: (any LoopTimer)?
    var look: LoopTask?
  }

  private let loop: any LoopExecutor
  private let state: HealthState
  private let changed: @Sendable (String, String?) -> Void
  private var courses: [Course]
  private var known: [String?]
  private var isStopped = false

  /// The loop.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// A monitor of these checks. `changed` is told the name of a check that fails from now on, with what is wrong, or
  /// that is well again, with nil; for the log.
  public init(
    _ checks: [HealthCheck], state: HealthState, on loop: any LoopExecutor,
    changed: @escaping @Sendable (String, String?) -> Void
  ) {
    self.loop = loop
    self.state = state
    self.changed = changed
    courses = checks.map { Course(check: $0, threshold: HealthThreshold($0.threshold)) }
    known = checks.map { _ in nil }
  }

  /// Begins to look.
  public func start() {
    for index in courses.indices { look(index) }
  }

  /// Looks no more; returns when looks under way have ended.
  public func stop() async {
    isStopped = true
    for index in courses.indices {
      courses[index].timer?.cancel()
      courses[index].timer = nil
      guard let look = courses[index].look else { continue }
      await courses[index].check.probe.cancel()
      await look.value
    }
  }

  private func look(_ index: Int) {
    guard !isStopped else { return }
    courses[index].timer = nil
    let probe = courses[index].check.probe
    courses[index].look = spawn(on: loop) {
      let failure = await probe.look()
      await self.take(failure, of: index)
    }
  }

  private func take(_ failure: String?, of index: Int) {
    courses[index].look = nil
    guard !isStopped else { return }
    let check = courses[index].check
    let verdict = courses[index].threshold.judge(failure)
    state.set(check.name, to: verdict)
    if (verdict == nil) != (known[index] == nil) { changed(check.name, verdict) }
    known[index] = verdict
    courses[index].timer = loop.clock.after(check.interval) { [weak self] in
      self?.assumeIsolated { $0.look(index) }
    }
  }
}
