// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Synchronization
import Testing

/// A server that was traced from its first to its last instruction while clients pushed to it.
struct TracedRun: Sendable {
  let trace: SystemTrace
  let root: String
  let logs: [ClientLog]

  /// Gantry under every kind of write: alone, then several clients at once. With a checkpoint every so often, as the
  /// configuration says it, or only at the end.
  static func ofGantry(pushers: Int, rounds: Int, checkpointInterval: String = "1h") throws -> TracedRun {
    let scratch = try Scratch()
    let output = "\(scratch.path)/trace"
    let settings = RegistrySettings(
      environment: ["REGISTRY_STORAGE_FILESYSTEM_CHECKPOINTINTERVAL": checkpointInterval])
    let registry = try RegistryProcess(settings, in: scratch, under: Strace.command(to: output))
    let alone = LoggingClient(registry.endpoint, isOld: false)
    try alone.pushEveryKind(to: "alone")
    let logs = Logs([alone.log])
    try Crowd.run(pushers) { number in
      let client = LoggingClient(registry.endpoint, isOld: false)
      for round in 0..<rounds { try client.pushInCompany(number, round) }
      logs.add(client.log)
    }
    registry.stop()
    return TracedRun(trace: try SystemTrace(file: output), root: registry.root, logs: logs.all)
  }

  /// Debian's docker-registry under 31 writes, and then one more tag that is moved.
  static func ofDistribution() throws -> TracedRun {
    let scratch = try Scratch()
    let output = "\(scratch.path)/trace"
    try Files.makeDirectory("\(scratch.path)/data")
    let registry = try OldRegistry(
      root: "\(scratch.path)/data", endpoint: .ip4(port: freePort()), secret: "secret", in: scratch,
      under: Strace.command(to: output))
    let client = LoggingClient(registry.endpoint, isOld: true)
    var images: [String] = []
    for number in 0..<7 {
      let repository = "old/team\(number % 3)"
      let config = try client.push(Array("{\"number\":\(number)}".utf8), to: repository)
      let layer = try client.push(Noise.bytes(3000, UInt64(number)), to: repository, number == 0 ? .chunks : .putOnly)
      images.append(try client.put([config, layer], to: repository, tags: ["t\(number)", "latest"]))
    }
    let shared = try client.push(Noise.bytes(500, 77), to: "old/team0")
    try client.mount(shared, from: "old/team0", into: "old/other")
    try client.put([shared], to: "old/team0", tags: ["moved"])
    client.phase = 1
    try client.put([shared], to: "old/team0", tags: ["moved"])
    registry.stop()
    return TracedRun(trace: try SystemTrace(file: output), root: "\(scratch.path)/data", logs: [client.log])
  }
}

/// Logs that several threads hand in.
private final class Logs: Sendable {
  private let logs: Mutex<[ClientLog]>

  init(_ first: [ClientLog]) { logs = Mutex(first) }

  var all: [ClientLog] { logs.withLock { $0 } }

  func add(_ log: ClientLog) { logs.withLock { $0.append(log) } }
}

extension LoggingClient {
  /// Each kind of write there is, in repositories that are new, nested and shared.
  fileprivate func pushEveryKind(to name: String) throws {
    var blobs: [String] = []
    for (number, way) in Way.allCases.enumerated() {
      blobs.append(try push(Noise.bytes(300 + number * 100, UInt64(number)), to: name, way))
    }
    blobs.append(try push(Noise.bytes(70_000, 10), to: "\(name)/nested/deep/down", .chunks))
    blobs.append(try push(Noise.bytes(200_000, 11), to: name))
    let long = try push(Noise.bytes(700, 12), to: name, .putOnly, .sha512)
    try mount(blobs[4], from: "\(name)/nested/deep/down", into: name)
    try mount(blobs[0], from: name, into: "\(name)/mounted/here")
    let first = try put([blobs[0], blobs[1]], to: name, tags: ["one", "two"])
    try put([blobs[0], blobs[2]], to: name, tags: [])
    try put([blobs[0], long], to: name, tags: [], .sha512)
    // A tag moves, and moves again.
    try put([blobs[0], blobs[4]], to: name, tags: ["two"])
    let last = try put([blobs[0], blobs[5]], to: name, tags: ["two", "three"])
    func target(_ kind: Target.Kind, _ reference: String) -> Target {
      Target(repository: name, kind: kind, reference: reference)
    }
    try delete([target(.tag, "three")])
    try delete([target(.manifest, first), target(.tag, "one")])
    try delete([target(.manifest, last), target(.tag, "two")])
    try delete([target(.blob, blobs[3])])
    // What was deleted comes again.
    try push(Noise.bytes(600, 3), to: name)
    try put([blobs[0], blobs[3]], to: name, tags: ["one"])
    try put([blobs[0]], to: "\(name)/mounted/here", tags: ["only"])
  }

  /// What many do at once: contents of one's own and of everybody's, tags that move, deletions.
  fileprivate func pushInCompany(_ number: Int, _ round: Int) throws {
    let repository = round % 2 == 0 ? "crowd/shared" : "crowd/of\(number)/nested"
    let own = try push(
      Noise.bytes(150 + round % 7 * 40, UInt64(1000 + number * 100 + round)), to: repository, Way.allCases[round % 4])
    let common = try push(Noise.bytes(400, UInt64(500 + round)), to: repository, .putOnly)
    try put([common, own], to: repository, tags: ["c\(number)"])
    if round % 2 == 1 {
      let loose = try push(Noise.bytes(66_000, UInt64(5000 + number * 100 + round)), to: repository, .chunks)
      try delete([Target(repository: repository, kind: .blob, reference: loose)])
    }
  }
}
