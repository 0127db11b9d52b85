// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryHTTP2
internal import GantryHTTPService
internal import GantryWorld

/// What a connection does when nothing moves.
extension HTTP2Connection {
  /// Whether its time has run out; requests whose time has are ended here. Asked by the table about once a second.
  func isOverdue(now: LoopInstant) -> Bool {
    switch phase {
    case .closed: return false
    case .lingering(let end): return now >= end
    case .open: break
    }
    let limits = shared.limits
    if let sectionSince, now.duration(since: sectionSince) >= limits.headTimeout { return true }
    if isWriting, isStuck(now: now) { return true }
    if exchanges.isEmpty {
      guard !isWriting, now.duration(since: idleSince) >= limits.idleTimeout else { return false }
      // Told first; a client that does not even take that is cut off some seconds later.
      if now.duration(since: idleSince) >= limits.idleTimeout + limits.lingerTimeout { return true }
      session.refuseNewStreams()
      askToWrite()
      return false
    }
    for exchange in exchanges.values.sorted(by: { $0.stream < $1.stream }) { judge(exchange, now: now) }
    return false
  }

  /// Whether the client takes nothing of what we write.
  private func isStuck(now: LoopInstant) -> Bool {
    guard let seenAt = progressSeenAt, progressSeen == stream.progress else {
      progressSeen = stream.progress
      progressSeenAt = now
      return false
    }
    return now.duration(since: seenAt) >= shared.limits.writeTimeout
  }

  /// Ends what stands still of one exchange: a body that does not come, a response that its window keeps back.
  private func judge(_ exchange: HTTP2Exchange, now: LoopInstant) {
    if let since = exchange.awaitsBodySince, now.duration(since: since) >= shared.limits.bodyTimeout {
      exchange.breakBody(.stalled)
    }
    let sent = session.bytesSent(exchange.stream)
    guard session.waitsForWindow(exchange.stream), sent == exchange.sentSeen, let since = exchange.sentSeenAt else {
      exchange.sentSeen = sent
      exchange.sentSeenAt = now
      return
    }
    if now.duration(since: since) >= shared.limits.writeTimeout {
      session.reset(exchange.stream, .cancel)
      askToWrite()
    }
  }
}
