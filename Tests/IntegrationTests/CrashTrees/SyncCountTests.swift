// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

/// What durability costs: syncs of each write, ours beside those of Debian's docker-registry in the same run.
///
/// Pushes are steady: the repository and the directories that many blobs share are there.
@Suite("Syncs for each write", .serialized, .enabled(if: Strace.isPermitted, "strace may not trace here"))
struct SyncCountTests {
  /// What is pushed.
  enum Kind: String, CaseIterable, Sendable {
    case small = "blob"
    case large = "blob of 1 MiB"
    /// Under a tag that is new, of a blob that is there.
    case manifest = "tagged manifest"

    /// The most syncs before an answer, one at a time, and on average of eight pushers.
    var ceilings: (alone: Double, crowded: Double) { self == .manifest ? (4, 3) : (6, 3) }
  }

  private static let writes = 24
  private static let pushers = 8

  @Test("No more than are needed, one at a time and on average of eight pushers")
  func counts() throws {
    print("syncs before the answer + behind it | one at a time | eight pushers")
    for kind in Kind.allCases {
      let contents = Self.contents(kind)
      let alone = try measure(contents, kind, pushers: 1, isOld: false)
      var crowded = try measure(contents, kind, pushers: Self.pushers, isOld: false)
      // Who shares a sync depends on who comes while one is under way, and a machine that has other things to do may
      // run eight pushers one after the other.
      for _ in 0..<2 where crowded.before > kind.ceilings.crowded {
        crowded = try measure(contents, kind, pushers: Self.pushers, isOld: false)
      }
      print("syncs, Gantry, \(kind.rawValue) | \(alone) | \(crowded)")
      #expect(alone.before <= kind.ceilings.alone, "\(kind)")
      #expect(crowded.before <= kind.ceilings.crowded, "\(kind)")
      guard OldRegistry.path != nil else { continue }
      let old = try [1, Self.pushers].map { try measure(contents, kind, pushers: $0, isOld: true) }
      print("syncs, docker-registry, \(kind.rawValue) | \(old[0]) | \(old[1])")
    }
  }

  /// Syncs for one write, on average.
  private struct Figures: CustomStringConvertible {
    var before: Double
    var behind: Double

    var description: String {
      "\((before * 10).rounded() / 10)" + (behind == 0 ? "" : " + \((behind * 10).rounded() / 10)")
    }
  }

  /// Traces a server of its own from its start to its end, while it gets these contents; the first of them before
  /// counting, so that nothing is new but the writes themselves. What is done behind is shared among all.
  private func measure(_ contents: [Content], _ kind: Kind, pushers: Int, isOld: Bool) throws -> Figures {
    let scratch = try Scratch()
    let (root, output) = ("\(scratch.path)/data", "\(scratch.path)/trace")
    // The first makes the repository, and leaves everything durable.
    try serving(root, scratch, under: [], isOld: isOld) { endpoint in
      try Self.push(Self.config, .small, HTTPClient(endpoint))
      try Self.push(Self.first, .manifest, HTTPClient(endpoint))
    }
    try serving(root, scratch, under: Strace.command(to: output, stringsMax: 4096), isOld: isOld) { endpoint in
      try Self.push(contents[0], kind, HTTPClient(endpoint))
      try Crowd.run(pushers) { number in
        let client = HTTPClient(endpoint)
        for index in stride(from: 1 + number, through: Self.writes, by: pushers) {
          try Self.push(contents[index], kind, client)
        }
      }
    }
    let answers = kind == .manifest ? 1 : 2
    let count = try SyncCount(SystemTrace(file: output), after: answers, answers: answers * Self.writes)
    return Figures(
      before: Double(count.before) / Double(Self.writes), behind: Double(count.behind) / Double(Self.writes + 1))
  }

  /// Runs `body` against a registry, which it then ends.
  private func serving(
    _ root: String, _ scratch: Scratch, under tracer: [String], isOld: Bool, _ body: (Endpoint) throws -> Void
  ) throws {
    try Files.makeDirectory(root)
    if isOld {
      let registry = try OldRegistry(
        root: root, endpoint: .ip4(port: freePort()), secret: "secret", in: scratch, under: tracer)
      try body(registry.endpoint)
      registry.stop()
    } else {
      let registry = try RegistryProcess(in: scratch, root: root, under: tracer)
      try body(registry.endpoint)
      registry.stop()
    }
  }

  private static let config = Content(Media.dockerConfig, Array("{}".utf8), .sha256)
  private static let first = manifest(-1)

  /// Contents whose digests begin alike, so that they share their directory. Those of 1 MiB would take long to find;
  /// the directories of as many as there are may be new.
  private static func contents(_ kind: Kind) -> [Content] {
    if kind == .large {
      return (0...writes).map { Content(Media.dockerLayer, Noise.bytes(1 << 20, UInt64($0)), .sha256) }
    }
    var (found, number) = ([Content](), 0)
    while found.count <= writes {
      let content =
        kind == .manifest ? manifest(number) : Content(Media.dockerLayer, Array("blob \(number)".utf8), .sha256)
      if content.digest.hasPrefix("sha256:00") { found.append(content) }
      number += 1
    }
    return found
  }

  private static func manifest(_ number: Int) -> Content {
    let text =
      #"{"schemaVersion":2,"mediaType":"\#(Media.dockerImage)","config":\#(config.descriptor),"layers":[],"x":\#(number)}"#
    return Content(Media.dockerImage, Array(text.utf8), .sha256)
  }

  private static func push(_ content: Content, _ kind: Kind, _ client: HTTPClient) throws {
    let done: Response
    if kind == .manifest {
      done = try client.send(
        "PUT", "/v2/steady/manifests/t\(content.digest.suffix(12))", [("Content-Type", content.mediaType)],
        body: content.bytes)
    } else {
      let opened = try client.send("POST", "/v2/steady/blobs/uploads/")
      let target = targetOf(opened["Location"] ?? "/").adding("digest=\(content.digest)")
      done = try client.send("PUT", target, [("Content-Type", "application/octet-stream")], body: content.bytes)
    }
    guard done.status == 201 else { throw HarnessError("\(done)") }
  }
}
