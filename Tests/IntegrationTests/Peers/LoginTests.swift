// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

/// Real clients log in, push and pull, against files that Apache's htpasswd made.
@Suite("Real clients log in", .serialized, .enabled(if: Peers.has("htpasswd"), "htpasswd is not installed"))
struct LoginTests {
  private static let password = "wonder:land /+"

  private func run(_ arguments: [String], _ environment: [String: String], _ scratch: Scratch) throws -> String {
    let outcome = try Command.run(arguments, environment: environment, in: scratch)
    #expect(outcome.code == 0, "\(arguments.joined(separator: " ")): \(outcome)")
    return outcome.output
  }

  private func fails(_ arguments: [String], _ environment: [String: String], _ scratch: Scratch) throws -> String {
    let outcome = try Command.run(arguments, environment: environment, in: scratch)
    #expect(outcome.code != 0, "\(arguments.joined(separator: " ")): \(outcome)")
    return outcome.output.lowercased()
  }

  /// A registry with the user alice, and `more` in its configuration.
  private func registry(_ more: [String] = [], in scratch: Scratch) throws -> RegistryProcess {
    let users = "\(scratch.path)/htpasswd"
    let made = try Command.run(["htpasswd", "-nbBC", "6", "alice", Self.password], in: scratch)
    try Files.write("# made by htpasswd -B\n" + made.output, to: users)
    return try RegistryProcess(
      RegistrySettings(more: ["auth:", "  htpasswd:", "    realm: Registry Realm", "    path: \(users)"] + more),
      in: scratch)
  }

  private static let anonymousPull = [
    "access:", "  rules:", "    - {who: [anonymous], actions: [pull]}", "    - {who: [users], actions: [pull, push]}",
  ]

  @Test("skopeo", .enabled(if: Peers.has("skopeo"), "skopeo is not installed"), arguments: [false, true])
  func skopeo(_ isPublic: Bool) throws {
    let scratch = try Scratch()
    let images = try LocalImages(in: scratch)
    let environment = try Peers.environment(scratch)
    let registry = try registry(isPublic ? Self.anonymousPull : [], in: scratch)
    let place = "docker://\(registry.endpoint)/skopeo/image:one"
    let push = ["skopeo", "copy", "--dest-tls-verify=false", "oci:\(images.layout):one", place]
    let look = ["skopeo", "inspect", "--tls-verify=false", "--raw", place]
    _ = try fails(push, environment, scratch)
    let login = ["skopeo", "login", "--tls-verify=false", "--username", "alice", "--password"]
    _ = try fails(login + ["wrong", "\(registry.endpoint)"], environment, scratch)
    _ = try run(login + [Self.password, "\(registry.endpoint)"], environment, scratch)
    _ = try run(push, environment, scratch)
    _ = try run(look, environment, scratch)
    _ = try run(["skopeo", "logout", "\(registry.endpoint)"], environment, scratch)
    if isPublic {
      _ = try run(look, environment, scratch)
      _ = try fails(push, environment, scratch)
    } else {
      _ = try fails(look, environment, scratch)
    }
    registry.stop()
  }

  @Test(
    "podman", .enabled(if: Peers.has("podman"), "podman is not installed"),
    .enabled(if: Peers.isRoot, "podman's storage needs root here"), arguments: [false, true])
  func podman(_ isPublic: Bool) throws {
    let scratch = try Scratch()
    let images = try LocalImages(in: scratch)
    let environment = try Peers.environment(scratch)
    let registry = try registry(isPublic ? Self.anonymousPull : [], in: scratch)
    let place = "\(registry.endpoint)/podman/image:v1"
    let podman = [
      "podman", "--root", "\(scratch.path)/podman", "--runroot", "\(scratch.path)/podman-run", "--storage-driver=vfs",
      "--events-backend=none",
    ]
    let push = podman + ["push", "--tls-verify=false", place]
    let pull = podman + ["pull", "--tls-verify=false", place]
    _ = try run(podman + ["import", images.rootfs, place], environment, scratch)
    _ = try fails(push, environment, scratch)
    _ = try run(
      podman + [
        "login", "--tls-verify=false", "--username", "alice", "--password", Self.password, "\(registry.endpoint)",
      ], environment, scratch)
    _ = try run(push, environment, scratch)
    _ = try run(podman + ["rmi", "--all", "--force"], environment, scratch)
    _ = try run(pull, environment, scratch)
    _ = try run(podman + ["logout", "\(registry.endpoint)"], environment, scratch)
    _ = try run(podman + ["rmi", "--all", "--force"], environment, scratch)
    _ = isPublic ? try run(pull, environment, scratch) : try fails(pull, environment, scratch)
    registry.stop()
  }

  @Test(
    "the Docker engine", .enabled(if: DockerEngine.canRun, "needs root and a dockerd that can start here"),
    arguments: [false, true])
  func docker(_ isPublic: Bool) throws {
    let scratch = try Scratch()
    let images = try LocalImages(in: scratch)
    let engine = try DockerEngine(in: scratch)
    defer { engine.stop() }
    let registry = try registry(isPublic ? Self.anonymousPull : [], in: scratch)
    let host = "\(registry.endpoint)"
    let place = "\(host)/docker/image:v1"
    #expect(try engine.docker("import", images.rootfs, place).code == 0)
    #expect(try engine.docker("push", place).code != 0)
    let wrong = try engine.docker("login", "--username=alice", "--password=wrong", host)
    #expect(wrong.code != 0, "\(wrong)")
    let login = try engine.docker("login", "--username=alice", "--password=\(Self.password)", host)
    #expect(login.code == 0, "\(login)")
    let push = try engine.docker("push", place)
    #expect(push.code == 0, "\(push)")
    #expect(try engine.docker("rmi", place).code == 0)
    #expect(try engine.docker("pull", place).code == 0)
    #expect(try engine.docker("rmi", place).code == 0)
    #expect(try engine.docker("logout", host).code == 0)
    let pull = try engine.docker("pull", place)
    #expect((pull.code == 0) == isPublic, "\(pull)")
    registry.stop()
  }

  @Test("A push pays for bcrypt once, and a removed user is out with the next request")
  func cachedPasswords() throws {
    let scratch = try Scratch()
    let registry = try registry(in: scratch)
    let client = HTTPClient(registry.endpoint)
    let made = try Command.run(["htpasswd", "-nbBC", "13", "bob", "builder"], in: scratch)
    try Files.write(made.output, to: "\(scratch.path)/htpasswd")
    let bob = [("Authorization", "Basic Ym9iOmJ1aWxkZXI=")]
    // 2^13 rounds are some hundreds of milliseconds: 500 requests that each paid for them would take minutes.
    let took = try ContinuousClock().measure {
      for _ in 0..<500 { expect(try client.send("GET", "/v2/", bob), 200) }
    }
    #expect(took < .seconds(45))
    expect(try client.send("GET", "/v2/", [("Authorization", "Basic Ym9iOmJ1aWxkZXIx")]), 401)
    try Files.write("", to: "\(scratch.path)/htpasswd")
    let out = try client.send("GET", "/v2/", bob)
    expectError(out, [401], ["UNAUTHORIZED"])
    #expect(out["WWW-Authenticate"] == "Basic realm=\"Registry Realm\"")
    registry.stop()
  }

  @Test("A missing file of users is made with one user, whose password the log tells")
  func provisioning() throws {
    let scratch = try Scratch()
    let users = "\(scratch.path)/made"
    let registry = try RegistryProcess(
      RegistrySettings(more: ["auth: {htpasswd: {realm: R, path: \(users)}}"]), in: scratch)
    for _ in 0..<200 where !registry.log.contains("password=") { _ = registry.child.hasEnded(within: 10) }
    let log = registry.log
    let start = try #require(log.firstRange(of: "password="), "\(log)")
    let password = String(log[start.upperBound...].prefix { $0.isHexDigit })
    #expect(password.utf8.count == 48)
    let mode = try Command.run(["stat", "-c", "%a", users], in: scratch)
    #expect(mode.output == "600\n")
    let answer = try Command.run(
      [
        "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-u", "docker:\(password)",
        "http://\(registry.endpoint)/v2/",
      ],
      in: scratch)
    #expect(answer.output == "200")
    registry.stop()
  }

  @Test("registry check explains who may do what, and why")
  func explanation() throws {
    let scratch = try Scratch()
    let file = "\(scratch.path)/config.yml"
    try Files.write("dev: alice\n", to: "\(scratch.path)/groups")
    try Files.write("alice:x\n", to: "\(scratch.path)/users")
    try Files.write(
      """
      version: 0.1
      storage: {inmemory: {}, delete: {enabled: true}}
      http: {addr: "localhost:0"}
      auth: {htpasswd: {realm: r, path: \(scratch.path)/users}}
      access:
        groupfile: \(scratch.path)/groups
        rules:
          - {immutabletags: ["v*"], repositories: ["prod/*"]}
          - {who: [anonymous], actions: [pull]}
          - {who: ["group:dev"], actions: [push, catalog], repositories: ["prod/*"]}

      """, to: file)
    func explain(_ arguments: String...) throws -> String {
      let outcome = try RegistryProcess.run(["check", file] + arguments, scratch: scratch)
      #expect(outcome.code == 0, "\(outcome)")
      return outcome.output
    }
    #expect(
      try explain("--user", "alice", "--repository", "prod/app") == """
        user alice, in dev: cannot log in, as auth is configured
        repository prod/app
          pull     yes: rule 2
          push     yes: rule 3
          delete   no : no rule grants it
          catalog  yes: rule 3
          tags     v*: never moved or removed once set (rule 1)

        """)
    let anonymous = try explain("--repository", "dev/app")
    #expect(
      anonymous.hasPrefix("anonymous\nrepository dev/app\n  pull     yes: rule 2\n  push     no : "), "\(anonymous)")
    #expect(try RegistryProcess.run(["check", file, "--user", "alice"], scratch: scratch).code != 0)
    #expect(try RegistryProcess.run(["check", file, "--repository", "A"], scratch: scratch).code != 0)
  }
}
