// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

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

  /// Runs the program to its end; its status, and what it said.
  private static func run(_ arguments: [String]) throws -> (status: Int32, text: String) {
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
    var pid: pid_t = 0
    let failure = posix_spawn(&pid, program, &actions, nil, argv, environ)
    guard failure == 0 else { throw InputError("\(program): \(String(cString: strerror(failure)))") }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    return (status & 0x7f == 0 ? status >> 8 & 0xff : -1, try TextFile.read(output))
  }

  @Test(
    "What cannot be understood is status 2, with the place",
    arguments: [
      (["run"], "there is no scenario to run"),
      (["run", "--scenario", "{kind: get}"], "there is no target: give --target"),
      (["run", "--scenario", "{kind: gte}", "--target", "http://127.0.0.1:9"], "--scenario:1:20: kind must be one of"),
      (["run", "/nowhere/s.yml", "--target", "http://127.0.0.1:9"], "/nowhere/s.yml"),
      (["run", "--scenario", "{kind: get}", "--target", "127.0.0.1:9"], "is not the URL of a registry"),
      (["run", "--scenario", "{kind: get}", "--target", "http://a:b@127.0.0.1:9"], "belong into --user"),
      (["run", "--scenario", "{kind: get}", "--target", "a=http://127.0.0.1:9", "--user", "b=c:d"], "no target of"),
      (["run", "--scenario", "{kind: get}", "--target", "http://127.0.0.1:9", "--rounds", "0"], "--rounds must be"),
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

  private static func thresholds(_ demand: String, _ body: (String) throws -> Void) throws {
    var template = Array("/tmp/gantry-load-thresholds-XXXXXX".utf8CString)
    close(mkstemp(&template))
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(path) }
    try TextFile.write("thresholds: [{scenario: get, metric: rate, of: a, \(demand)}]\n", to: path)
    try body(path)
  }

  @Test(
    "Thresholds decide between 0 and 1",
    arguments: [("at-least: 1", Int32(0), "met "), ("at-least: 1000000000", 1, "MISSED ")])
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
    let (status, text) = try Self.run([
      "run", "--scenario", "{kind: get, clients: 1, operations: 3}", "--target",
      "a=http://127.0.0.1:\(server.port)", "--target", "b=http://127.0.0.1:9", "--user", "b=ann:x",
    ])
    #expect(status == 2, "\(text)")
    #expect(text.contains("get at b: connect: "), "\(text)")
    #expect(text.contains("  a "), "\(text)")
  }
}
