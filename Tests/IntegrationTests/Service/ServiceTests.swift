// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

/// The registry as a service manager's child.
@Suite("The process as a service", .serialized)
struct ServiceTests {
  private static let basicConfiguration = ["version: 0.1", "storage:", "  inmemory: {}", "http:"]

  private func write(_ lines: [String], in scratch: Scratch) throws -> String {
    let path = "\(scratch.path)/service.yml"
    try Files.write((Self.basicConfiguration + lines).joined(separator: "\n") + "\n", to: path)
    return path
  }

  @Test("It tells readiness, reloads, life and the end", arguments: [false, true])
  func notices(_ isAbstract: Bool) throws {
    let scratch = try Scratch()
    let name = isAbstract ? "@gantry-test-\(UInt64.random(in: 0 ... .max))" : "\(scratch.path)/notify"
    let manager = try NoticeSocket(name)
    let registry = try RegistryProcess(
      RegistrySettings(environment: ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"]), in: scratch)
    try manager.wait(for: "READY=1")
    try manager.wait(for: "WATCHDOG=1")
    try manager.wait(for: "WATCHDOG=1")
    registry.child.signal(SIGHUP)
    try manager.wait(for: "RELOADING=1")
    try manager.wait(for: "READY=1")
    registry.child.signal(SIGTERM)
    try manager.wait(for: "STOPPING=1")
    #expect(registry.child.hasEnded(within: 40_000) && registry.child.exitCode == 0, "\(registry.log.suffix(1000))")
  }

  @Test("A watchdog of another process is not fed") func foreignWatchdog() throws {
    let scratch = try Scratch()
    let manager = try NoticeSocket("\(scratch.path)/notify")
    let registry = try RegistryProcess(
      RegistrySettings(
        environment: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"]), in: scratch)
    try manager.wait(for: "READY=1")
    registry.child.signal(SIGTERM)
    let next = try manager.next()
    #expect(next.hasPrefix("STOPPING=1\n"), "\(next)")
    #expect(registry.child.hasEnded(within: 40_000) && registry.child.exitCode == 0, "\(registry.log.suffix(1000))")
  }

  private static let hasActivation = Command.find("systemd-socket-activate") != nil

  /// Starts the registry through systemd-socket-activate, which runs it at the first connection.
  private func activate(_ options: [String], _ lines: [String], in scratch: Scratch) throws -> ChildProcess {
    try ChildProcess(
      ["systemd-socket-activate"] + options + [RegistryProcess.binary, "serve", try write(lines, in: scratch)],
      environment: Command.basicEnvironment, output: "\(scratch.path)/out.log", errors: "\(scratch.path)/err.log")
  }

  /// The status of `GET target` there, once somebody listens.
  private func awaitedStatus(_ endpoint: Endpoint, _ target: String, _ child: ChildProcess) -> Int? {
    for _ in 0..<4000 {
      if let status = try? HTTPClient(endpoint).send("GET", target).status { return status }  // refused until then
      if child.hasEnded(within: 5) { break }
    }
    return nil
  }

  /// Whether the log of errors says so soon: lines gather for a moment.
  private func logs(_ sentence: String, in scratch: Scratch, _ child: ChildProcess) -> Bool {
    for _ in 0..<1000 {
      if Files.text("\(scratch.path)/err.log").contains(sentence) { return true }
      if child.hasEnded(within: 5) { break }
    }
    return Files.text("\(scratch.path)/err.log").contains(sentence)
  }

  @Test(
    "systemd-socket-activate starts it at the first connection",
    .enabled(if: hasActivation, "systemd-socket-activate is not installed"), arguments: ["http", "other"])
  func socketActivation(_ name: String) throws {
    let scratch = try Scratch()
    let port = try freePort()
    // The address of the configuration is another one: the manager's counts, and the log says so.
    let child = try activate(
      ["--listen=127.0.0.1:\(port)", "--fdname=\(name)"], ["  addr: 127.0.0.1:1"], in: scratch)
    #expect(awaitedStatus(.ip4(port: port), "/v2/", child) == 200, "\(Files.text("\(scratch.path)/err.log"))")
    #expect(logs("listening on 127.0.0.1:\(port), as the service manager says", in: scratch, child))
    child.signal(SIGTERM)
    #expect(child.hasEnded(within: 40_000) && child.exitCode == 0)
  }

  @Test(
    "Of several sockets the one at its address is taken, and one that nobody wants is closed",
    .enabled(if: hasActivation, "systemd-socket-activate is not installed"))
  func severalSockets() throws {
    let scratch = try Scratch()
    let (stray, path) = (try freePort(), "\(scratch.path)/socket")
    let child = try activate(
      ["--listen=127.0.0.1:\(stray)", "--listen=\(path)"], ["  net: unix", "  addr: \(path)"], in: scratch)
    #expect(
      awaitedStatus(.unix(path: path), "/v2/", child) == 200, "\(Files.text("\(scratch.path)/err.log"))")
    #expect(logs("nothing is served on the socket unknown at 127.0.0.1:\(stray)", in: scratch, child))
    #expect(throws: HarnessError.self) { _ = try Connection(to: .ip4(port: stray)) }
    child.signal(SIGTERM)
    #expect(child.hasEnded(within: 40_000) && child.exitCode == 0)
    #expect(Files.exists(path), "the name of the manager's socket is not ours to remove")
  }

  @Test(
    "The operator's socket is found by its address, and by its name",
    .enabled(if: hasActivation, "systemd-socket-activate is not installed"), arguments: [false, true])
  func operatorsSocket(_ isNamed: Bool) throws {
    let scratch = try Scratch()
    let (port, debug) = (try freePort(), try freePort())
    let child = try activate(
      ["--listen=127.0.0.1:\(debug)", "--listen=127.0.0.1:\(port)"] + (isNamed ? ["--fdname=debug:http"] : []),
      [
        "  addr: 127.0.0.1:\(port)", "  draindelay: 0s", "  debug:",
        "    addr: 127.0.0.1:\(isNamed ? 1 : Int(debug))",
      ], in: scratch)
    #expect(awaitedStatus(.ip4(port: port), "/v2/", child) == 200, "\(Files.text("\(scratch.path)/err.log"))")
    #expect(awaitedStatus(.ip4(port: debug), "/livez", child) == 200, "\(Files.text("\(scratch.path)/err.log"))")
    child.signal(SIGTERM)
    #expect(child.hasEnded(within: 40_000) && child.exitCode == 0)
  }

  @Test("Readiness falls before the door closes; whoever still comes is answered, and sent elsewhere")
  func readinessFirst() throws {
    let debug = try freePort()
    let registry = try RegistryProcess(
      RegistrySettings(http: ["  draindelay: 4s", "  debug:", "    addr: 127.0.0.1:\(debug)"]))
    let operations = HTTPClient(.ip4(port: debug))
    let kept = HTTPClient(registry.endpoint)
    // It listens a moment before it says that it is ready.
    var first = try operations.send("GET", "/readyz").status
    while first != 200, !registry.child.hasEnded(within: 2) { first = try operations.send("GET", "/readyz").status }
    expect(try kept.send("GET", "/v2/"), 200)
    registry.child.signal(SIGTERM)
    var status = 200
    for _ in 0..<1000 where status == 200 {
      status = try operations.send("GET", "/readyz").status
      // The wait is for the registry's end, which would come too early.
      if registry.child.hasEnded(within: 2) { break }
    }
    #expect(status == 503)
    for client in [kept, HTTPClient(registry.endpoint)] {
      let answer = try client.send("GET", "/v2/")
      expect(answer, 200)
      #expect(answer["Connection"]?.lowercased() == "close", "\(answer)")
    }
    #expect(registry.child.hasEnded(within: 40_000) && registry.child.exitCode == 0, "\(registry.log.suffix(1000))")
    #expect(throws: HarnessError.self) { _ = try Connection(to: registry.endpoint) }
  }

  @Test("Privileges are given up for good", .enabled(if: Peers.isRoot, "only root has some to give up"))
  func privileges() throws {
    let scratch = try Scratch()
    let root = "\(scratch.path)/data"
    try Files.makeDirectory(root)
    chmod(scratch.path, 0o755)
    chown(root, 65534, 65534)
    // With groups that it must not keep, where they can be given to it.
    let groups = Command.find("setpriv") == nil ? [] : ["setpriv", "--groups=1,2,4"]
    let registry = try RegistryProcess(
      RegistrySettings(more: ["process:", "  user: nobody", "  group: nogroup"]), in: scratch, root: root, under: groups
    )
    let bench = try Bench("dropped", registry: registry)
    try bench.push([1, 2, 3])
    for task in Files.names(in: "/proc/\(registry.child.pid)/task") {
      let status = Files.text("/proc/\(registry.child.pid)/task/\(task)/status")
      #expect(status.contains("Uid:\t65534\t65534\t65534\t65534\n"), "\(task): \(status)")
      #expect(status.contains("Gid:\t65534\t65534\t65534\t65534\n"), "\(task)")
      let groups = status.split(separator: "\n").first { $0.hasPrefix("Groups:") }
      #expect(groups?.dropFirst(7).split(whereSeparator: \.isWhitespace) == ["65534"], "\(task): \(groups ?? "")")
      #expect(status.contains("CapEff:\t0000000000000000\n") && status.contains("CapPrm:\t0000000000000000\n"))
    }
    registry.stop()
  }

  @Test(
    "It does not start with what it was told to give up and cannot",
    arguments: [
      ("user: nobody-of-that-name", "there is no user \"nobody-of-that-name\""), ("user: root", "nothing to drop"),
      ("user: '4711'", "its group must be given"), ("{user: nobody, group: no-such-group}", "there is no group"),
    ])
  func refusal(_ user: String, _ words: String) throws {
    let scratch = try Scratch()
    let section = user.hasPrefix("{") ? "process: \(user)" : "process: {\(user)}"
    let path = try write(["  addr: 127.0.0.1:\(freePort())", section], in: scratch)
    let outcome = try RegistryProcess.run(["serve", path], scratch: scratch)
    #expect(outcome.code == 1 && outcome.output.contains(words), "\(outcome)")
  }

  @Test("The units are as systemd wants them", .enabled(if: Command.find("systemd-analyze") != nil, "no systemd"))
  func units() throws {
    let scratch = try Scratch()
    for unit in ["registry.service", "registry.socket"] {
      // The binary is where a package puts it; here it stands in for itself.
      let text = Files.text(Repository.path("config/systemd/\(unit)"))
        .replacing("/usr/bin/registry", with: RegistryProcess.binary)
      try Files.write(text, to: "\(scratch.path)/\(unit)")
    }
    let verified = try Command.run(
      ["systemd-analyze", "verify", "\(scratch.path)/registry.service", "\(scratch.path)/registry.socket"], in: scratch)
    #expect(verified.code == 0 && verified.output.isEmpty, "\(verified)")
    let judged = try Command.run(
      [
        "systemd-analyze", "security", "--offline=true", "--threshold=20", "\(scratch.path)/registry.service",
      ], in: scratch)
    #expect(judged.code == 0, "\(judged)")
  }
}

/// The files of this checkout.
enum Repository {
  static func path(_ name: String) -> String {
    "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") + "/" + name
  }
}
