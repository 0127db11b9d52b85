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
    if session.ending != nil {
      // It is told why, if it reads; it gets no time for more.
      guard let since = endedSince else {
        endedSince = now
        return false
      }
      return now.duration(since: since) >= limits.lingerTimeout
    }
    if let sectionSince, now.duration(since: sectionSince) >= limits.headTimeout { return true }
    if isWriting, isStuck(now: now) { return true }
    if exchanges.isEmpty {
      // The first request has the time that a head has, as over HTTP/1.1.
      let patience = hasServed ? limits.idleTimeout : limits.headTimeout
      guard !isWriting, now.duration(since: idleSince) >= patience else { return false }
      // Told first; a client that does not even take that is cut off some seconds later.
      if now.duration(since: idleSince) >= patience + limits.lingerTimeout { return true }
      session.refuseNewStreams()
      askToWrite()
      return false
    }
    for exchange in exchanges.values.sorted(by: { $0.stream < $1.stream }) { judge(exchange, now: now) }
    return false
  }

  /// Whether the client takes nothing of what we write, whatever it sends.
  private func isStuck(now: LoopInstant) -> Bool {
    guard let seenAt = sentSeenAt, sentSeen == stream.sent else {
      sentSeen = stream.sent
      sentSeenAt = now
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
