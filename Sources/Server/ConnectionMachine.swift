// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTPWire
internal import GantryWorld

/// What a connection is doing, how long it may go on, and what follows. A value without effects: the connection
/// tells it what happened and does what it says.
struct ConnectionMachine {
  /// What the connection waits for.
  enum Phase: Hashable {
    /// The next request; not a byte of it has come. The first request of a connection is awaited as ``head``.
    case idle
    /// The rest of a head.
    case head
    /// Bytes of a body, which the responder asked for.
    case body
    /// The responder. No deadline of the server's: the work is ours.
    case responding
    /// The client, to take the response.
    case writing
    /// The client's end of stream, after our last response.
    case lingering
  }

  /// What follows a response.
  enum Next: Hashable {
    /// Another request on the same connection.
    case request
    /// The same, after at most this many bytes of body were dropped.
    case discard
    /// The connection ends; what the client still sends is dropped for a moment, so that a reset does not destroy
    /// the response on its way.
    case linger
    /// The connection ends.
    case close
  }

  private(set) var phase = Phase.head
  private(set) var isDraining = false
  private(set) var isWindingDown = false
  private(set) var hasTimedOut = false
  private let limits: ServerLimits
  private let accepted: LoopInstant
  /// When it began to wait. What that means for the deadline is asked once a second, not at each change.
  private var began: LoopInstant
  private var progressSeen: UInt64 = 0

  /// A connection that was just accepted: its first head is due.
  init(limits: ServerLimits, now: LoopInstant) {
    self.limits = limits
    began = now
    accepted = now
  }

  /// The connection begins to wait for something else.
  mutating func enter(_ phase: Phase, now: LoopInstant, progress: UInt64) {
    self.phase = phase
    progressSeen = progress
    began = now
  }

  /// Whether the connection has run out of time. Called about once a second. Bodies and responses may last as long as
  /// something moves; a head may not.
  mutating func isOverdue(now: LoopInstant, progress: UInt64) -> Bool {
    guard let deadline = timeout(of: phase).map({ began.advanced(by: $0) }) else { return false }
    if progress != progressSeen, phase == .body || phase == .writing {
      enter(phase, now: now, progress: progress)
      return false
    }
    hasTimedOut = hasTimedOut || now >= deadline
    return hasTimedOut
  }

  /// The server will stop soon: whoever asks is answered, and told to go elsewhere afterwards.
  mutating func windDown() {
    isWindingDown = true
  }

  /// The server stops: no further request is taken.
  mutating func drain() {
    isDraining = true
  }

  /// Whether the connection may close, if nothing of a request has come: the server stops, and the client was answered
  /// once or has had its time. One that was just accepted may have its first request on the way, from a proxy that saw
  /// us listen.
  func mayEnd(now: LoopInstant) -> Bool {
    switch phase {
    case .idle: isDraining
    case .head: isDraining && now >= accepted.advanced(by: Self.firstRequestGrace)
    case .body, .responding, .writing, .lingering: false
    }
  }

  private static let firstRequestGrace = Duration.seconds(1)

  /// Whether the response to this head may promise another request.
  func keepsAlive(after head: RequestHead, closes: Bool) -> Bool {
    head.keepAlive && !closes && !isDraining && !isWindingDown
  }

  /// What follows a response.
  func next(kept: Bool, bodyIsComplete: Bool, bodyWasAwaited: Bool, bodyIsUsable: Bool) -> Next {
    if bodyIsComplete { return kept ? .request : .linger }
    // A client that waits for 100 Continue may send its body or not; only closing is unambiguous.
    guard bodyIsUsable, !bodyWasAwaited, kept else { return .linger }
    return .discard
  }

  private func timeout(of phase: Phase) -> Duration? {
    switch phase {
    case .idle: limits.idleTimeout
    case .head: limits.headTimeout
    case .body: limits.bodyTimeout
    case .responding: nil
    case .writing: limits.writeTimeout
    case .lingering: limits.lingerTimeout
    }
  }
}
