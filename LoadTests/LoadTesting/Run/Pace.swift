// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryEventLoops
internal import GantryWorld

/// When the operations of one loop begin.
///
/// A closed loop begins the next operation when the last one ended. An open loop begins one at fixed times whether or
/// not earlier ones ended: a client that is late takes the oldest time that nobody began, and its latency counts from
/// that time, so a server that stalls cannot hide it (no coordinated omission).
///
/// Isolation: belongs to one loop.
final class Pace: @unchecked Sendable {
  // Safe because: touched on its lane's loop only.

  private let lane: Lane
  private let until: UInt64
  private let interval: UInt64
  private var next: UInt64
  /// Operations that may still begin; nil for as many as fit.
  private var left: Int?
  private var waiting: [(at: UInt64, client: UnsafeContinuation<Void, Never>)] = []
  private var firstWaiting = 0
  private var timer: PreciseTimer?
  private var rest: UnsafeContinuation<Void, Never>?
  private var isOver = false

  /// `rate` is this loop's share of operations per second, nil for a closed loop; `first` its first time.
  init(lane: Lane, from first: UInt64, until: UInt64, rate: Double?, operations: Int?) {
    (self.lane, self.until, left) = (lane, until, operations)
    next = first
    interval = rate.map { UInt64(1_000_000_000 / $0) } ?? 0
  }

  /// When the caller's next operation begins, or should have begun; nil when there is none.
  func next() async -> UInt64? {
    if lane.stop.isRaised || isOver { return nil }
    if let left {
      if left == 0 { return nil }
      self.left = left - 1
    }
    let now = lane.now
    guard now < until else { return nil }
    if interval == 0 { return now }
    let intended = next
    guard intended < until else { return nil }
    next += interval
    guard intended > now else { return intended }
    await withUnsafeContinuation { continuation in
      waiting.append((intended, continuation))
      rest.take()?.resume()
    }
    return isOver || lane.stop.isRaised ? nil : intended
  }

  /// Wakes the clients of an open loop at their times, until ``end()``. Run as a task of its own.
  func keepTime() async {
    guard interval > 0, !isOver else { return }
    let timer: PreciseTimer
    do throws(LoopError) {
      timer = try PreciseTimer(on: lane.loop)
    } catch {
      preconditionFailure("an open loop needs a timer: \(error)")
    }
    self.timer = timer
    while !isOver {
      if firstWaiting == waiting.count {
        waiting.removeAll(keepingCapacity: true)
        firstWaiting = 0
        await withUnsafeContinuation { rest = $0 }
        continue
      }
      let due = waiting[firstWaiting].at
      if due > lane.now { await timer.wait(until: LoopInstant(nanoseconds: due)) }
      if isOver { break }
      let now = lane.now
      while firstWaiting < waiting.count, waiting[firstWaiting].at <= now {
        waiting[firstWaiting].client.resume()
        firstWaiting += 1
      }
      if lane.stop.isRaised { end() }
    }
    timer.close()
  }

  /// Lets every client go, and counts what was planned within the measured time and never began.
  func end() {
    guard !isOver else { return }
    isOver = true
    if interval > 0, next < until, !lane.stop.isRaised {
      let start = max(next, lane.recorder.from)
      // Where operations are counted, nothing but those that were left of them was planned.
      let planned = left.map { UInt64($0) } ?? .max
      if until > start { lane.recorder.neverBegan(min((until - start) / interval, planned)) }
    }
    while firstWaiting < waiting.count {
      waiting[firstWaiting].client.resume()
      firstWaiting += 1
    }
    rest.take()?.resume()
    timer?.close()
  }
}
