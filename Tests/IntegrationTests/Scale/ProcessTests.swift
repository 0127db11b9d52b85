// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

/// How the program starts, listens, and stops.
@Suite("The command and the process", .serialized)
struct ProcessTests {
  private static let octets: Field = ("Content-Type", "application/octet-stream")

  @Test("SIGTERM finishes what is in flight, and an upload goes on after the restart", arguments: Algorithm.allCases)
  func drain(_ algorithm: Algorithm) throws {
    let registry = try RegistryProcess()
    let bench = try Bench("drain", algorithm, registry: registry)
    let bytes = someBytes(1_000_000, seed: 15)
    let location = try bench.startUpload()
    // Two uploads under way: one that is finished during the drain, one that stalls.
    let finishing = try Connection(to: registry.endpoint)
    let idle = try Connection(to: registry.endpoint)
    let first = try bench.client.send("PATCH", location, [Self.octets], body: Array(bytes[..<300_000]))
    expect(first, 202)
    try finishing.send(
      "PATCH \(bench.target(of: first)) HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\nExpect: 100-continue\r\n\r\n")
    // Once the server has asked for the body, the request is in flight.
    expect(try finishing.readResponse(to: "PATCH", interim: true), 100)
    try finishing.send(Array(bytes[300_000..<400_000]))
    registry.child.signal(SIGTERM)
    // When the idle connection has been closed, the drain has begun.
    #expect(try idle.receive().isEmpty)
    try finishing.send(Array(bytes[400_000..<500_000]))
    let second = try finishing.readResponse(to: "PATCH")
    expect(second, 202)
    #expect(second["Range"] == "0-499999")
    #expect(second["Connection"]?.lowercased() == "close")
    finishing.shut()
    #expect(registry.child.hasEnded(within: 35_000))
    #expect(registry.child.exitCode == 0, "\(registry.log.suffix(1000))")
    let again = try RegistryProcess(registry.settings, in: registry.scratch, root: registry.root, at: registry.endpoint)
    let client = HTTPClient(again.endpoint)
    let status = try client.send("GET", bench.target(of: second))
    expect(status, 204)
    #expect(status["Range"] == "0-499999")
    let done = try client.send(
      "PUT", bench.target(of: second).adding("digest=\(algorithm.digest(bytes))"), [Self.octets],
      body: Array(bytes[500_000...]))
    expect(done, 201)
    expectSame(try client.send("GET", bench.blob(algorithm.digest(bytes))).body, bytes)
    again.stop()
  }

  @Test("What a cut upload had sent is kept and can be gone on with")
  func cutUpload() throws {
    let registry = try RegistryProcess(RegistrySettings(http: ["  draintimeout: 1s"]))
    let bench = try Bench("cut", registry: registry)
    let bytes = someBytes(100_000, seed: 16)
    let location = try bench.startUpload()
    let stalled = try Connection(to: registry.endpoint)
    try stalled.send("PATCH \(location) HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n")
    expect(try stalled.readResponse(to: "PATCH", interim: true), 100)
    try stalled.send(Array(bytes[..<60_000]))
    registry.child.signal(SIGTERM)
    #expect(registry.child.hasEnded(within: 20_000), "draintimeout is 1 s")
    #expect(registry.child.exitCode == 0, "\(registry.log.suffix(1000))")
    let again = try RegistryProcess(registry.settings, in: registry.scratch, root: registry.root, at: registry.endpoint)
    let client = HTTPClient(again.endpoint)
    let status = try client.send("GET", location)
    expect(status, 204)
    let kept = Int(status["Range"]?.split(separator: "-").last ?? "") ?? 0
    let from = kept == 0 ? 0 : kept + 1
    let more = try client.send(
      "PATCH", targetOf(status["Location"] ?? ""), [Self.octets, ("Content-Range", "\(from)-99999")],
      body: Array(bytes[from...]))
    expect(more, 202)
    expect(
      try client.send("PUT", targetOf(more["Location"] ?? "").adding("digest=\(Algorithm.sha256.digest(bytes))")), 201)
    again.stop()
  }

  @Test("SIGINT ends it as well")
  func interrupt() throws {
    let registry = try RegistryProcess()
    registry.child.signal(SIGINT)
    #expect(registry.child.hasEnded(within: 10_000))
    #expect(registry.child.exitCode == 0)
  }

  /// How the shell starts the program in `$0` with the configuration in `$1`.
  struct Streams: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let script: String

    static let all = [
      Streams(testDescription: "all closed", script: #"exec "$0" serve "$1" <&- >&- 2>&-"#),
      Streams(
        testDescription: "a pipe that nobody reads",
        script: #"mkfifo "$1.pipe" && exec 3<>"$1.pipe" && exec "$0" serve "$1" >&3"#),
      Streams(
        testDescription: "pipes whose reader has gone",
        script: #"mkfifo "$1.pipe" && exec 3<>"$1.pipe" 4>"$1.pipe" 3<&- && exec "$0" serve "$1" >&4 2>&4"#),
    ]
  }

  @Test("Nothing about the standard streams stops it, and SIGTERM still ends it", arguments: Streams.all)
  func standardStreams(_ streams: Streams) throws {
    let scratch = try Scratch()
    let endpoint = try Endpoint.ip4(port: freePort())
    let configuration = "\(scratch.path)/config.yml"
    try Files.write(
      RegistrySettings().text(root: "\(scratch.path)/data", address: endpoint.description, isUnix: false),
      to: configuration)
    let child = try ChildProcess(
      ["sh", "-c", streams.script, RegistryProcess.binary, configuration], environment: Command.basicEnvironment,
      output: "\(scratch.path)/stdout.log", errors: "\(scratch.path)/stderr.log")
    var connection: Connection?
    for _ in 0..<5000 where connection == nil {
      connection = try? Connection(to: endpoint)  // refused until it listens
      if connection == nil, child.hasEnded(within: 2) { break }
    }
    let client = try #require(connection, "\(Files.text("\(scratch.path)/stderr.log"))")
    // More lines than a pipe holds, by far.
    for _ in 0..<3000 {
      try client.send("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
      expect(try client.readResponse(to: "GET"), 200)
    }
    client.shut()
    child.signal(SIGTERM)
    #expect(child.hasEnded(within: 10_000))
    #expect(child.exitCode == 0, "\(Files.text("\(scratch.path)/stderr.log").suffix(1000))")
  }

  @Test("It listens on IPv6")
  func ip6() throws {
    guard let port = try? freePort(ip6: true) else { return }  // a machine without IPv6 has nothing to listen on
    let registry = try RegistryProcess(at: .ip6(port: port))
    let bench = try Bench("ip6", registry: registry)
    let digest = try bench.push([6])
    expect(try bench.client.send("GET", bench.blob(digest)), 200)
    registry.stop()
  }

  @Test("It listens on a unix socket, and over a stale one")
  func unixSocket() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/registry.sock"
    for _ in 0..<2 {
      let registry = try RegistryProcess(in: scratch, at: .unix(path: path))
      let bench = try Bench("unix", registry: registry)
      let digest = try bench.push([7])
      expect(try bench.client.send("GET", bench.blob(digest)), 200)
      registry.stop()
    }
    // One that was killed leaves its socket behind.
    let killed = try RegistryProcess(in: scratch, at: .unix(path: path))
    killed.child.signal(SIGKILL)
    #expect(killed.child.hasEnded(within: 5000))
    let registry = try RegistryProcess(in: scratch, at: .unix(path: path))
    expect(try HTTPClient(registry.endpoint).send("GET", "/v2/"), 200)
    registry.stop()
  }

  @Test("A taken port is said clearly")
  func takenPort() throws {
    let registry = try RegistryProcess()
    let scratch = try Scratch()
    let configuration = "\(scratch.path)/config.yml"
    try Files.write(
      RegistrySettings().text(root: "\(scratch.path)/data", address: registry.endpoint.description, isUnix: false),
      to: configuration)
    let outcome = try RegistryProcess.run(["serve", configuration], scratch: scratch)
    #expect(outcome.code == 1)
    #expect(outcome.output.contains(registry.endpoint.description), "\(outcome)")
    #expect(outcome.output.contains("in use"), "\(outcome)")
    registry.stop()
  }

  @Test("--version, -version and -v say the same line")
  func version() throws {
    let scratch = try Scratch()
    var lines: Set<String> = []
    for form in ["--version", "-version", "-v"] {
      let outcome = try RegistryProcess.run([form], scratch: scratch)
      #expect(outcome.code == 0, "\(outcome)")
      lines.insert(outcome.output)
    }
    #expect(lines.count == 1, "\(lines)")
    // As Distribution says it: program, package, version.
    #expect(lines.first?.split(separator: " ").count == 3, "\(lines)")
  }

  @Test("A path alone, and REGISTRY_CONFIGURATION_PATH", arguments: [true, false])
  func configurationPath(byEnvironment: Bool) throws {
    let scratch = try Scratch()
    let endpoint = try Endpoint.ip4(port: freePort())
    let configuration = "\(scratch.path)/config.yml"
    try Files.write(
      RegistrySettings().text(root: "\(scratch.path)/data", address: endpoint.description, isUnix: false),
      to: configuration)
    let child = try RegistryProcess.spawn(
      byEnvironment ? ["serve"] : [configuration],
      environment: byEnvironment ? ["REGISTRY_CONFIGURATION_PATH": configuration] : [:], scratch: scratch)
    var answered = false
    for _ in 0..<5000 where !answered {
      if let connection = try? Connection(to: endpoint) {  // refused until it listens
        connection.shut()
        answered = true
      } else if child.hasEnded(within: 2) {
        break
      }
    }
    #expect(answered, "\(Files.text("\(scratch.path)/stderr.log"))")
    child.signal(SIGTERM)
    #expect(child.hasEnded(within: 10_000))
    #expect(child.exitCode == 0)
  }

  @Test("check names file, line, column and the nearest key, or prints the settings without secrets")
  func check() throws {
    let scratch = try Scratch()
    let good = "\(scratch.path)/good.yml"
    try Files.write(
      RegistrySettings(secret: "hush-hush").text(root: "\(scratch.path)/data", address: "127.0.0.1:1", isUnix: false),
      to: good)
    let fine = try RegistryProcess.run(["check", good], scratch: scratch)
    #expect(fine.code == 0, "\(fine)")
    #expect(fine.output.contains("127.0.0.1:1"), "\(fine)")
    #expect(!fine.output.contains("hush-hush"), "\(fine)")
    let bad = "\(scratch.path)/bad.yml"
    try Files.write("version: 0.1\nstorage:\n  filesystm:\n    rootdirectory: /tmp/x\nhttp:\n  adr: :5000\n", to: bad)
    let wrong = try RegistryProcess.run(["check", bad], scratch: scratch)
    #expect(wrong.code == 1, "\(wrong)")
    #expect(wrong.output.contains("bad.yml:3:3"), "\(wrong)")
    #expect(wrong.output.contains("filesystem"), "\(wrong)")
    let auth = "\(scratch.path)/auth.yml"
    try Files.write(
      "version: 0.1\nstorage:\n  inmemory: {}\nauth:\n  token:\n    realm: x\n    issuer: x\n", to: auth)
    #expect(wrong.output.contains("1 error, 2 warnings"), "\(wrong)")
    let builtIn = try RegistryProcess.run(["check"], scratch: scratch)
    #expect(builtIn.code == 0 && builtIn.output.contains("built-in default"), "\(builtIn)")
    let collection = try RegistryProcess.run(["garbage-collect", good], scratch: scratch)
    #expect(collection.code == 1 && collection.output.contains("not served yet"), "\(collection)")
    for verb in ["check", "serve"] {
      let refused = try RegistryProcess.run([verb, auth], scratch: scratch)
      #expect(refused.code == 1, "\(refused)")
      #expect(refused.output.contains("auth.yml:5"), "\(refused)")
    }
  }

  @Test("Distribution's first example starts unchanged, without a warning")
  func firstExample() throws {
    let scratch = try Scratch()
    let configuration = "\(scratch.path)/config.yml"
    try Files.write(
      """
      version: 0.1
      loglevel: debug
      storage:
          filesystem:
              rootdirectory: \(scratch.path)/registry
      http:
          addr: localhost:\(try freePort())
          secret: asecretforlocaldevelopment
          debug:
              addr: localhost:5001
      """, to: configuration)
    let child = try RegistryProcess.spawn(
      ["serve", configuration], environment: ["REGISTRY_PORT": "tcp://10.0.0.1:5000"], scratch: scratch)
    var log = ""
    for _ in 0..<5000 {
      log = Files.text("\(scratch.path)/stderr.log")
      if log.contains("listening on") || child.hasEnded(within: 2) { break }
    }
    #expect(log.contains("listening on"), "\(log)")
    #expect(
      !log.split(separator: "\n").contains { $0.contains("level=warn") && !$0.contains("REGISTRY_PORT") }, "\(log)")
    child.signal(SIGTERM)
    #expect(child.hasEnded(within: 10_000))
  }
}
