// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import Testing

/// HTTP/2 as ALPN agrees on it, by the clients that people have, against the release binary.
@Suite("HTTP/2 over TLS", .serialized)
struct SecureHTTP2Tests {
  /// A registry that speaks TLS, and what a client needs to believe it.
  private struct Host {
    let registry: RegistryProcess
    let authority = CertificateAuthority()
    var scratch: Scratch { registry.scratch }
    var origin: String { "https://\(registry.endpoint)" }

    init(http: [String] = []) throws {
      let identity = authority.issue("registry", ["DNS:localhost", "IP:127.0.0.1"])
      registry = try RegistryProcess(
        RegistrySettings(
          http: ["  tls:", "    certificate: \(identity.certificate)", "    key: \(identity.key)"] + http))
    }

    /// Runs curl; `-w` says which version each exchange spoke, its status, and how many connections it made.
    func curl(_ arguments: [String]) throws -> Command.Outcome {
      try Command.run(
        [
          "curl", "-sS", "--cacert", authority.certificate, "-w",
          "%{stderr}%{http_version} %{http_code} %{num_connects}\n",
        ] + arguments, in: scratch, seconds: 120)
    }

    /// Pushes a blob; its URL.
    func push(_ bytes: [UInt8], to name: String) throws -> String {
      let digest = Algorithm.sha256.digest(bytes)
      try Files.write(bytes, to: "\(scratch.path)/blob")
      let outcome = try curl([
        "--data-binary", "@\(scratch.path)/blob", "-H", "Content-Type: application/octet-stream",
        "\(origin)/v2/\(name)/blobs/uploads/?digest=\(digest)",
      ])
      #expect(outcome.output.contains(" 201 "), "\(outcome)")
      return "\(origin)/v2/\(name)/blobs/\(digest)"
    }
  }

  @Test("curl pushes and pulls 100 layers, each in one connection", .enabled(if: Peers.has("curl")))
  func curl() throws {
    let host = try Host()
    let path = host.scratch.path
    var (pushes, pulls): ([String], [String]) = ([], [])
    for number in 0..<Layers.count {
      let bytes = Layers.bytes(of: number)
      let digest = Algorithm.sha256.digest(bytes)
      try Files.write(bytes, to: "\(path)/layer-\(number)")
      let place = "\(host.origin)/v2/curl/layers/blobs"
      // A file of arguments: `next` begins an exchange with options of its own.
      let common = ["no-progress-meter", "cacert = \(host.authority.certificate)", "silent", "show-error"]
      let told = #"write-out = "%{http_version} %{http_code} %{num_connects}\n""#
      pushes += ["next"] + common + [told, "output = /dev/null", "header = \"Content-Type: application/octet-stream\""]
      pushes += ["data-binary = @\(path)/layer-\(number)", "url = \"\(place)/uploads/?digest=\(digest)\""]
      pulls += ["next"] + common + [told, "output = \(path)/pulled-\(number)", "url = \(place)/\(digest)"]
    }
    for (what, lines, status) in [("pushes", pushes, "201"), ("pulls", pulls, "200")] {
      try Files.write(lines.dropFirst().joined(separator: "\n") + "\n", to: "\(path)/\(what)")
      let outcome = try Command.run(
        ["curl", "--no-progress-meter", "--parallel", "--parallel-max", "100", "-K", "\(path)/\(what)"],
        in: host.scratch, seconds: 120)
      #expect(outcome.code == 0, "\(outcome)")
      let told = outcome.output.split(separator: "\n").map { $0.split(separator: " ") }
      #expect(told.count == Layers.count && told.allSatisfy { $0.count == 3 && $0[0] == "2" && $0[1] == status })
      #expect(told.reduce(0) { $0 + (Int($1.last ?? "") ?? 99) } == 1, "one connection: \(outcome.output)")
    }
    for number in 0..<Layers.count {
      #expect(Files.read("\(path)/pulled-\(number)") == Layers.bytes(of: number))
    }
    host.registry.stop()
    #expect(host.registry.log.contains("HTTP/2.0"), "the access log tells the version")
  }

  @Test("curl pushes and pulls what is larger than every window", .enabled(if: Peers.has("curl")))
  func large() throws {
    let host = try Host()
    let bytes = someBytes(20_000_000, seed: 11)
    let url = try host.push(bytes, to: "curl/large")
    let got = "\(host.scratch.path)/got"
    let outcome = try host.curl(["-o", got, url])
    #expect(outcome.output == "2 200 1\n" && Files.read(got) == bytes, "\(outcome)")
    host.registry.stop()
  }

  @Test("nghttp pulls 100 layers in one connection", .enabled(if: Peers.has("nghttp"), "nghttp2-client is missing"))
  func nghttp() throws {
    let host = try Host()
    // A full frame and its header fill a record of TLS: 16 375 bytes are 131 times 125.
    let layers = (0..<Layers.count).map { Layers.bytes(of: $0, record: 125) }
    let urls = try layers.map { try host.push($0, to: "nghttp/layers") }
    // Without what it says of a certificate that it does not verify.
    let quietly = ["sh", "-c", #"exec nghttp -w24 -W30 -m1 "$@" 2> /dev/null"#, "nghttp"]
    let outcome = try Command.run(quietly + urls, in: host.scratch, seconds: 120)
    #expect(outcome.code == 0)
    Layers.expect(all: layers, in: Array(outcome.output.utf8), record: 125)
    host.registry.stop()
  }

  @Test("h2load has every request answered", .enabled(if: Peers.has("h2load"), "nghttp2-client is missing"))
  func load() throws {
    let host = try Host()
    let url = try host.push(someBytes(300_000, seed: 3), to: "load/blobs")
    for version in [["-c", "5", "-m", "50"], ["--h1", "-c", "20"]] {
      let outcome = try Command.run(["h2load", "-n", "1000"] + version + [url], in: host.scratch, seconds: 120)
      #expect(outcome.code == 0 && outcome.output.contains("1000 succeeded, 0 failed, 0 errored, 0 timeout"))
      #expect(outcome.output.contains("status codes: 1000 2xx"), "\(outcome)")
      #expect(outcome.output.contains("Application protocol: \(version[0] == "--h1" ? "http/1.1" : "h2")"))
    }
    host.registry.stop()
  }

  @Test("http2.disabled offers HTTP/1.1 alone, and serves it", .enabled(if: Peers.has("curl")))
  func disabled() throws {
    let host = try Host(http: ["  http2:", "    disabled: true"])
    let url = try host.push(Array("a layer".utf8), to: "one/blobs")
    let outcome = try host.curl(["--http2", "-o", "/dev/null", url])
    #expect(outcome.output == "1.1 200 1\n", "\(outcome)")
    let shown = try Command.run(
      [
        "openssl", "s_client", "-connect", "\(host.registry.endpoint)", "-CAfile", host.authority.certificate, "-alpn",
        "h2,http/1.1",
      ], in: host.scratch)
    #expect(shown.output.contains("ALPN protocol: http/1.1"), "\(shown)")
    let none = try Command.run(
      ["openssl", "s_client", "-connect", "\(host.registry.endpoint)", "-alpn", "h2"], in: host.scratch)
    #expect(none.code != 0 && none.output.contains("no application protocol"), "\(none)")
    host.registry.stop()
    #expect(!host.registry.log.contains("HTTP/2.0"))
  }

  @Test("What clients began before SIGTERM is finished", .enabled(if: Peers.has("curl")))
  func drain() throws {
    let host = try Host()
    let bytes = someBytes(2_000_000, seed: 4)
    let url = try host.push(bytes, to: "drain/blobs")
    let file = "\(host.scratch.path)/pulled"
    let pull = try ChildProcess(
      [
        "curl", "-sS", "--cacert", host.authority.certificate, "-w", "%{http_version}", "--limit-rate", "1M", "-o",
        file,
        url,
      ], environment: Command.basicEnvironment, output: "\(host.scratch.path)/curl")
    while (Files.read(file)?.count ?? 0) == 0, !pull.hasEnded(within: 5) {}
    host.registry.stop()
    #expect(pull.hasEnded(within: 30_000) && pull.exitCode == 0 && Files.read(file) == bytes)
    #expect(Files.text("\(host.scratch.path)/curl") == "2")
  }
}
