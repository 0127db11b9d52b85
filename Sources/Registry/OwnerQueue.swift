// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A turn that one owner holds at a time, and those who wait for it, first come, first served.
///
/// A plain value in the table of an actor: it decides, the actor suspends and resumes.
struct OwnerQueue {
  private(set) var holder: OwnerID?
  private var waiting: [(owner: OwnerID, continuation: UnsafeContinuation<Void, Never>)] = []
  private var firstWaiting = 0

  /// Whether nobody holds it; then nobody waits either.
  var isFree: Bool { holder == nil }

  /// Takes the turn if it is free.
  mutating func tryTake(_ owner: OwnerID) -> Bool {
    guard holder == nil else { return false }
    holder = owner
    return true
  }

  /// Takes the turn if it is free, and resumes at once; else lines up. The continuation is then the one that
  /// ``leave(_:)`` returns when the turn has come.
  mutating func takeOrWait(_ owner: OwnerID, _ continuation: UnsafeContinuation<Void, Never>) {
    if tryTake(owner) {
      continuation.resume()
    } else {
      waiting.append((owner, continuation))
    }
  }

  /// Gives the turn up and to the next in line, whose continuation the caller resumes.
  mutating func leave(_ owner: OwnerID) -> UnsafeContinuation<Void, Never>? {
    precondition(holder == owner, "only the holder gives up the turn")
    guard firstWaiting < waiting.count else {
      holder = nil
      return nil
    }
    let next = waiting[firstWaiting]
    firstWaiting += 1
    if firstWaiting == waiting.count {
      waiting.removeAll()
      firstWaiting = 0
    }
    holder = next.owner
    return next.continuation
  }
}
