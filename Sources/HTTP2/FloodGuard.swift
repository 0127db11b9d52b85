// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Counts what costs us and says nothing, and says when it is too much. A value without effects; time is given.
struct FloodGuard {
  /// What is counted, up to a burst, and forgiven at a steady rate.
  private struct Debt {
    let burst: Int
    let perSecond: Int
    private var owed = 0
    private var since: UInt64 = 0

    init(burst: Int, perSecond: Int) {
      self.burst = burst
      self.perSecond = perSecond
    }

    /// Whether one more is still borne.
    mutating func bears(at now: UInt64) -> Bool {
      if owed == 0 {
        since = now
      } else if now > since, perSecond > 0 {
        let interval = 1_000_000_000 / UInt64(perSecond)
        let forgiven = (now - since) / interval
        owed = forgiven >= UInt64(owed) ? 0 : owed - Int(forgiven)
        since = owed == 0 ? now : since + forgiven * interval
      }
      owed += 1
      return owed <= burst
    }
  }

  private var resets: Debt
  private var controlFrames: Debt
  private let windowUpdatesPerFrame: Int
  private var windowUpdatesPaid: Int
  private var headsPaid: Int
  /// Resets that were counted when they were decided, and have not left.
  private var resetsWaiting = 0

  /// Window updates that nothing has paid for yet: what a client sends at its start.
  private static let freeWindowUpdates = 100
  /// What a client that never reads may not save up.
  private static let paidMax = 10_000

  init(_ limits: HTTP2Limits) {
    resets = Debt(burst: limits.resetsBurst, perSecond: limits.resetsPerSecond)
    controlFrames = Debt(burst: limits.controlFramesBurst, perSecond: limits.controlFramesPerSecond)
    windowUpdatesPerFrame = limits.windowUpdatesPerFrame
    windowUpdatesPaid = Self.freeWindowUpdates
    // As many as may come before the first is looked into, and some that do not count.
    headsPaid = limits.streamsMax + 100
  }

  /// A stream was reset by the client.
  mutating func takeReset(at now: UInt64) throws(HTTP2Ending) {
    guard resets.bears(at: now) else { throw .resets }
  }

  /// A stream will be reset for what the client sent.
  mutating func decideReset(at now: UInt64) throws(HTTP2Ending) {
    resetsWaiting += 1
    try takeReset(at: now)
  }

  /// A reset of ours has left: counted unless it was when it was decided, which nghttp2 does not always tell.
  mutating func sentReset(at now: UInt64) throws(HTTP2Ending) {
    if resetsWaiting > 0 { resetsWaiting -= 1 } else { try takeReset(at: now) }
  }

  /// A field section: free as far as requests have paid for it, since one that belongs to no stream is decoded for
  /// nothing and answered with nothing.
  mutating func takeHead(at now: UInt64) throws(HTTP2Ending) {
    if headsPaid > 0 { headsPaid -= 1 } else { try takeControlFrame(at: now) }
  }

  /// A request began: its head, and its trailers.
  mutating func payForHeads() {
    headsPaid = min(headsPaid + 2, Self.paidMax)
  }

  /// A frame that carries nothing.
  mutating func takeControlFrame(at now: UInt64) throws(HTTP2Ending) {
    guard controlFrames.bears(at: now) else { throw .controlFrames }
  }

  /// A window update: free as far as what we sent has paid for it.
  mutating func takeWindowUpdate(at now: UInt64) throws(HTTP2Ending) {
    if windowUpdatesPaid > 0 {
      windowUpdatesPaid -= 1
    } else {
      try takeControlFrame(at: now)
    }
  }

  /// We sent a DATA frame.
  mutating func payForWindowUpdates() {
    // A long pull may not save up for a flood.
    windowUpdatesPaid = min(windowUpdatesPaid + windowUpdatesPerFrame, Self.paidMax)
  }
}
