// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Gantry
import GantryEventLoops
import Glibc
import Testing

@testable import GantryLoadTesting

/// What the program itself answers to a shell.
@Suite("Exit status", .serialized)
struct ExitStatusTests {
  /// The program that was built beside these tests.
  private static let program: String = {
    let own = CommandLine.arguments[0]
    let directory = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
    return directory + "/registry-load"
  }()

  /// Runs the program to its end; its status, and what it said. `meanwhile` is called with its process once it runs.
  private static func run(_ arguments: [String], meanwhile: (pid_t) -> Void = { _ in }) throws
    -> (status: Int32, text: String)
  {
    var template = Array("/tmp/gantry-load-exit-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    let output = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    close(descriptor)
    defer { unlink(output) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_APPEND, 0)
    posix_spawn_file_actions_addopen(&actions, 2, output, O_WRONLY | O_APPEND, 0)
    let argv = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for pointer in argv { free(pointer) } }
    // The threads that tests run on may block signals, which a child would inherit.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var pid: pid_t = 0
    let failure = posix_spawn(&pid, program, &actions, &attributes, argv, environ)
    guard failure == 0 else { throw InputError("\(program): \(String(cString: strerror(failure)))") }
    meanwhile(pid)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    return (status & 0x7f == 0 ? status >> 8 & 0xff : -1, try TextFile.read(output))
  }

  @Test(
    "What cannot be understood is status 2, with the place",
    arguments: [
      (["run"], "there is no scenario to run"),
      (["run", "--scenario", "{kind: get}"], "there is no target: give --target"),
      (["run", "--scenario", "{kind: gte}", "--target", "http://127.0.0.1:9"], "--scenario:1:8: kind must be one of"),
      (["run", "/nowhere/s.yml", "--target", "http://127.0.0.1:9"], "/nowhere/s.yml"),
      (["run", "--scenario", "{kind: get}", "--target", "127.0.0.1:9"], "is not the URL of a registry"),
      (["run", "--scenario", "{kind: get}", "--target", "http://a:b@127.0.0.1:9"], "belong into --user"),
      (["run", "--scenario", "{kind: get}", "--target", "a=http://127.0.0.1:9", "--user", "b=c:d"], "no target of"),
      (["run", "--scenario", "{kind: get}", "--target", "http://127.0.0.1:9", "--rounds", "0"], "--rounds must be"),
      (["run", "--scenario", "{kind: get}", "--target", "http://a", "--seconds", "inf"], "--seconds must be"),
      (["run", "--scenario", "{kind: get}", "--target", "a=http://a", "--pid", "a=99999999"], "no process 9"),
      (
        ["run", "--scenario", "{name: a, kind: get}", "--scenario", "{name: a, kind: get}"],
        "two scenarios are called \"a\""
      ),
      (["get", "http://127.0.0.1:9", "--rate", "1e-12"], "--rate must be"),
      (["get", "http://127.0.0.1:9", "--loops", "0"], "--loops must be"),
      (["run", "--rounds", "many"], "'many'"),
      (["get", "http://127.0.0.1:9", "--duration", "long"], "not a duration"),
      (["rnu"], "rnu"),
      (["run", "--scenario", "{kind: get}", "--target", "http://127.0.0.1:9"], "connect: "),
    ])
  func badInput(_ arguments: [String], _ words: String) throws {
    let (status, text) = try Self.run(arguments)
    #expect(status == 2, "\(text)")
    #expect(text.contains(words), "\(text)")
  }

  /// A file of one threshold, for as long as `body` runs.
  private static func thresholds(_ demand: String, _ body: (String) throws -> Void) throws {
    try withFile("thresholds: [{scenario: get, of: a, \(demand)}]\n", body)
  }

  private static func withFile(_ text: String, _ body: (String) throws -> Void) throws {
    var template = Array("/tmp/gantry-load-thresholds-XXXXXX".utf8CString)
    close(mkstemp(&template))
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(path) }
    try TextFile.write(text, to: path)
    try body(path)
  }

  @Test(
    "Thresholds decide between 0 and 1",
    arguments: [
      ("metric: rate, at-least: 1", Int32(0), "met "), ("metric: rate, at-least: 1000000000", 1, "MISSED "),
    ])
  func thresholds(_ demand: String, _ wanted: Int32, _ word: String) throws {
    let server = try CannedServer { _ in CannedServer.Answer() }
    defer { server.stop() }
    try Self.thresholds(demand) { path in
      let (status, text) = try Self.run([
        "run", "--scenario", "{kind: get, clients: 1, duration: 100ms, warmup: 0s}", "--target",
        "a=http://127.0.0.1:\(server.port)", "--thresholds", path,
      ])
      #expect(status == wanted, "\(text)")
      #expect(text.contains(word), "\(text)")
    }
  }

  @Test("A target that fails is status 2, and what was measured at the others is reported")
  func partial() throws {
    let server = try CannedServer { _ in CannedServer.Answer() }
    defer { server.stop() }
    try Self.withFile("") { report in
      let (status, text) = try Self.run([
        "run", "--scenario", "{kind: get, clients: 1, operations: 3}", "--target",
        "a=http://127.0.0.1:\(server.port)", "--target", "b=http://127.0.0.1:9", "--user", "b=ann:x", "--json", report,
      ])
      #expect(status == 2, "\(text)")
      #expect(text.contains("get at b: connect: "), "\(text)")
      #expect(text.contains("  a "), "\(text)")
      #expect(try TextFile.read(report).contains("\"operations\":3,\"requests\":3,"))
    }
  }

  @Test(
    "A target that is wrong in every request is status 2, and the first fault is told",
    arguments: [
      (BrokenRegistry.Fault.corruptsLastByte, " x digest, first: GET http://127.0.0.1:"),
      (.answers500, " x status, first: GET http://127.0.0.1:"),
    ])
  func misbehaving(_ fault: BrokenRegistry.Fault, _ words: String) throws {
    let (host, port) = try FaultTests.registry()
    defer { host.stop() }
    let arguments = ["run", "--scenario", "{name: pulls, kind: blob-get, clients: 1, operations: 3}", "--target"]
    let (status, text) = try Self.run(arguments + ["a=http://127.0.0.1:\(port)"])
    #expect(status == 0, "\(text)")
    let proxy = try BrokenRegistry(before: port, fault)
    defer { proxy.stop() }
    let (broken, report) = try Self.run(arguments + ["a=http://127.0.0.1:\(proxy.port)"])
    #expect(broken == 2, "\(report)")
    #expect(report.contains("PROBLEM: pulls at a: 3\(words)\(proxy.port)/v2/load/test/blobs/sha256:"), "\(report)")
  }

  @Test("Faults that a threshold allows are no problem, and more are", arguments: [(3, Int32(0)), (2, 2)])
  func allowedFaults(_ most: Int, _ wanted: Int32) throws {
    // The first request is the preparation's.
    let server = try CannedServer { CannedServer.Answer(status: $0.number % 2 == 0 ? 200 : 500) }
    defer { server.stop() }
    try Self.thresholds("metric: faults, at-most: \(most)") { path in
      let (status, text) = try Self.run([
        "run", "--scenario", "{kind: get, clients: 1, operations: 6}", "--target",
        "a=http://127.0.0.1:\(server.port)", "--thresholds", path,
      ])
      #expect(status == wanted, "\(text)")
      #expect(text.contains("PROBLEM: get at a: 3 x status, first: ") == (wanted == 2), "\(text)")
    }
  }

  @Test("Users and tokens may hold equals signs, and no report tells them", arguments: ["--user", "--token"])
  func secrets(_ option: String) throws {
    // printf 'me:pa=ss' | base64
    let (secret, wanted) = option == "--user" ? ("me:pa=ss", "Basic bWU6cGE9c3M=") : ("abc==", "Bearer abc==")
    let server = try CannedServer { request in
      if request.authorization == wanted { return CannedServer.Answer() }
      return CannedServer.Answer(status: 401, fields: [("WWW-Authenticate", "Basic realm=\"r\"")])
    }
    defer { server.stop() }
    try Self.withFile("") { report in
      let (status, text) = try Self.run([
        "run", "--scenario", "{kind: get, clients: 1, operations: 2}", "--target", "a=http://127.0.0.1:\(server.port)",
        option, secret, "--html", report,
      ])
      #expect(status == 0, "\(text)")
      let page = try TextFile.read(report)
      #expect(page.contains("\(option) ...") && !page.contains(secret))
    }
  }

  @Test("A run that is interrupted is status 2, reports what it has, and names what it did not come to")
  func interrupted() throws {
    let isMeasuring = ThreadGate()
    let server = try CannedServer { request in
      if request.number == 20 { isMeasuring.open() }
      return CannedServer.Answer()
    }
    defer { server.stop() }
    let (status, text) = try Self.run([
      "run", "--scenario", "{name: one, kind: get, clients: 1, duration: 1h, warmup: 0s}", "--scenario",
      "{name: two, kind: get}", "--target", "a=http://127.0.0.1:\(server.port)",
    ]) { pid in
      isMeasuring.wait()
      kill(pid, SIGINT)
    }
    #expect(status == 2, "\(text)")
    #expect(text.contains("PROBLEM: the run was stopped early, before it came to two\n"), "\(text)")
    #expect(text.contains("one: get, 1 client") && text.contains("  a "), "\(text)")
  }
}
