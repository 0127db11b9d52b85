// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

@testable import GantryRegistry

struct UploadSessionMachineTests {
  let owners = OwnerID.Source()

  @Test func aClaimWhereTheSessionStandsTakesItOver() {
    var machine = UploadSessionMachine()
    let (first, second) = (owners.next(), owners.next())
    #expect(machine.claim(by: first, startingAt: 0, standingAt: 0) == .granted)
    #expect(machine.verdict(for: first) == .proceed)
    #expect(machine.verdict(for: second) == .superseded)
    #expect(machine.claim(by: second, startingAt: 5, standingAt: 5) == .granted)
    #expect(machine.verdict(for: first) == .superseded)
    #expect(machine.verdict(for: second) == .proceed)
  }

  @Test func aClaimElsewhereDisturbsNobody() {
    var machine = UploadSessionMachine()
    let (first, second) = (owners.next(), owners.next())
    #expect(machine.claim(by: first, startingAt: nil, standingAt: 9) == .granted)
    for start: UInt64 in [0, 8, 10, .max] {
      #expect(machine.claim(by: second, startingAt: start, standingAt: 9) == .outOfOrder)
    }
    #expect(machine.phase == .appending(first))
  }

  @Test func onlyTheHolderLeavesTheSessionIdle() {
    var machine = UploadSessionMachine()
    let (first, second) = (owners.next(), owners.next())
    _ = machine.claim(by: first, startingAt: nil, standingAt: 0)
    _ = machine.claim(by: second, startingAt: 0, standingAt: 0)
    let firstHeld = machine.letGo(by: first)
    #expect(!firstHeld)
    #expect(machine.phase == .appending(second))
    let secondHeld = machine.letGo(by: second)
    #expect(secondHeld)
    #expect(machine.phase == .idle)
    #expect(machine.verdict(for: second) == .superseded)
  }

  @Test func aFailedCommitGoesBackAndAnEndedSessionStaysEnded() {
    var machine = UploadSessionMachine()
    let owner = owners.next()
    _ = machine.claim(by: owner, startingAt: nil, standingAt: 0)
    machine.beginCommit(by: owner)
    #expect(machine.verdict(for: owner) == .proceed)
    machine.resumeAfterCommit(by: owner)
    #expect(machine.phase == .appending(owner))
    machine.end()
    #expect(machine.verdict(for: owner) == .ended)
    #expect(machine.claim(by: owners.next(), startingAt: nil, standingAt: 0) == .ended)
    let ownerHeld = machine.letGo(by: owner)
    #expect(!ownerHeld)
  }
}
