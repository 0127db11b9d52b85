// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import Glibc
import Testing

/// A certificate that is replaced while clients are at work.
@Suite("A certificate is replaced under load", .serialized)
struct CertificateReplacementTests {
  /// One client that asks again and again until it is told to stop.
  private struct Load {
    let name: String
    /// What it says of each exchange: status, version, and connections made where each has one of its own.
    let line: String
    let arguments: [String]
    /// Exchanges that are awaited before and after.
    let count: Int

    var told: String { line.split(separator: " ").count == 3 ? " %{num_connects}" : "" }
  }

  /// Connections that are kept, one that is new for each request, and pulls and pushes slow enough that some of each
  /// kind are under way at any moment.
  private static func loads(_ origin: String, pushing file: String, _ digest: String) -> [Load] {
    let slow = ["--limit-rate", "400K"]
    let fresh = ["--http1.1", "-H", "Connection: close"]
    let again = "[1-1000000]"
    let ping = "\(origin)/v2/?\(again)"
    let pull = slow + ["\(origin)/v2/load/blobs/blobs/\(digest)?\(again)"]
    let push =
      slow + [
        "--data-binary", "@\(file)", "-H", "Content-Type: application/octet-stream",
        "\(origin)/v2/load/r\(again)/blobs/uploads/?digest=\(digest)",
      ]
    let chunked = ["-H", "Transfer-Encoding: chunked"]
    return [
      Load(name: "kept-http1", line: "200 1.1", arguments: ["--http1.1", ping], count: 50),
      Load(name: "kept-http2", line: "200 2", arguments: ["--http2", ping], count: 50),
      Load(name: "fresh", line: "200 1.1 1", arguments: fresh + [ping], count: 50),
      Load(name: "pulls-http1", line: "200 1.1", arguments: ["--http1.1"] + pull, count: 2),
      Load(name: "pulls-http2", line: "200 2", arguments: ["--http2"] + pull, count: 2),
      Load(name: "pulls-fresh", line: "200 1.1 1", arguments: fresh + pull, count: 2),
      Load(name: "pushes-http1", line: "201 1.1", arguments: ["--http1.1"] + chunked + push, count: 2),
      Load(name: "pushes-http2", line: "201 2", arguments: ["--http2"] + push, count: 2),
      Load(name: "pushes-fresh", line: "201 1.1 1", arguments: fresh + chunked + push, count: 2),
    ]
  }

  @Test("No request fails, and the new one is served within seconds")
  func replacement() throws {
    let (scratch, authority) = (try Scratch(), CertificateAuthority())
    let served = CertificateAuthority.Identity(
      certificate: "\(scratch.path)/served.pem", key: "\(scratch.path)/served.key")
    let names = ["DNS:localhost", "IP:127.0.0.1"]
    func install(_ identity: CertificateAuthority.Identity) throws {
      // One after the other, as a copy does it.
      try Files.write(CertificateAuthority.read(identity.certificate), to: served.certificate)
      try Files.write(CertificateAuthority.read(identity.key), to: served.key)
    }
    try install(authority.issue("registry", names))
    let registry = try RegistryProcess(
      RegistrySettings(http: ["  tls:", "    certificate: \(served.certificate)", "    key: \(served.key)"]),
      in: scratch)
    let origin = "https://\(registry.endpoint)"
    let blob = someBytes(200_000, seed: 5)
    let (file, digest) = ("\(scratch.path)/blob", Algorithm.sha256.digest(blob))
    try Files.write(blob, to: file)
    let curl = ["curl", "--no-progress-meter", "--cacert", authority.certificate, "-o", "/dev/null", "-w"]
    let first = try Command.run(
      curl + [
        "%{http_code}", "--data-binary", "@\(file)", "\(origin)/v2/load/blobs/blobs/uploads/?digest=\(digest)",
      ], in: scratch)
    #expect(first.output == "201", "\(first)")
    let loads = Self.loads(origin, pushing: file, digest)
    // Lines go to the error output, which curl does not hold back.
    let children = try loads.map { load in
      try ChildProcess(
        curl + ["%{stderr}%{http_code} %{http_version}\(load.told)\n"] + load.arguments,
        environment: Command.basicEnvironment,
        output: "\(scratch.path)/\(load.name)")
    }
    func lines(_ load: Load) -> [Substring] { Files.text("\(scratch.path)/\(load.name)").split(separator: "\n") }
    /// Waits until each has done some more.
    func goOn() throws {
      for (load, before) in loads.map({ ($0, lines($0).count) }) {
        while lines(load).count < before + load.count {
          guard !registry.child.hasEnded(within: 10) else { throw HarnessError(registry.log) }
        }
      }
    }
    func subject() throws -> String {
      let shown = try Command.run(
        ["openssl", "s_client", "-connect", "\(registry.endpoint)", "-CAfile", authority.certificate], in: scratch)
      return shown.output.split(separator: "\n").first { $0.hasPrefix("subject=") }.map(String.init) ?? shown.output
    }
    try goOn()
    #expect(try subject() == "subject=CN = registry")
    try install(authority.issue("renewed", names))
    let took = try ContinuousClock().measure {
      while try subject() != "subject=CN = renewed" {
        guard !registry.child.hasEnded(within: 50) else { throw HarnessError(registry.log) }
      }
    }
    #expect(took < .seconds(30), "some two seconds on a machine that is idle")
    try goOn()
    for child in children {
      #expect(!child.hasEnded(within: 0))
      child.signal(SIGTERM)
      #expect(child.hasEnded(within: 20_000))
    }
    for load in loads {
      // The last line may be cut; what curl itself says would be another line.
      #expect(lines(load).dropLast().allSatisfy { $0 == load.line }, "\(load.name): \(Set(lines(load)))")
    }
    registry.stop()
  }
}
