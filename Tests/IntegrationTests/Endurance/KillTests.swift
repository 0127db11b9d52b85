// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

/// Whatever was acknowledged is there after `kill -9`, and nothing is there by halves.
@Suite("Kills under concurrent pushes", .serialized)
struct KillTests {
  private static let pushers = 6
  /// `$GANTRY_KILLS` kills; `make test` does with fewer than an afternoon has.
  private static let kills = environmentNumber("GANTRY_KILLS", default: 25)

  /// On a disk most kills fall into a sync; in memory, where a sync costs nothing, on everything else.
  @Test(
    "Six clients push, the server is killed at random: every acknowledged write is there, whole and unchanged",
    arguments: [false, true])
  func kills(inMemory: Bool) throws {
    let kills = inMemory ? Self.kills / 2 : Self.kills - Self.kills / 2
    var dice = Dice(Dice.seed &+ (inMemory ? 1 : 0))
    let faults = Notes()
    let pushers = (0..<Self.pushers).map { KillPusher($0, seed: dice.next()) }
    let scratch = try Scratch(inMemory: inMemory)
    let endpoint = try Endpoint.ip4(port: freePort())
    var registry = try RegistryProcess(in: scratch, at: endpoint)
    for round in 0..<kills {
      let child = registry.child
      let (isKilled, delay) = (KillFlag(), Int32.random(in: 20...(inMemory ? 200 : 400), using: &dice))
      try Crowd.run(Self.pushers + 1) { index in
        if index < pushers.count { return pushers[index].push(round, to: endpoint, until: isKilled, faults) }
        // The kill comes at any moment, unless the server ends before by itself.
        let endedBefore = child.hasEnded(within: delay)
        isKilled.set()
        child.signal(SIGKILL)
        if endedBefore || !child.hasEnded(within: 10_000) { throw HarnessError("the server ended before its kill") }
      }
      if dice.once(in: 4) {
        // One that is killed on its way up leaves nothing behind that the next stumbles over.
        let early = try RegistryProcess.spawn(["serve", registry.configuration], scratch: scratch)
        _ = early.hasEnded(within: Int32.random(in: 0...40, using: &dice))
        early.signal(SIGKILL)
        #expect(early.hasEnded(within: 10_000))
      }
      registry = try RegistryProcess(in: scratch, at: endpoint)
      // What is lost stays lost, so the last look at everything would find it; this one tells the round.
      try look(pushers, at: endpoint, ofLater: pushers.map { $0.marked }, faults, &dice)
      try expectWholeTags(at: endpoint, faults)
      #expect(faults.all.isEmpty, "GANTRY_TEST_SEED=\(Dice.seed), round \(round): \(faults.all.prefix(10))")
      if !faults.all.isEmpty { return registry.stop() }
    }
    registry.stop()
    let left = Files.names(in: "\(registry.root)/gantry/temporary").filter { !$0.hasSuffix(".lock") }
    #expect(left.isEmpty, "half-written files are left: \(left)")
    registry = try RegistryProcess(in: scratch, at: endpoint)
    try look(pushers, at: endpoint, ofLater: nil, faults, &dice)
    #expect(faults.all.isEmpty, "GANTRY_TEST_SEED=\(Dice.seed), in the end: \(faults.all.prefix(10))")
    let ledgers = pushers.map(\.ledger)
    let place = inMemory ? "in memory" : "on disk"
    print(
      """
      kills \(place): GANTRY_TEST_SEED=\(Dice.seed): \(kills) kills, \
      \(ledgers.reduce(0) { $0 + $1.acknowledged }) acknowledged writes on \
      \(ledgers.reduce(0) { $0 + $1.allowed.count }) names, \(ledgers.reduce(0) { $0 + $1.unanswered }) unanswered, \
      \(faults.all.count) missing or changed
      """)
    registry.stop()
  }

  @Test("A deletion that is cut off leaves no tag that points at nothing, and can be asked for again")
  func deletions() throws {
    var dice = Dice(Dice.seed)
    let scratch = try Scratch(inMemory: true)
    let endpoint = try Endpoint.ip4(port: freePort())
    var registry = try RegistryProcess(in: scratch, at: endpoint)
    for round in 0..<4 {
      let bench = try Bench("deletion", registry: registry)
      let image = try bench.image(seed: UInt64(round))
      for number in 0..<150 { try bench.put(image, as: "t\(number)") }
      let connection = try Connection(to: endpoint)
      try connection.send("DELETE \(bench.manifest(image.digest)) HTTP/1.1\r\nHost: x\r\n\r\n")
      _ = connection.isReadable(within: Int32.random(in: 0...6, using: &dice))
      registry.child.signal(SIGKILL)
      #expect(registry.child.hasEnded(within: 10_000))
      registry = try RegistryProcess(in: scratch, at: endpoint)
      let left = try bench.tags()
      if try bench.client.send("GET", bench.manifest(image.digest)).status == 200 {
        for tag in left { try bench.expectContent(bench.manifest(tag), image) }
        expect(try bench.client.send("DELETE", bench.manifest(image.digest)), 202)
        #expect(try bench.tags() == [])
      } else {
        #expect(left == [], "GANTRY_TEST_SEED=\(Dice.seed): tags without their manifest")
      }
    }
    registry.stop()
  }

  /// Looks at what each pusher wrote: all of it, or what the last round touched and some of the rest.
  private func look(
    _ pushers: [KillPusher], at endpoint: Endpoint, ofLater touched: [Set<String>]?, _ faults: Notes, _ dice: inout Dice
  ) throws {
    for (index, pusher) in pushers.enumerated() {
      let ledger = pusher.ledger
      var targets = Array(ledger.allowed.keys)
      if let touched {
        let others = targets.filter { !touched[index].contains($0) }
        targets = Array(touched[index]) + others.shuffled(using: &dice).prefix(20)
      }
      let expected = targets.map { ($0, ledger.allowed[$0] ?? []) }
      pusher.settle(try Ledger.look(expected, at: endpoint, faults))
    }
  }

  /// Expects each listed tag to point at a manifest that is there, all of whose blobs are.
  private func expectWholeTags(at endpoint: Endpoint, _ faults: Notes) throws {
    let client = HTTPClient(endpoint)
    for repository in KillPusher.repositories {
      let list = try client.send("GET", "/v2/\(repository)/tags/list")
      if list.status == 404 { continue }
      for tag in try list.json()["tags"]?.texts ?? [] {
        let manifest = try client.send("GET", "/v2/\(repository)/manifests/\(tag)")
        let digest = Algorithm.sha256.digest(manifest.body)
        guard manifest.status == 200, manifest["Docker-Content-Digest"] == digest else {
          faults.add("\(repository):\(tag) is listed and shows \(manifest)")
          continue
        }
        let document = try manifest.json()
        let references = [document["config"]] + (document["layers"]?.elements ?? [])
        let targets =
          ["manifests/\(digest)"] + references.compactMap { $0?["digest"]?.text.map { "blobs/\($0)" } }
        for target in targets where try client.send("HEAD", "/v2/\(repository)/\(target)").status != 200 {
          faults.add("\(repository):\(tag) is there, \(target) is not")
        }
      }
    }
  }
}
