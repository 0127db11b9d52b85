// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Glibc

/// Debian's docker-registry, to serve a directory that we serve before and after, and to be measured beside us.
final class OldRegistry {
  static let path = Command.find("docker-registry")

  let endpoint: Endpoint
  private let child: ChildProcess
  private let log: String

  var pid: pid_t { child.pid }

  init(root: String, endpoint: Endpoint, secret: String, in scratch: Scratch, under tracer: [String] = []) throws {
    self.endpoint = endpoint
    let configuration = "\(scratch.path)/old.yml"
    log = "\(scratch.path)/old.log"
    // Its validation refuses indexes whose children it cannot fetch; the rest is the default.
    try Files.write(
      RegistrySettings(secret: secret).text(root: root, address: endpoint.description, isUnix: false), to: configuration
    )
    child = try ChildProcess(
      tracer + [OldRegistry.path ?? "docker-registry", "serve", configuration], environment: Command.basicEnvironment,
      output: log)
    for _ in 0..<10_000 {
      if let connection = try? Connection(to: endpoint) {  // refused until it listens
        connection.shut()
        return
      }
      if child.hasEnded(within: 2) { break }
    }
    throw HarnessError("docker-registry does not serve: \(Files.text(log).suffix(1000))")
  }

  func stop() {
    child.signal(SIGTERM)
    _ = child.hasEnded(within: 10_000)
  }
}
