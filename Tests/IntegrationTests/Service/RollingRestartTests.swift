// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Synchronization
import Testing

/// Two registries on one directory behind a load balancer, restarted one after the other while clients pull and push.
@Suite("Rolling restarts", .serialized)
struct RollingRestartTests {
  private static let octets: Field = ("Content-Type", "application/octet-stream")

  /// One node, which can be started again at its address.
  private final class Node: Sendable {
    let port: UInt16
    let readiness: UInt16
    private let scratch: Scratch
    private let root: String
    private let process = Mutex<RegistryProcess?>(nil)

    init(in scratch: Scratch, root: String) throws {
      port = try freePort()
      readiness = try freePort()
      self.scratch = scratch
      self.root = root
      try start()
    }

    /// Returns when the node is ready, as `systemctl start` does.
    func start() throws {
      let started = try RegistryProcess(
        RegistrySettings(http: [
          "  draindelay: 2s", "  draintimeout: 30s", "  debug:", "    addr: 127.0.0.1:\(readiness)",
        ]), in: scratch, root: root, at: .ip4(port: port))
      process.withLock { $0 = started }
      for _ in 0..<10_000 {
        // Refused until the operator's listener is there.
        if (try? HTTPClient(.ip4(port: readiness)).send("GET", "/readyz").status) == 200 { return }
        if started.child.hasEnded(within: 2) { break }
      }
      throw HarnessError("a node is not ready: \(started.log.suffix(2000))")
    }

    func restart() throws {
      try stop()
      try start()
    }

    /// Judged by what it throws: an expectation on a thread of ours would belong to no test.
    func stop() throws {
      guard let process = process.withLock({ $0.take() }) else { return }
      process.child.signal(SIGTERM)
      guard process.child.hasEnded(within: 45_000), process.child.exitCode == 0 else {
        throw HarnessError("SIGTERM did not end a node well: \(process.log.suffix(2000))")
      }
    }
  }

  /// Times that each node is restarted.
  private static let rounds = 2

  @Test(
    "No pull fails and no push starts over", arguments: Balancer.Program.allCases.filter { $0.path != nil })
  func rollingRestart(_ program: Balancer.Program) throws {
    let scratch = try Scratch()
    let root = "\(scratch.path)/data"
    let nodes = [try Node(in: scratch, root: root), try Node(in: scratch, root: root)]
    let balancer = try Balancer(
      program, to: nodes.map(\.port), readiness: nodes.map(\.readiness), in: scratch)
    let endpoint = balancer.endpoint
    let layer = someBytes(300_000, seed: 77)
    let digest = Algorithm.sha256.digest(layer)
    try Self.push(layer, digest, to: "rolling/base", HTTPClient(endpoint), pause: 0)
    let isOver = Atomic(false)
    let pulls = Atomic(0)
    let pushes = Atomic(0)
    let failures = Failures()
    try Crowd.run(7) { worker in
      if worker == 6 {
        defer { isOver.store(true, ordering: .relaxed) }
        // The second leaves as soon as the first is back.
        for _ in 0..<Self.rounds { for node in nodes { try node.restart() } }
        return
      }
      var round: UInt64 = 0
      while !isOver.load(ordering: .relaxed) {
        round += 1
        do {
          let client = HTTPClient(endpoint)
          if worker < 4 {
            for _ in 0..<5 {
              let answer = try client.send("GET", "/v2/rolling/base/blobs/\(digest)")
              guard answer.status == 200, answer.body == layer else {
                throw HarnessError("a pull failed: \(answer.status) \(answer.text.prefix(200))")
              }
              pulls.add(1, ordering: .relaxed)
            }
          } else {
            let own = someBytes(400_000, seed: UInt64(worker) << 32 | round)
            // Slow enough that uploads are under way whenever a node stops.
            try Self.push(own, Algorithm.sha256.digest(own), to: "rolling/w\(worker)", client, pause: 100)
            pushes.add(1, ordering: .relaxed)
          }
        } catch {
          failures.add("\(error)", of: worker < 4 ? "pull" : "push")
        }
      }
    }
    #expect(failures.isEmpty, "\(failures)\n\(balancer.log.suffix(2000))")
    #expect(
      pulls.load(ordering: .relaxed) > 100 && pushes.load(ordering: .relaxed) > 10,
      "\(pulls.load(ordering: .relaxed)) pulls, \(pushes.load(ordering: .relaxed)) pushes")
    balancer.stop()
    for node in nodes { try node.stop() }
  }

  /// What failed, by kind: the first of a kind may hide another behind it.
  private final class Failures: Sendable, CustomStringConvertible {
    private let kinds = Mutex<[String: (count: Int, first: String)]>([:])

    var isEmpty: Bool { kinds.withLock { $0.isEmpty } }

    var description: String {
      kinds.withLock { $0.sorted { $0.key < $1.key }.map { "\($0.value.count) × \($0.key): \($0.value.first)" } }
        .joined(separator: "\n")
    }

    /// Two are of one kind when they differ in numbers only.
    func add(_ text: String, of request: String) {
      let kind = "\(request): \(text.prefix(80).filter { !$0.isNumber })"
      kinds.withLock { $0[kind, default: (0, text)].count += 1 }
    }
  }

  /// Pushes as clients do: POST, PATCH in two pieces, PUT; any answer but the expected one is an error, and nothing is
  /// tried again.
  private static func push(
    _ bytes: [UInt8], _ digest: String, to name: String, _ client: HTTPClient, pause: Int32
  ) throws {
    func next(_ answer: Response, _ status: Int, _ step: String) throws -> String {
      guard answer.status == status, let location = answer["Location"] else {
        throw HarnessError("\(step): expected \(status), found \(answer)")
      }
      return targetOf(location)
    }
    var target = try next(try client.send("POST", "/v2/\(name)/blobs/uploads/"), 202, "the begin")
    let half = bytes.count / 2
    for piece in [bytes[..<half], bytes[half...]] {
      _ = poll(nil, 0, pause)
      target = try next(try client.send("PATCH", target, [octets], body: Array(piece)), 202, "a piece")
    }
    _ = poll(nil, 0, pause)
    _ = try next(try client.send("PUT", target.adding("digest=\(digest)")), 201, "the end")
  }
}
