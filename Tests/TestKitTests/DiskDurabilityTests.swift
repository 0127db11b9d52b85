// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import GantryWorld
import Testing

/// A rule of strict POSIX: steps, and what is left when the power goes.
struct DurabilityRule: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var keeping = CrashKeeping.synced
  var steps: @Sendable (SimulatedDisk) throws -> Void
  /// Contents by path; nil is a directory.
  var left: [String: String?]

  init(
    _ name: String, keeping: CrashKeeping = .synced, left: [String: String?],
    _ steps: @escaping @Sendable (SimulatedDisk) throws -> Void
  ) {
    testDescription = name
    self.keeping = keeping
    self.left = left
    self.steps = steps
  }

  static let all: [DurabilityRule] = [
    DurabilityRule("nothing synced, nothing left", left: [:]) { disk in
      try disk.put("a", "1", sync: false)
    },
    DurabilityRule("contents alone leave no name", left: [:]) { disk in
      try disk.put("a", "1")
    },
    DurabilityRule("a name alone leaves an empty file", left: ["/a": ""]) { disk in
      try disk.put("a", "1", sync: false)
      try disk.syncDirectory("/")
    },
    DurabilityRule("contents and name", left: ["/a": "1"]) { disk in
      try disk.put("a", "1")
      try disk.syncDirectory("/")
    },
    DurabilityRule("the order of the two syncs does not matter", left: ["/a": "1"]) { disk in
      let file = try disk.open("a", .create(mode: 0o644))
      try disk.syncDirectory("/")
      try file.write(Array("1".utf8), at: 0)
      try file.sync()
    },
    DurabilityRule("a new directory needs its parent", left: [:]) { disk in
      _ = try disk.makeDirectory("d")
      try disk.put("d/a", "1")
      try disk.syncDirectory("d")
    },
    DurabilityRule("each new directory needs its parent", left: ["/d": nil]) { disk in
      _ = try disk.makeDirectory("d")
      _ = try disk.makeDirectory("d/e")
      try disk.put("d/e/a", "1")
      try disk.syncDirectory("d/e")
      try disk.syncDirectory("/")
    },
    DurabilityRule("a path synced upwards is whole", left: ["/d": nil, "/d/e": nil, "/d/e/a": "1"]) { disk in
      _ = try disk.makeDirectory("d")
      _ = try disk.makeDirectory("d/e")
      try disk.put("d/e/a", "1")
      for directory in ["d/e", "d", "/"] { try disk.syncDirectory(directory) }
    },
    DurabilityRule("what is written after the sync is lost", left: ["/a": "1"]) { disk in
      try disk.put("a", "1")
      try disk.syncDirectory("/")
      try disk.put("a", "22", sync: false)
    },
    DurabilityRule("a sync guarantees what was written before it began", left: ["/a": "1"]) { disk in
      let file = try disk.open("a", .create(mode: 0o644))
      try disk.syncDirectory("/")
      try file.write(Array("1".utf8), at: 0)
      let span = disk.beginSync(file)
      try file.write(Array("22".utf8), at: 0)
      disk.endSync(span)
    },
    DurabilityRule("a sync that has not ended guarantees nothing", left: ["/a": ""]) { disk in
      let file = try disk.open("a", .create(mode: 0o644))
      try disk.syncDirectory("/")
      try file.write(Array("1".utf8), at: 0)
      _ = disk.beginSync(file)
    },
    DurabilityRule("the later of two syncs at once takes nothing back", left: ["/a": "22"]) { disk in
      let file = try disk.open("a", .create(mode: 0o644))
      try disk.syncDirectory("/")
      try file.write(Array("1".utf8), at: 0)
      let span = disk.beginSync(file)
      try file.write(Array("22".utf8), at: 0)
      try file.sync()
      disk.endSync(span)
    },
    DurabilityRule("a sync of a directory guarantees the names from before it began", left: ["/a": "1"]) { disk in
      try disk.put("a", "1")
      let span = disk.beginSync(try disk.open("/", .read))
      try disk.put("b", "2")
      disk.endSync(span)
    },
    DurabilityRule("a sync that failed has lost what was pending", left: ["/a": ""]) { disk in
      let file = try disk.open("a", .create(mode: 0o644))
      try disk.syncDirectory("/")
      try file.write(Array("1".utf8), at: 0)
      disk.failSync(disk.beginSync(file))
      try file.sync()
    },
    DurabilityRule("a file cut in place and not synced keeps the old contents", left: ["/a": "old"]) { disk in
      disk.plant(Array("old".utf8), at: "a")
      let file = try disk.open("a", .readWrite)
      try file.truncate(to: 0)
      try file.write(Array("new".utf8), at: 0)
    },
    DurabilityRule("a rename not synced leaves the old name", left: ["/a": "1"]) { disk in
      disk.plant(Array("1".utf8), at: "a")
      try disk.rename("a", to: "b")
    },
    DurabilityRule("a rename synced leaves the new name", left: ["/b": "1"]) { disk in
      disk.plant(Array("1".utf8), at: "a")
      try disk.rename("a", to: "b")
      try disk.syncDirectory("/")
    },
    DurabilityRule("a rename of what was never synced brings an empty file", left: ["/b": ""]) { disk in
      try disk.put("a", "1", sync: false)
      try disk.rename("a", to: "b")
      try disk.syncDirectory("/")
    },
    DurabilityRule("a rename over a file keeps the old one until synced", left: ["/b": "old"]) { disk in
      disk.plant(Array("old".utf8), at: "b")
      try disk.put("a", "new")
      try disk.rename("a", to: "b")
    },
    DurabilityRule(
      "a rename across directories with only the new one synced leaves both names",
      left: ["/d": nil, "/d/a": "1", "/e": nil, "/e/b": "1"]
    ) { disk in
      disk.plant(Array("1".utf8), at: "d/a")
      disk.plant([], at: "e/x")
      _ = try disk.remove("e/x")
      try disk.rename("d/a", to: "e/b")
      try disk.syncDirectory("e")
    },
    DurabilityRule(
      "a rename across directories with only the old one synced loses the file", left: ["/d": nil, "/e": nil]
    ) { disk in
      disk.plant(Array("1".utf8), at: "d/a")
      _ = try disk.makeDirectory("e")
      try disk.syncDirectory("/")
      try disk.rename("d/a", to: "e/b")
      try disk.syncDirectory("d")
    },
    DurabilityRule("a removal not synced comes back, whole", left: ["/a": "1"]) { disk in
      disk.plant(Array("1".utf8), at: "a")
      _ = try disk.remove("a")
    },
    DurabilityRule("a removal synced stays", left: [:]) { disk in
      disk.plant(Array("1".utf8), at: "a")
      _ = try disk.remove("a")
      try disk.syncDirectory("/")
    },
    DurabilityRule("a directory removed and not synced comes back", left: ["/d": nil]) { disk in
      _ = try disk.makeDirectory("d")
      try disk.syncDirectory("/")
      _ = try disk.removeDirectory("d")
    },
    DurabilityRule("a second name needs its directory too", left: ["/a": "1", "/d": nil]) { disk in
      disk.plant(Array("1".utf8), at: "a")
      _ = try disk.makeDirectory("d")
      try disk.syncDirectory("/")
      _ = try disk.link("a", as: "d/b")
    },
    DurabilityRule("two names are one file: a sync through either counts", left: ["/a": "12", "/b": "12"]) { disk in
      disk.plant(Array("1".utf8), at: "a")
      _ = try disk.link("a", as: "b")
      try disk.syncDirectory("/")
      let file = try disk.open("b", .readWrite)
      try file.write(Array("2".utf8), at: 1)
      try file.sync()
    },
    DurabilityRule("a sync that failed is not mended by the next", left: ["/a": "1"]) { disk in
      disk.plant(Array("1".utf8), at: "a")
      let file = try disk.open("a", .readWrite)
      try file.write(Array("2".utf8), at: 0)
      disk.install(.failing(1, of: [.sync]))
      #expect(throws: FileError.self) { try file.sync() }
      #expect(try file.read(9, at: 0) == Array("2".utf8), "what was lost can still be read")
      try file.sync()
    },
    DurabilityRule("names kept without contents: the file that turns out empty", keeping: .names, left: ["/a": ""]) {
      try $0.put("a", "1", sync: false)
    },
    DurabilityRule("contents kept without names", keeping: .contents, left: ["/a": "2"]) { disk in
      disk.plant(Array("1".utf8), at: "a")
      try disk.put("a", "2", sync: false)
      try disk.put("b", "3", sync: false)
    },
    DurabilityRule("everything kept", keeping: .everything, left: ["/b": "2"]) { disk in
      disk.plant(Array("1".utf8), at: "a")
      try disk.put("a", "2", sync: false)
      try disk.rename("a", to: "b")
    },
  ]
}

extension SimulatedDisk {
  fileprivate func put(_ path: String, _ text: String, sync: Bool = true) throws(FileError) {
    let file = try open(path, .create(mode: 0o644))
    try file.write(Array(text.utf8), at: 0)
    if sync { try file.sync() }
  }

  fileprivate var texts: [String: String?] {
    tree.mapValues { $0.map { String(decoding: $0, as: UTF8.self) } }
  }
}

@Suite struct DiskDurabilityTests {
  @Test(arguments: DurabilityRule.all) func ruleHolds(_ rule: DurabilityRule) throws {
    let disk = SimulatedDisk()
    try rule.steps(disk)
    let before = disk.texts
    #expect(disk.afterPowerCut(keeping: rule.keeping).texts == rule.left)
    #expect(disk.texts == before, "asking changes nothing")
    disk.crash(keeping: rule.keeping)
    #expect(disk.texts == rule.left)
    disk.crash()
    #expect(disk.texts == rule.left, "what is left is durable")
  }

  @Test func seededSurvivalReachesEveryMixAndRepeats() throws {
    let disk = SimulatedDisk()
    disk.plant(Array("old".utf8), at: "b")
    try disk.put("a", "new", sync: false)
    try disk.rename("a", to: "b")
    var found: Set<[String: String?]> = []
    for seed in UInt64(0)..<200 {
      let left = disk.afterPowerCut(keeping: .seeded(seed)).texts
      #expect(left == disk.afterPowerCut(keeping: .seeded(seed)).texts)
      found.insert(left)
    }
    #expect(found.contains(["/b": "old"]))
    #expect(found.contains(["/b": "new"]))
    #expect(found.contains(["/b": ""]), "the name came, the contents did not")
    #expect(found.contains(["/a": "new", "/b": "old"]))
    #expect(!found.contains { $0["/b"] == nil }, "a rename never loses both files")
  }

  /// Until the kernel needs the room, what a failed sync has lost can be read, and a second sync says that all is well.
  @Test func whatAFailedSyncLostIsForgottenAtLast() throws {
    let disk = SimulatedDisk()
    disk.plant(Array("old".utf8), at: "a")
    let file = try disk.open("a", .readWrite)
    try file.write(Array("newer".utf8), at: 0)
    disk.install(.failing(1, of: [.sync]))
    #expect(throws: FileError.self) { try file.sync() }
    try file.sync()
    #expect(disk.texts == ["/a": "newer"])
    #expect(disk.afterPowerCut(keeping: .everything).texts == ["/a": "old"])
    try file.write(Array("N".utf8), at: 0)
    disk.forgetLostPages()
    #expect(disk.texts == ["/a": "Nld\0\0"], "what was written since is there, and the size")
  }

  @Test func aTornWriteHasHolesOfWholeSectors() throws {
    let disk = SimulatedDisk()
    disk.plant([UInt8](repeating: 1, count: 2048), at: "a")
    let file = try disk.open("a", .readWrite)
    try file.write([UInt8](repeating: 2, count: 2048), at: 0)
    var patterns: Set<[UInt8]> = []
    for seed in UInt64(0)..<300 {
      let content = try #require(disk.afterPowerCut(keeping: .seeded(seed)).contents(of: "a"))
      #expect(content.count == 2048)
      for sector in stride(from: 0, to: 2048, by: 512) {
        #expect(Set(content[sector..<(sector + 512)]).count == 1, "a sector is old or new")
      }
      patterns.insert(stride(from: 0, to: 2048, by: 512).map { content[$0] })
    }
    #expect(patterns.count == 16, "every mix of four sectors is found")
  }
}
