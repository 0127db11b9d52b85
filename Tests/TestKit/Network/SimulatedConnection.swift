// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryWorld
import Synchronization

/// A connection in memory: two directions with bounded buffers, and the means to disturb them.
///
/// Bytes travel by deliveries, which the scheduler orders by the seed and which bring a seeded part of what is on the
/// way; a read takes a seeded part of what has arrived: every split of a message comes up.
/// Closing an end that has unread bytes resets the other, and drops what was on the way to it, as TCP may.
public final class SimulatedConnection: Sendable {
  /// One of the two ends.
  public enum Side: Int, Sendable, Hashable {
    /// The end that connected.
    case client
    /// The end that was accepted.
    case server

    var other: Side { self == .client ? .server : .client }
    // Printing a case looks it up in the binary, and every wait is named.
    var name: String { self == .client ? "client" : "server" }
  }

  struct Waiter {
    let continuation: UnsafeContinuation<Void, Never>
    let loop: SimulatedLoop
    let wait: Int
  }

  /// What goes one way.
  private struct Direction {
    var onTheWay: [UInt8] = []
    var arrived: [UInt8] = []
    var isFinished = false
    var finishArrived = false
    var isDelivering = false
    var isStalled = false
    var delivered = 0
    var deliveredMax: Int?
    var reader: Waiter?
    var writer: Waiter?
  }

  private struct End {
    var isClosed = false
    var isReset = false
    var process: SimulatedScheduler.ProcessID?
  }

  private struct State {
    // By the side that writes.
    var directions = [Direction(), Direction()]
    var ends: [End]
  }

  /// The connection's number within its network.
  public let id: Int
  private let network: SimulatedNetwork
  private let state: Mutex<State>

  init(
    id: Int, network: SimulatedNetwork, client: SimulatedScheduler.ProcessID?, server: SimulatedScheduler.ProcessID?
  ) {
    self.id = id
    self.network = network
    state = Mutex(State(ends: [End(process: client), End(process: server)]))
  }

  private var scheduler: SimulatedScheduler { network.scheduler }

  // MARK: Disturbances

  /// Resets both ends at once; what was on the way is lost, what had arrived can still be read.
  public func reset() {
    scheduler.note("connection \(id) is reset")
    state.withLock { state in
      for side in [Side.client, .server] { breakEnd(side, &state) }
    }
  }

  /// Resets both ends as soon as `count` bytes in all, counted from the connection's start, were delivered to `side`.
  public func reset(afterDelivering count: Int, to side: Side) {
    let isDue = state.withLock { state in
      state.directions[side.other.rawValue].deliveredMax = count
      return state.directions[side.other.rawValue].delivered >= count
    }
    if isDue { reset() }
  }

  /// Holds back everything on its way to `side`, until ``resume(to:)``.
  public func stall(to side: Side) {
    state.withLock { $0.directions[side.other.rawValue].isStalled = true }
  }

  /// Lets bytes travel to `side` again.
  public func resume(to side: Side) {
    state.withLock { state in
      state.directions[side.other.rawValue].isStalled = false
      startDelivery(from: side.other, &state)
    }
  }

  /// How many bytes were delivered to `side` so far.
  public func deliveredCount(to side: Side) -> Int {
    state.withLock { $0.directions[side.other.rawValue].delivered }
  }

  // MARK: What the ends do

  enum ReadOutcome {
    case bytes([UInt8])
    case end
    case wait
  }

  func read(_ side: Side, atMost limit: Int) throws(StreamError) -> ReadOutcome {
    try state.withLock { (state) throws(StreamError) -> ReadOutcome in
      let index = side.other.rawValue
      if state.ends[side.rawValue].isClosed { throw .closed }
      let most = min(limit, state.directions[index].arrived.count)
      if most > 0 {
        let count = scheduler.draw { $0.part(of: most) }
        let bytes = Array(state.directions[index].arrived[..<count])
        state.directions[index].arrived.removeFirst(count)
        wake(&state.directions[index].writer)
        return .bytes(bytes)
      }
      if state.ends[side.rawValue].isReset { throw .reset }
      return state.directions[index].finishArrived ? .end : .wait
    }
  }

  func hasArrival(_ side: Side) -> Bool {
    state.withLock { !$0.ends[side.rawValue].isClosed && !$0.directions[side.other.rawValue].arrived.isEmpty }
  }

  /// Takes what there is room for and returns how much that was.
  func write(_ side: Side, _ bytes: ArraySlice<UInt8>) throws(StreamError) -> Int {
    try state.withLock { (state) throws(StreamError) -> Int in
      if state.ends[side.rawValue].isClosed || state.directions[side.rawValue].isFinished { throw .closed }
      if state.ends[side.rawValue].isReset { throw .reset }
      let direction = state.directions[side.rawValue]
      let room = network.bufferBytesMax - direction.onTheWay.count - direction.arrived.count
      let count = min(room, bytes.count)
      guard count > 0 else { return 0 }
      state.directions[side.rawValue].onTheWay.append(contentsOf: bytes.prefix(count))
      startDelivery(from: side, &state)
      return count
    }
  }

  func finishWriting(_ side: Side) {
    state.withLock { state in
      state.directions[side.rawValue].isFinished = true
      startDelivery(from: side, &state)
    }
  }

  func close(_ side: Side) {
    let isOver = state.withLock { state -> Bool in
      guard !state.ends[side.rawValue].isClosed else { return false }
      state.ends[side.rawValue].isClosed = true
      wake(&state.directions[side.rawValue].writer)
      wake(&state.directions[side.other.rawValue].reader)
      if state.directions[side.other.rawValue].arrived.isEmpty {
        state.directions[side.rawValue].isFinished = true
        startDelivery(from: side, &state)
      } else {
        breakEnd(side.other, &state)
      }
      return state.ends[side.other.rawValue].isClosed
    }
    if isOver { network.forget(self) }
  }

  func close(endsOf process: SimulatedScheduler.ProcessID) {
    let sides = state.withLock { state in
      [Side.client, .server].filter { state.ends[$0.rawValue].process == process }
    }
    for side in sides { close(side) }
  }

  func isClosed(_ side: Side) -> Bool {
    state.withLock { $0.ends[side.rawValue].isClosed }
  }

  func adopt(_ side: Side, by process: SimulatedScheduler.ProcessID) {
    state.withLock { $0.ends[side.rawValue].process = process }
  }

  /// Waits until the next try to read or write can differ from the last.
  func wait(_ side: Side, toRead: Bool, on loop: SimulatedLoop) async {
    let wait = scheduler.beginWait(
      process: loop.process, "\(side.name) of connection \(id) waits to \(toRead ? "read" : "write")")
    // Unsafe: the checked form complains when a killed process drops it.
    await withUnsafeContinuation { continuation in
      let waiter = Waiter(continuation: continuation, loop: loop, wait: wait)
      let waits = state.withLock { state -> Bool in
        // What was waited for may have come since the try.
        guard mustWait(side, toRead: toRead, state) else { return false }
        let index = toRead ? side.other.rawValue : side.rawValue
        let other = toRead ? state.directions[index].reader : state.directions[index].writer
        precondition(other == nil, "one \(toRead ? "read" : "write") at a time on \(side) of connection \(id)")
        if toRead { state.directions[index].reader = waiter } else { state.directions[index].writer = waiter }
        return true
      }
      if !waits {
        scheduler.endWait(wait)
        continuation.resume()
      }
    }
  }

  private func mustWait(_ side: Side, toRead: Bool, _ state: State) -> Bool {
    if state.ends[side.rawValue].isClosed || state.ends[side.rawValue].isReset { return false }
    let direction = state.directions[toRead ? side.other.rawValue : side.rawValue]
    if toRead { return direction.arrived.isEmpty && !direction.finishArrived }
    return direction.onTheWay.count + direction.arrived.count >= network.bufferBytesMax && !direction.isFinished
  }

  // MARK: Deliveries

  private func startDelivery(from side: Side, _ state: inout State) {
    let direction = state.directions[side.rawValue]
    guard !direction.isDelivering, !direction.isStalled else { return }
    guard !direction.onTheWay.isEmpty || direction.isFinished && !direction.finishArrived else { return }
    state.directions[side.rawValue].isDelivering = true
    network.later { [self] in deliver(from: side) }
  }

  private func deliver(from side: Side) {
    let disturbance = network.disturbance()
    let isCut = state.withLock { state -> Bool in
      let index = side.rawValue
      state.directions[index].isDelivering = false
      guard !state.directions[index].isStalled, !state.ends[side.other.rawValue].isReset else { return false }
      if state.ends[side.other.rawValue].isClosed {
        if !state.directions[index].onTheWay.isEmpty { breakEnd(side, &state) }
        return false
      }
      if disturbance == .reset { return true }
      return bring(from: side, &state)
    }
    if isCut { reset() }
  }

  /// Brings a part of what is on the way; true when the connection breaks after it.
  private func bring(from side: Side, _ state: inout State) -> Bool {
    let index = side.rawValue
    let waiting = state.directions[index].onTheWay.count
    var count = waiting == 0 ? 0 : scheduler.draw { $0.part(of: waiting) }
    if let most = state.directions[index].deliveredMax {
      count = min(count, max(0, most - state.directions[index].delivered))
    }
    state.directions[index].arrived.append(contentsOf: state.directions[index].onTheWay.prefix(count))
    state.directions[index].onTheWay.removeFirst(count)
    state.directions[index].delivered += count
    if state.directions[index].onTheWay.isEmpty, state.directions[index].isFinished {
      state.directions[index].finishArrived = true
    }
    wake(&state.directions[index].reader)
    startDelivery(from: side, &state)
    return state.directions[index].deliveredMax.map { state.directions[index].delivered >= $0 } ?? false
  }

  /// Lets one end see a reset.
  private func breakEnd(_ side: Side, _ state: inout State) {
    state.ends[side.rawValue].isReset = true
    state.directions[side.rawValue].onTheWay = []
    state.directions[side.other.rawValue].onTheWay = []
    wake(&state.directions[side.rawValue].writer)
    wake(&state.directions[side.other.rawValue].reader)
  }

  private func wake(_ waiter: inout Waiter?) {
    guard let woken = waiter.take() else { return }
    scheduler.endWait(woken.wait)
    scheduler.submit(process: woken.loop.process, on: woken.loop) { woken.continuation.resume() }
  }
}
