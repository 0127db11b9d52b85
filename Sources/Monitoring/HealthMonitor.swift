// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryTelemetry
public import GantryWorld

/// Makes the health checks, each in its own rhythm, and keeps their results in a ``HealthState``.
///
/// Isolation: an actor on the loop it is given. A check looks once at the start, and again an interval after its last
/// look has ended, so that a slow one never runs twice at a time. One that does not end is judged all the same.
public actor HealthMonitor {
  private struct Course {
    let check: HealthCheck
    var threshold: HealthThreshold
    /// The next look, or, while one is under way, the end of patience with it.
    var timer: (any LoopTimer)?
    var isLooking = false
  }

  private let loop: any LoopExecutor
  private let state: HealthState
  private let changed: @Sendable (String, String?) -> Void
  private var courses: [Course]
  private var known: [String?]
  private var isStopped = false
  /// Checks whose first look somebody waits for.
  private var awaited: Set<String> = []
  private var starter: CheckedContinuation<Void, Never>?
  private var stopper: CheckedContinuation<Void, Never>?

  /// How long the end waits for looks under way: those that were cancelled end at once.
  private static let lastPatience = Duration.seconds(1)

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

  /// Begins to look; returns when the first looks of the checks of these names have ended, or patience with them has.
  public func start(awaiting names: Set<String> = []) async {
    awaited = names.intersection(courses.map(\.check.name))
    for index in courses.indices { look(index) }
    guard !awaited.isEmpty else { return }
    await withCheckedContinuation { continuation in
      // Looked at again: they may have ended before this body ran.
      if awaited.isEmpty { continuation.resume() } else { starter = continuation }
    }
  }

  /// Looks no more; returns when looks under way have ended, and soon in any case.
  public func stop() async {
    isStopped = true
    for index in courses.indices {
      courses[index].timer?.cancel()
      courses[index].timer = nil
      if courses[index].isLooking { await courses[index].check.probe.cancel() }
    }
    guard isLooking else { return }
    let patience = loop.clock.after(Self.lastPatience) { [weak self] in
      self?.assumeIsolated { $0.endStop() }
    }
    await withCheckedContinuation { continuation in
      if isLooking { stopper = continuation } else { continuation.resume() }
    }
    patience.cancel()
  }

  private var isLooking: Bool { courses.contains { $0.isLooking } }

  private func endStop() {
    stopper?.resume()
    stopper = nil
  }

  private func look(_ index: Int) {
    guard !isStopped else { return }
    let probe = courses[index].check.probe
    courses[index].isLooking = true
    wait(courses[index].check.patience, of: index) { $0.loseThePatience(with: index) }
    spawn(on: loop) {
      let failure = await probe.look()
      await self.take(failure, of: index)
    }
  }

  private func take(_ failure: String?, of index: Int) {
    courses[index].isLooking = false
    guard !isStopped else {
      if !isLooking { endStop() }
      return
    }
    judge(failure, index)
    wait(courses[index].check.interval, of: index) { $0.look(index) }
  }

  /// A look has no answer yet: that is one, and counts again after each interval.
  private func loseThePatience(with index: Int) {
    let check = courses[index].check
    if check.isSilenceFailure { judge("no answer for \(check.patience)", index) } else { noteFirst(check.name) }
    wait(check.interval, of: index) { $0.loseThePatience(with: index) }
  }

  private func judge(_ failure: String?, _ index: Int) {
    let name = courses[index].check.name
    let verdict = courses[index].threshold.judge(failure)
    state.set(name, to: verdict)
    if (verdict == nil) != (known[index] == nil) { changed(name, verdict) }
    known[index] = verdict
    noteFirst(name)
  }

  private func noteFirst(_ name: String) {
    guard awaited.remove(name) != nil, awaited.isEmpty else { return }
    starter?.resume()
    starter = nil
  }

  private func wait(
    _ duration: Duration, of index: Int, then act: @escaping @Sendable (isolated HealthMonitor) -> Void
  ) {
    courses[index].timer?.cancel()
    courses[index].timer = loop.clock.after(duration) { [weak self] in
      self?.assumeIsolated { monitor in
        monitor.courses[index].timer = nil
        act(monitor)
      }
    }
  }
}
