// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Decides who may work on an upload session, and when; knows neither bytes nor storage.
///
/// A request *claims* the session before it touches it. A later claim that starts exactly where the session stands
/// takes over from an earlier one: that is a client that lost its connection and comes back before we noticed. A
/// claim that starts elsewhere disturbs nobody.
struct UploadSessionMachine {
  /// What the session is doing.
  enum Phase: Equatable {
    /// Nobody works on it.
    case idle
    /// A request appends to it.
    case appending(OwnerID)
    /// A request commits it.
    case committing(OwnerID)
    /// It was committed or cancelled.
    case ended
  }

  /// Whether an owner may go on.
  enum Verdict: Equatable {
    /// It holds the session.
    case proceed
    /// A later claim took the session over.
    case superseded
    /// The session has ended.
    case ended
  }

  /// What a claim came to.
  enum Claim: Equatable {
    /// The claimer holds the session now.
    case granted
    /// The claimer's bytes begin elsewhere.
    case outOfOrder
    /// The session has ended.
    case ended
  }

  private(set) var phase = Phase.idle

  /// Judges a request that wants to append at `start` (nil: wherever the session stands) to a session that stands at
  /// `offset`.
  mutating func claim(by owner: OwnerID, startingAt start: UInt64?, standingAt offset: UInt64) -> Claim {
    if case .ended = phase { return .ended }
    if let start, start != offset { return .outOfOrder }
    phase = .appending(owner)
    return .granted
  }

  /// Whether `owner` may append, flush, commit or cancel.
  func verdict(for owner: OwnerID) -> Verdict {
    switch phase {
    case .appending(owner), .committing(owner): .proceed
    case .idle, .appending, .committing: .superseded
    case .ended: .ended
    }
  }

  /// The owner begins to commit.
  mutating func beginCommit(by owner: OwnerID) {
    precondition(phase == .appending(owner), "only the owner commits")
    phase = .committing(owner)
  }

  /// The commit failed in a way that leaves the session as it was.
  mutating func resumeAfterCommit(by owner: OwnerID) {
    precondition(phase == .committing(owner), "only a commit under way fails")
    phase = .appending(owner)
  }

  /// The session is over.
  mutating func end() {
    phase = .ended
  }

  /// The owner is done. True when it still held the session, which is idle now.
  mutating func letGo(by owner: OwnerID) -> Bool {
    guard verdict(for: owner) == .proceed else { return false }
    phase = .idle
    return true
  }
}
