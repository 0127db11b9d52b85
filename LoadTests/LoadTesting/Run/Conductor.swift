// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryWorld

/// Runs scenarios against targets, interleaved round by round, and gathers what was measured.
public struct Conductor: Sendable {
  /// What is run.
  public struct Plan: Sendable {
    /// The scenarios, in order.
    public var scenarios: [ScenarioSpec]
    /// The targets; the first is the one that ratios are about.
    public var targets: [Target]
    /// Token services that targets may send us to.
    public var tokenServices: [TargetURL] = []
    /// Whom https targets are believed.
    public var trust = TrustSettings()
    /// What will be demanded: faults that a demand allows are no problem.
    public var demands: [Threshold] = []
    /// How often each scenario is run at each target.
    public var rounds = 1
    /// What data is made from.
    public var seed: UInt64 = 1
    /// What makes the pushed data of this run unlike another's.
    public var run: UInt64 = 0

    /// A plan of one round.
    public init(scenarios: [ScenarioSpec], targets: [Target]) {
      (self.scenarios, self.targets) = (scenarios, targets)
    }
  }

  private let group: LoopGroup
  private let plan: Plan
  private let stop: StopSign
  private let show: @Sendable (LiveLine) -> Void

  /// `show` is called four times a second, on the first loop.
  init(_ group: LoopGroup, _ plan: Plan, stop: StopSign, show: @escaping @Sendable (LiveLine) -> Void) {
    (self.group, self.plan, self.stop, self.show) = (group, plan, stop, show)
  }

  private var first: EventLoop { group.loops[0] }

  /// Runs the plan. Called on the first loop. What was measured before a failure is in the report all the same.
  func run(_ sites: [Site]) async -> RunReport {
    var report = RunReport(seed: plan.seed, rounds: plan.rounds, targets: plan.targets)
    for spec in plan.scenarios {
      if stop.isRaised { break }
      var scenario = ScenarioReport(spec: spec, targets: plan.targets.map(\.name))
      let activity = spec.activity(seed: plan.seed, run: plan.run)
      let besides = spec.beside.map { ($0.target, $0.spec, $0.spec.activity(seed: plan.seed &+ 77, run: plan.run)) }
      var usable: [Int] = []
      for (index, site) in sites.enumerated() {
        if let problem = await prepare(spec, activity, besides, site, sites) {
          report.problems.append("\(spec.name) at \(site.target.name): \(problem)")
        } else {
          usable.append(index)
        }
      }
      for round in 0..<plan.rounds {
        // Every other round goes backwards, so that a drift of the machine favours nobody.
        for index in round % 2 == 0 ? usable : usable.reversed() where !stop.isRaised {
          let beside = besides.map { name, spec, activity in
            (spec, activity, sites.first { $0.target.name == name } ?? sites[index])
          }
          let result = await self.round(spec, activity, sites[index], beside, round)
          scenario.targets[index].rounds.append(result)
        }
      }
      report.scenarios.append(scenario)
    }
    report.wasStopped = stop.isRaised
    let unbegun = plan.scenarios.dropFirst(report.scenarios.count).map(\.name)
    report.problems += report.findings(plan.demands, unbegun: unbegun)
    return report
  }

  private func prepare(
    _ spec: ScenarioSpec, _ activity: any Activity, _ besides: [(String?, ScenarioSpec, any Activity)], _ site: Site,
    _ sites: [Site]
  ) async -> LoadError? {
    let lane = Lane(index: 0, loop: first, feed: LiveFeed(), stop: stop)
    lane.timeout = max(spec.timeout, 10_000_000_000)
    lane.beginTicking()
    defer {
      lane.endTicking()
      lane.retireAll()
    }
    do throws(LoadError) {
      try await activity.prepare(client(lane, site))
      for (name, _, activity) in besides {
        try await activity.prepare(client(lane, sites.first { $0.target.name == name } ?? site))
      }
      return nil
    } catch {
      return error
    }
  }

  private func client(_ lane: Lane, _ site: Site) -> Client {
    Client(lane: lane, site: site, index: 0, seed: plan.seed, authorizer: Authorizer(site))
  }

  // MARK: One round

  private func round(
    _ spec: ScenarioSpec, _ activity: any Activity, _ site: Site, _ besides: [(ScenarioSpec, any Activity, Site)],
    _ number: Int
  ) async -> RoundReport {
    let feed = LiveFeed()
    let lanes = group.loops.map { Lane(index: $0.index, loop: $0, feed: feed, stop: stop) }
    let start = first.now.nanoseconds + 20_000_000
    let isTimed = spec.operations == nil
    // What is counted and not timed is measured from its first operation, or it would be over before the measuring
    // begins; it ends by itself, and the limit only keeps the arithmetic bounded.
    let from = isTimed ? start + spec.warmup : start
    let until = isTimed ? from + spec.duration : from + 3_600_000_000_000
    let slots = isTimed ? Int(min(240, max(1, spec.duration / 250_000_000))) : 1
    let window = LaneRound.Window(start: start, from: from, until: until, slots: slots)
    let parts = lanes.map {
      LaneRound($0, of: lanes.count, spec, activity, site, window, seed: plan.seed &+ UInt64(number) << 32)
    }
    var backgrounds: [(Lane, LaneRound)] = []
    var owners: [Int] = []
    for (index, (spec, activity, site)) in besides.enumerated() {
      for loop in group.loops {
        let lane = Lane(index: loop.index, loop: loop, feed: LiveFeed(), stop: stop)
        backgrounds.append((lane, LaneRound(lane, of: lanes.count, spec, activity, site, window, seed: plan.seed &+ 9)))
        owners.append(index)
      }
    }
    let ticker = LiveTicker(
      first, feed, spec, site.target.name, number, plan.rounds, until: isTimed ? until : nil, show)
    ticker.start()
    let probe = site.target.process.map(ProcessProbe.init)
    let background = backgrounds.map { lane, part in spawn(on: lane.loop) { await part.work() } }
    let tasks = zip(lanes, parts).map { lane, part in spawn(on: lane.loop) { await part.work() } }
    var report = RoundReport()
    let before: ProcessProbe.Sample?
    if isTimed {
      await sleep(until: from)
      before = probe?.sample()
      await sleep(until: until)
      report.take(before, probe?.sample())
      let ended = min(until, first.now.nanoseconds)
      report.seconds = ended > from ? Double(ended - from) / 1e9 : 0
      for task in tasks { await task.value }
    } else {
      before = probe?.sample()
      for task in tasks { await task.value }
      report.seconds = Double(first.now.nanoseconds - min(first.now.nanoseconds, start)) / 1e9
      if spec.kind.holds { await sleep(until: first.now.nanoseconds + spec.duration) }
      report.take(before, probe?.sample())
    }
    for task in background { await task.value }
    ticker.stop()
    for (lane, part) in zip(lanes, parts) + backgrounds {
      await spawn(on: lane.loop) { await part.finish() }.value
    }
    for lane in lanes { report.tally.merge(lane.recorder.tally) }
    report.beside = besides.map { spec, _, site in
      BesideReport(name: spec.name, target: site.target.name, seconds: report.seconds)
    }
    for (owner, (lane, _)) in zip(owners, backgrounds) { report.beside[owner].tally.merge(lane.recorder.tally) }
    return report
  }

  /// Waits until that time, or until the run is stopped.
  private func sleep(until instant: UInt64) async {
    while !stop.isRaised {
      let now = first.now.nanoseconds
      guard now < instant else { return }
      let piece = min(instant - now, 100_000_000)
      await withUnsafeContinuation { continuation in
        _ = first.clock.after(.nanoseconds(Int64(piece))) { continuation.resume() }
      }
    }
  }
}

extension Conductor {
  /// Runs a plan on loops of its own and returns what was measured. Blocks; called on no loop.
  public static func run(
    _ plan: Plan, loops: Int, stop: StopSign, show: @escaping @Sendable (LiveLine) -> Void
  ) throws(InputError) -> RunReport {
    for target in plan.targets {
      guard let process = target.process, ProcessProbe(pid: process).sample() == nil else { continue }
      throw InputError("\(target.name): there is no process \(process) on this machine to be measured")
    }
    var sites: [Site] = []
    for target in plan.targets { sites.append(try Site(target, tokenServices: plan.tokenServices, plan.trust)) }
    let group = LoopGroup(loops: loops, workers: 1)
    defer { group.stop() }
    let gate = ThreadGate()
    let result = ReportBox()
    let conductor = Conductor(group, plan, stop: stop, show: show)
    let ready = sites
    spawn(on: group.loops[0]) {
      let interrupt = Self.watch(.interrupt, group.loops[0], stop)
      let terminate = Self.watch(.terminate, group.loops[0], stop)
      result.put(await conductor.run(ready))
      interrupt?.close()
      terminate?.close()
      gate.open()
    }
    gate.wait()
    return result.take()
  }

  /// A number that no other run has: eight random bytes.
  public static func runNumber() -> UInt64 {
    var bytes: UInt64 = 0
    let group = LoopGroup(loops: 1, workers: 1)
    defer { group.stop() }
    for byte in group.world.entropy.bytes(8) { bytes = bytes << 8 | UInt64(byte) }
    return bytes
  }

  private static func watch(_ signal: SignalWatcher.Signal, _ loop: EventLoop, _ stop: StopSign) -> SignalWatcher? {
    do throws(LoopError) {
      return try SignalWatcher(signal, on: loop) { stop.raise() }
    } catch {
      // Without it the signal ends the process at once, which is no worse than not starting.
      return nil
    }
  }
}
