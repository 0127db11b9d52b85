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

  /// Window updates that nothing has paid for yet: what a client sends at its start.
  private static let freeWindowUpdates = 100

  init(_ limits: HTTP2Limits) {
    resets = Debt(burst: limits.resetsBurst, perSecond: limits.resetsPerSecond)
    controlFrames = Debt(burst: limits.controlFramesBurst, perSecond: limits.controlFramesPerSecond)
    windowUpdatesPerFrame = limits.windowUpdatesPerFrame
    windowUpdatesPaid = Self.freeWindowUpdates
  }

  /// A stream was reset, by the client or for what it sent.
  mutating func takeReset(at now: UInt64) throws(HTTP2Ending) {
    guard resets.bears(at: now) else { throw .resets }
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
    windowUpdatesPaid = min(windowUpdatesPaid + windowUpdatesPerFrame, 10_000)
  }
}
