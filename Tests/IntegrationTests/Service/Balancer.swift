// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc
import Testing

/// nginx or HAProxy with the configuration of `config/`, in front of two registries.
final class Balancer {
  enum Program: String, CaseIterable, Sendable {
    case nginx, haproxy

    var path: String? { Command.find(rawValue) }
  }

  let endpoint: Endpoint
  private let child: ChildProcess
  private let logPath: String
  /// What it says of itself and, nginx, of requests that failed.
  var log: String { Files.text(logPath) + Files.text(errorsPath) }
  private let errorsPath: String

  /// Runs the example with these addresses in place of its own; `readiness` are the ports that HAProxy asks.
  init(_ program: Program, to nodes: [UInt16], readiness: [UInt16], in scratch: Scratch) throws {
    let port = try freePort()
    endpoint = .ip4(port: port)
    logPath = "\(scratch.path)/\(program).log"
    errorsPath = "\(scratch.path)/nginx-error.log"
    let path = "\(scratch.path)/\(program).conf"
    var text = Files.text(Repository.path(program == .nginx ? "config/nginx.conf" : "config/haproxy.cfg"))
    func put(_ new: String, for old: String) throws {
      guard text.contains(old) else { throw HarnessError("the example of \(program) has no \"\(old)\"") }
      text = text.replacing(old, with: new)
    }
    switch program {
    case .nginx:
      for (index, node) in nodes.enumerated() { try put("127.0.0.1:\(node)", for: "10.0.0.1\(index + 1):5000") }
      let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
        "  \($0)_temp_path \(scratch.path)/nginx-\($0);\n"
      }
      try put("listen 127.0.0.1:\(port);", for: "listen 80;")
      try put("http {\n" + temporary.joined(), for: "http {\n")
      try put(errorsPath, for: "/var/log/nginx/error.log")
      try put("\(scratch.path)/nginx.pid", for: "/run/nginx.pid")
      text = "daemon off;\n" + text
      try Files.write(text, to: path)
      child = try ChildProcess(
        [program.path ?? "nginx", "-p", scratch.path, "-c", path], environment: Command.basicEnvironment,
        output: logPath)
    case .haproxy:
      for (index, node) in nodes.enumerated() {
        try put("127.0.0.1:\(node) port \(readiness[index])", for: "10.0.0.1\(index + 1):5000")
      }
      try put("check inter", for: "check port 5001 inter")
      try put("bind 127.0.0.1:\(port)", for: "bind :80")
      try Files.write(text, to: path)
      child = try ChildProcess(
        [program.path ?? "haproxy", "-db", "-f", path], environment: Command.basicEnvironment, output: logPath)
    }
    for _ in 0..<5000 {
      if (try? HTTPClient(endpoint).send("GET", "/v2/").status) == 200 { return }  // refused until it listens
      if child.hasEnded(within: 5) { break }
    }
    throw HarnessError("\(program) does not serve: \(log.suffix(1000))")
  }

  func stop() {
    child.signal(SIGTERM)
    #expect(child.hasEnded(within: 20_000))
  }
}
