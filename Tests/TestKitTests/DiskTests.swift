// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import GantryWorld
import Testing

@Suite struct DiskTests {
  private func error(_ body: () throws -> Void) -> FileError? {
    do {
      try body()
      return nil
    } catch {
      return error as? FileError
    }
  }

  @Test func filesAreReadAndWrittenAtPositions() throws {
    let disk = SimulatedDisk()
    let file = try disk.open("/a", .createNew(mode: 0o600))
    try file.write([1, 2, 3], at: 2)
    #expect(try file.read(10, at: 0) == [0, 0, 1, 2, 3])
    #expect(try file.read(2, at: 3) == [2, 3])
    #expect(try file.read(2, at: 5) == [])
    #expect(try file.read(2, at: .max) == [])
    try file.write([9], at: 3)
    try file.truncate(to: 4)
    #expect(try file.read(10, at: 0) == [0, 0, 1, 9])
    try file.truncate(to: 6)
    #expect(try file.read(10, at: 0) == [0, 0, 1, 9, 0, 0])
    #expect(try file.status().size == 6)
    #expect(disk.usedBytes == 6)
  }

  @Test func anOpenFileOutlivesItsName() throws {
    let disk = SimulatedDisk()
    disk.plant([1, 2], at: "d/a")
    var file: (any OpenFile)? = try disk.open("d/a", .read)
    #expect(try disk.remove("d/a"))
    #expect(try file?.read(9, at: 0) == [1, 2])
    #expect(disk.usedBytes == 2)
    #expect(disk.openFileCount == 1)
    file = nil
    #expect(disk.usedBytes == 0)
    #expect(disk.openFileCount == 0)
  }

  @Test func callsAnswerAsTheSystemDoes() throws {
    let disk = SimulatedDisk()
    disk.plant([1], at: "d/a")
    disk.plant([2], at: "d/b")
    #expect(try disk.status("none") == nil)
    #expect(try disk.status("d/a/below-a-file") == nil)
    #expect(try disk.status("d/./../d/a")?.size == 1)
    #expect(try disk.makeDirectory("d") == false)
    #expect(error { _ = try disk.makeDirectory("d/a") }?.reason == .exists)
    #expect(error { _ = try disk.makeDirectory("none/x") }?.reason == .absent)
    #expect(error { _ = try disk.open("none", .read) }?.reason == .absent)
    #expect(error { _ = try disk.open("d/a", .createNew(mode: 0)) }?.reason == .exists)
    #expect(error { _ = try disk.open("d", .readWrite) }?.code == 21)
    #expect(error { try disk.rename("none", to: "x") }?.reason == .absent)
    #expect(error { try disk.rename("d", to: "d/below") }?.reason == .invalidName)
    #expect(error { try disk.rename("d/a", to: "d/../d") }?.code == 21)
    #expect(try disk.link("d/a", as: "d/b") == false)
    #expect(try disk.link("d/a", as: "d/c") == true)
    #expect(try disk.remove("none") == false)
    #expect(try disk.removeDirectory("none") == false)
    #expect(try disk.removeDirectory("d") == false, "it is not empty")
    #expect(try disk.entries("none") == nil)
    #expect(try disk.entries("d").map { Set($0.map(\.name)) } == ["a", "b", "c"])
    #expect(error { try disk.syncDirectory("none") }?.reason == .absent)
    #expect(error { _ = try disk.status("d/" + String(repeating: "x", count: 256)) }?.reason == .invalidName)
    let readOnly = try disk.open("d/a", .read)
    #expect(error { try readOnly.write([1], at: 0) }?.code == 9)
    let (first, second) = (try disk.status("d/a"), try disk.status("d/c"))
    #expect(first?.inode == second?.inode, "two names, one file")
  }

  @Test func locksBelongToOpenFiles() throws {
    let disk = SimulatedDisk()
    disk.plant([], at: "lock")
    var first: (any OpenFile)? = try disk.open("lock", .readWrite)
    let second = try disk.open("lock", .readWrite)
    #expect(try first?.tryLock() == true)
    #expect(try first?.tryLock() == true, "the holder holds it")
    #expect(try second.tryLock() == false)
    #expect(try second.isLockedElsewhere() && !first!.isLockedElsewhere())
    second.unlock()
    #expect(try second.tryLock() == false, "only the holder frees it")
    first?.unlock()
    #expect(try second.isLockedElsewhere() == false)
    #expect(try first?.isLockedElsewhere() == false, "asking takes nothing")
    #expect(try second.tryLock() == true)
    second.unlock()
    #expect(try first?.tryLock() == true)
    first = nil
    #expect(try second.tryLock() == true, "freed with the last reference")
    #expect(disk.lockCount == 1)
  }

  @Test func aKilledProcessLosesItsLocksAndKeepsItsWrites() throws {
    let disk = SimulatedDisk()
    let (first, second) = (disk.view(of: 1), disk.view(of: 2))
    let held = try first.open("a", .create(mode: 0o644))
    let waiting = try second.open("a", .readWrite)
    try held.write([7], at: 0)
    #expect(try held.tryLock())
    #expect(try !waiting.tryLock())
    disk.kill(1)
    #expect(try waiting.tryLock())
    #expect(try waiting.read(9, at: 0) == [7])
    #expect(error { try held.write([8], at: 0) }?.reason == .failed)
    #expect(error { _ = try first.open("a", .read) }?.reason == .failed)
    #expect(disk.openFileCount == 1)
    disk.crash()
    #expect(disk.lockCount == 0)
    #expect(disk.openFileCount == 0)
    #expect(error { _ = try waiting.read(1, at: 0) }?.code == 9)
  }

  @Test func theNthOperationFails() throws {
    let push = { (disk: SimulatedDisk) in
      _ = try disk.makeDirectory("d")
      let file = try disk.open("d/t", .createNew(mode: 0o644))
      try file.write([1, 2, 3, 4], at: 0)
      try file.sync()
      try disk.rename("d/t", to: "d/a")
      try disk.syncDirectory("d")
    }
    var failed: [FileOperation.Kind] = []
    for number in 1... {
      let disk = SimulatedDisk()
      disk.install(.failing(number, with: .failed))
      let caught = error { try push(disk) }
      #expect(disk.openFileCount == 0)
      if disk.faultCount == 0 {
        #expect(caught == nil)
        break
      }
      #expect(caught?.reason == .failed)
      #expect(caught?.code == 5)
      failed.append(try #require(disk.operations.last).kind)
    }
    #expect(failed == [.makeDirectory, .create, .write, .sync, .rename, .syncDirectory])
  }

  @Test func faultsComeBeforeHalfwayAndAfter() throws {
    let disk = SimulatedDisk()
    let file = try disk.open("a", .create(mode: 0o644))
    disk.install(.failing(1, of: [.write], moment: .before))
    #expect(error { try file.write([1, 2, 3, 4], at: 0) } != nil)
    #expect(disk.contents(of: "a") == [])
    disk.install(.failing(1, of: [.write], with: .noSpace, moment: .halfway))
    #expect(error { try file.write([1, 2, 3, 4], at: 0) }?.reason == .noSpace)
    #expect(disk.contents(of: "a") == [1, 2])
    disk.install(.failing(1, of: [.rename], moment: .after))
    #expect(error { try disk.rename("a", to: "b") } != nil)
    #expect(disk.contents(of: "b") == [1, 2])
    disk.install(FaultPlan([.init(.notPermitted, of: [.open, .create], pathContains: "secret", times: .max)]))
    #expect(error { _ = try disk.open("secret", .create(mode: 0)) }?.reason == .notPermitted)
    #expect(error { _ = try disk.open("b", .read) } == nil)
    disk.install(.dying(after: 1))
    #expect(error { _ = try disk.status("b") } == nil)
    #expect(error { _ = try disk.status("b") }?.reason == .failed)
    #expect(error { _ = try disk.open("b", .read) }?.reason == .failed)
  }

  @Test func aFullDiskTakesWhatFits() throws {
    let disk = SimulatedDisk(capacity: 10, openFilesMax: 2)
    let file = try disk.open("a", .create(mode: 0o644))
    #expect(error { try file.write([UInt8](repeating: 1, count: 16), at: 0) }?.reason == .noSpace)
    #expect(try file.status().size == 10)
    #expect(error { _ = try disk.open("b", .create(mode: 0o644)) }?.reason == .noSpace)
    #expect(error { try file.write([1], at: .max) }?.reason == .noSpace)
    #expect(error { try file.truncate(to: 11) }?.reason == .noSpace)
    try file.write([2], at: 9)
    try file.truncate(to: 4)
    let other = try disk.open("b", .create(mode: 0o644))
    try other.write([UInt8](repeating: 1, count: 6), at: 0)
    #expect(error { _ = try disk.open("b", .read) }?.reason == .tooManyOpenFiles)
    #expect(disk.usedBytes == 10)
    disk.crash(keeping: .everything)
    #expect(disk.usedBytes == 10)
  }

  @Test func operationsAreLoggedInOrder() throws {
    let disk = SimulatedDisk()
    disk.plant([1], at: "a")
    try disk.rename("a", to: "b")
    try disk.syncDirectory("/")
    #expect(disk.operations == [FileOperation(.rename, "a", to: "b"), FileOperation(.syncDirectory, "/")])
    #expect(disk.count(of: .sync, .syncDirectory) == 1)
    disk.resetLog()
    #expect(disk.operationCount == 0)
  }

  @Test func numbersOfRemovedFilesComeBackOnlyWhenAsked() throws {
    for reuses in [false, true] {
      let disk = SimulatedDisk()
      disk.reusesInodes = reuses
      disk.plant([1], at: "a")
      let old = try disk.status("a")?.inode
      _ = try disk.remove("a")
      disk.plant([2], at: "b")
      #expect((try disk.status("b")?.inode == old) == reuses)
    }
  }

  @Test func forgottenNodesAreSweptUp() throws {
    let disk = SimulatedDisk(filesMax: 5_000)
    for _ in 0..<10_000 {
      _ = try disk.open("a", .create(mode: 0o644))
      _ = try disk.remove("a")
      try disk.syncDirectory("/")
    }
    #expect(disk.tree.isEmpty)
  }

  @Test func twoServersOnOneDiskAndAPowerCut() throws {
    let simulated = SimulatedWorld(seed: 11)
    let other = simulated.startProcess(loops: 2)
    let (here, there) = (simulated.world.files, other.world.files)
    let seen = try simulated.run {
      let file = try here.open("a", .create(mode: 0o644))
      try file.write([5], at: 0)
      return try there.open("a", .read).read(1, at: 0)
    }
    #expect(seen == [5])
    simulated.crash()
    #expect(simulated.disk.tree.isEmpty)
    let successor = simulated.startProcess()
    #expect(successor.id == 2)
    let files = successor.world.files
    let outcome = simulated.attempt(on: successor) { try files.status("a") }
    #expect(try outcome.get().get() == nil)
  }
}
