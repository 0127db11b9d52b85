// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A turn that many may hold together, or one alone, and those who wait for it, first come, first served: nobody who
/// would share passes somebody who waits to be alone.
///
/// A plain value in the hands of an actor: it decides, the actor suspends and resumes.
struct SharedTurn {
  /// How a turn is held.
  enum Manner {
    /// Beside others who share it.
    case shared
    /// With nobody beside.
    case alone
  }

  private struct Waiting {
    var owner: OwnerID
    var manner: Manner
    var continuation: UnsafeContinuation<Void, Never>
  }

  private var holders: Set<OwnerID> = []
  private var isAlone = false
  private var waiting: [Waiting] = []

  /// Takes the turn if it can be had now.
  mutating func tryTake(_ owner: OwnerID, _ manner: Manner) -> Bool {
    guard waiting.isEmpty, canHold(manner) else { return false }
    hold(owner, manner)
    return true
  }

  /// Takes the turn if it can be had now, and resumes at once; else lines up. The continuation is then among those that
  /// ``leave(_:)`` returns when the turn has come.
  mutating func takeOrWait(_ owner: OwnerID, _ manner: Manner, _ continuation: UnsafeContinuation<Void, Never>) {
    if tryTake(owner, manner) {
      continuation.resume()
    } else {
      waiting.append(Waiting(owner: owner, manner: manner, continuation: continuation))
    }
  }

  /// Gives the turn up. Those whose turn has come now hold it; the caller resumes them.
  mutating func leave(_ owner: OwnerID) -> [UnsafeContinuation<Void, Never>] {
    let held = holders.remove(owner)
    precondition(held != nil, "only a holder gives up the turn")
    if holders.isEmpty { isAlone = false }
    var continuations: [UnsafeContinuation<Void, Never>] = []
    for next in waiting {
      guard canHold(next.manner) else { break }
      hold(next.owner, next.manner)
      continuations.append(next.continuation)
    }
    waiting.removeFirst(continuations.count)
    return continuations
  }

  private func canHold(_ manner: Manner) -> Bool {
    switch manner {
    case .shared: !isAlone
    case .alone: holders.isEmpty
    }
  }

  private mutating func hold(_ owner: OwnerID, _ manner: Manner) {
    holders.insert(owner)
    isAlone = manner == .alone
  }
}
