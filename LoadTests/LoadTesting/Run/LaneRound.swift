// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryWorld

/// One loop's clients in one round of one scenario at one target.
///
/// Isolation: made anywhere, used on its lane's loop.
final class LaneRound: @unchecked Sendable {
  // Safe because: touched on its lane's loop only.

  /// When a round begins to be measured, when it ends, and how finely its time line is cut.
  struct Window: Sendable {
    var start: UInt64
    var from: UInt64
    var until: UInt64
    var slots: Int
  }

  /// Clients that connect at once where very many do.
  private static let rampWidth = 64
  /// How long a client rests after a failure, so that a server that is gone is not asked a million times a second.
  private static let restAfterFailure = Duration.milliseconds(20)

  private let lane: Lane
  private let spec: ScenarioSpec
  private let activity: any Activity
  private let site: Site
  private let window: Window
  private let indices: [Int]
  private let seed: UInt64
  private let paceShare: Double
  private var workers: [any Worker] = []

  /// Takes every client whose number falls to this lane among `lanes`.
  init(
    _ lane: Lane, of lanes: Int, _ spec: ScenarioSpec, _ activity: any Activity, _ site: Site, _ window: Window,
    seed: UInt64
  ) {
    (self.lane, self.spec, self.activity, self.site) = (lane, spec, activity, site)
    (self.window, self.seed) = (window, seed)
    indices = Array(stride(from: lane.index, to: spec.clients, by: lanes))
    paceShare = Double(indices.count) / Double(max(1, spec.clients))
  }

  /// Runs every client to the end of the round.
  func work() async {
    lane.timeout = spec.timeout
    lane.discards = spec.discard
    lane.recorder.begin(from: window.from, until: window.until, slots: window.slots)
    lane.beginTicking()
    guard !indices.isEmpty else { return }
    await waitForStart()
    let authorizer = Authorizer(site)
    let rate = spec.rate.map { $0 * paceShare }
    let interval = rate.map { UInt64(1_000_000_000 / $0) } ?? 0
    // The loops' times fall between each other, so that the whole is as even as each part.
    let first = window.start + interval * UInt64(lane.index) / 2
    let pace = Pace(
      lane: lane, from: first, until: window.until, rate: rate,
      operations: spec.operations.map { $0 * indices.count })
    await withDiscardingTaskGroup { group in
      group.addTask { await pace.keepTime() }
      group.addTask { [self] in
        await runClients(authorizer, pace)
        pace.end()
      }
    }
  }

  /// Has every loop begin at one time.
  private func waitForStart() async {
    do throws(LoopError) {
      let timer = try PreciseTimer(on: lane.loop)
      await timer.wait(until: LoopInstant(nanoseconds: window.start))
      timer.close()
    } catch {
      await lane.pause(.milliseconds(20))
    }
  }

  private func runClients(_ authorizer: Authorizer, _ pace: Pace) async {
    if spec.kind.holds {
      await withDiscardingTaskGroup { group in
        for first in 0..<min(Self.rampWidth, indices.count) {
          group.addTask { [self] in
            for place in stride(from: first, to: indices.count, by: Self.rampWidth) {
              await run(indices[place], authorizer, pace)
            }
          }
        }
      }
    } else {
      await withDiscardingTaskGroup { group in
        for index in indices { group.addTask { [self] in await run(index, authorizer, pace) } }
      }
    }
  }

  private func run(_ index: Int, _ authorizer: Authorizer, _ pace: Pace) async {
    let client = Client(lane: lane, site: site, index: index, seed: seed, authorizer: authorizer)
    let worker = activity.worker(client)
    workers.append(worker)
    var left = spec.operations ?? .max
    // Large answers come in many pieces, which are the task's part.
    let isSmall = spec.kind != .blobGet || spec.size <= 16 << 10
    let isSteady = spec.rate == nil && spec.operations == nil && isSmall
    while left > 0, let began = await pace.next() {
      left -= 1
      do throws(LoadError) {
        try await worker.operate()
        lane.recorder.succeeded(began: began, ended: lane.now)
        if isSteady, let steady = worker as? RequestWorker {
          try await steady.operateSteadily(until: window.until)
        }
      } catch {
        lane.recorder.failed(error, ended: lane.now)
        if lane.stop.isRaised { break }
        await lane.pause(Self.restAfterFailure)
      }
    }
  }

  /// Cleans up and closes every connection, when nothing is measured any more.
  func finish() async {
    lane.endTicking()
    lane.beginTicking()
    for worker in workers { await worker.finish() }
    workers = []
    lane.endTicking()
    lane.retireAll()
  }
}
