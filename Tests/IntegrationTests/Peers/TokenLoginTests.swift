// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryTokenMint
import Testing

/// Real clients get tokens from a token server, with setups as they are written for Distribution.
@Suite("Real clients come with tokens", .serialized)
struct TokenLoginTests {
  private static let password = "wonder:land /+"

  /// A setup of one generation: how tokens are signed, and what the configuration says of it.
  enum Generation: String, CaseIterable, CustomTestStringConvertible {
    /// A bundle of certificates, and key ids that are libtrust's fingerprints.
    case older = "2.8"
    /// A set of keys, and key ids that it names.
    case newer = "v3"

    var testDescription: String { rawValue }
  }

  /// A token server, and a registry that trusts it.
  struct Pair {
    let server: TokenServer
    let registry: RegistryProcess

    init(_ generation: Generation, _ more: [String] = [], in scratch: Scratch) throws {
      let key = MintKey(generation == .older ? "EC:P-256" : "RSA:2048")
      let keys = "\(scratch.path)/keys"
      var lines = ["auth:", "  token:"]
      switch generation {
      case .older:
        try Files.write(MintCertificate("token server", key).pem, to: keys)
        server = try TokenServer(
          key, "ES256", header: #","kid":"\#(TokenLoginTests.fingerprint(of: key))""#,
          password: password)
        lines += ["    rootcertbundle: \(keys)"]
      case .newer:
        try Files.write(
          #"{"keys":[{"kid":"key 1","use":"sig",\#(MintToken.members(of: key))}]}"#, to: keys)
        server = try TokenServer(key, "RS256", header: #","kid":"key 1""#, password: password)
        lines += ["    jwks: \(keys)", "    signingalgorithms: [RS256, ES256]"]
      }
      lines += [
        "    realm: \(server.realm)", "    service: \(TokenServer.service)",
        "    issuer: \(TokenServer.issuer)",
        "    autoredirect: false",
      ]
      registry = try RegistryProcess(RegistrySettings(more: lines + more), in: scratch)
    }

    func stop() {
      registry.stop()
      server.stop()
    }
  }

  /// The key id that libtrust makes of a key.
  static func fingerprint(of key: MintKey) -> String {
    let bits = digest(key.publicBytes, .sha256).prefix(30).flatMap { byte in
      (0..<8).map { byte >> (7 - $0) & 1 }
    }
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    let text = stride(from: 0, to: 240, by: 5).map { at in
      digits[bits[at..<(at + 5)].reduce(0) { $0 * 2 + Int($1) }]
    }
    return stride(from: 0, to: 48, by: 4).map { String(text[$0..<($0 + 4)]) }.joined(separator: ":")
  }

  private func run(
    _ arguments: [String], _ environment: [String: String], _ scratch: Scratch,
    succeeds: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try Command.run(arguments, environment: environment, in: scratch)
    #expect(
      (outcome.code == 0) == succeeds, "\(arguments.joined(separator: " ")): \(outcome)",
      sourceLocation: sourceLocation)
  }

  @Test(
    "skopeo", .enabled(if: Peers.has("skopeo"), "skopeo is not installed"),
    arguments: Generation.allCases)
  func skopeo(_ generation: Generation) throws {
    let scratch = try Scratch()
    let images = try LocalImages(in: scratch)
    let environment = try Peers.environment(scratch)
    let pair = try Pair(generation, in: scratch)
    let host = "\(pair.registry.endpoint)"
    func push(_ name: String) -> [String] {
      [
        "skopeo", "copy", "--dest-tls-verify=false", "oci:\(images.layout):one",
        "docker://\(host)/\(name)",
      ]
    }
    func look(_ name: String) -> [String] {
      ["skopeo", "inspect", "--tls-verify=false", "--raw", "docker://\(host)/\(name)"]
    }
    try run(push("public/image:one"), environment, scratch, succeeds: false)
    let login = ["skopeo", "login", "--tls-verify=false", "--username", "alice", "--password"]
    try run(login + ["wrong", host], environment, scratch, succeeds: false)
    try run(login + [Self.password, host], environment, scratch)
    for name in ["public/image:one", "private/image:one"] {
      try run(push(name), environment, scratch)
      try run(look(name), environment, scratch)
    }
    try run(["skopeo", "logout", host], environment, scratch)
    try run(look("public/image:one"), environment, scratch)
    try run(look("private/image:one"), environment, scratch, succeeds: false)
    pair.stop()
  }

  @Test(
    "podman", .enabled(if: Peers.has("podman"), "podman is not installed"),
    .enabled(if: Peers.isRoot, "podman's storage needs root here"))
  func podman() throws {
    let scratch = try Scratch()
    let images = try LocalImages(in: scratch)
    let environment = try Peers.environment(scratch)
    let pair = try Pair(.newer, in: scratch)
    let host = "\(pair.registry.endpoint)"
    let place = "\(host)/private/image:v1"
    let podman = [
      "podman", "--root", "\(scratch.path)/podman", "--runroot", "\(scratch.path)/podman-run",
      "--storage-driver=vfs",
      "--events-backend=none",
    ]
    let (push, pull) = (
      podman + ["push", "--tls-verify=false", place],
      podman + ["pull", "--tls-verify=false", place]
    )
    try run(podman + ["import", images.rootfs, place], environment, scratch)
    try run(push, environment, scratch, succeeds: false)
    try run(
      podman + [
        "login", "--tls-verify=false", "--username", "alice", "--password", Self.password, host,
      ], environment,
      scratch)
    try run(push, environment, scratch)
    try run(podman + ["rmi", "--all", "--force"], environment, scratch)
    try run(pull, environment, scratch)
    try run(podman + ["logout", host], environment, scratch)
    try run(podman + ["rmi", "--all", "--force"], environment, scratch)
    try run(pull, environment, scratch, succeeds: false)
    pair.stop()
  }

  @Test(
    "the Docker engine",
    .enabled(if: DockerEngine.canRun, "needs root and a dockerd that can start here"))
  func docker() throws {
    let scratch = try Scratch()
    let images = try LocalImages(in: scratch)
    let engine = try DockerEngine(in: scratch)
    defer { engine.stop() }
    let pair = try Pair(.older, in: scratch)
    let host = "\(pair.registry.endpoint)"
    for name in ["public/image:v1", "private/image:v1"] {
      let place = "\(host)/\(name)"
      #expect(try engine.docker("import", images.rootfs, place).code == 0)
      #expect(try engine.docker("push", place).code != 0)
    }
    let wrong = try engine.docker("login", "--username=alice", "--password=wrong", host)
    #expect(wrong.code != 0, "\(wrong)")
    let login = try engine.docker("login", "--username=alice", "--password=\(Self.password)", host)
    #expect(login.code == 0, "\(login)")
    for name in ["public/image:v1", "private/image:v1"] {
      let place = "\(host)/\(name)"
      let push = try engine.docker("push", place)
      #expect(push.code == 0, "\(push)")
      #expect(try engine.docker("rmi", place).code == 0)
      #expect(try engine.docker("pull", place).code == 0)
      #expect(try engine.docker("rmi", place).code == 0)
    }
    #expect(try engine.docker("logout", host).code == 0)
    for (name, isPublic) in [("public/image:v1", true), ("private/image:v1", false)] {
      let pull = try engine.docker("pull", "\(host)/\(name)")
      #expect((pull.code == 0) == isPublic, "\(pull)")
    }
    pair.stop()
  }

  @Test("registry check says what a token must allow, and which rule lets it")
  func explanation() throws {
    let scratch = try Scratch()
    let file = "\(scratch.path)/config.yml"
    let start = """
      version: 0.1
      storage: {inmemory: {}, delete: {enabled: true}}
      http: {addr: "localhost:0"}
      auth: {token: {realm: "https://auth.test/token", service: registry, issuer: us, jwks: /nowhere}}

      """
    func explain(_ arguments: String...) throws -> String {
      let outcome = try RegistryProcess.run(["check", file] + arguments, scratch: scratch)
      #expect(outcome.code == 0, "\(outcome)")
      return outcome.output
    }
    try Files.write(start, to: file)
    #expect(
      try explain("--user", "alice", "--repository", "a") == """
        user alice: whoever has a token of us for registry with this name (sub)
        repository a
          pull     yes: with a token for repository:a:pull
          push     yes: with a token for repository:a:pull,push
          delete   yes: with a token for repository:a:delete
          catalog  yes: with a token for registry:catalog:*

        """)
    try Files.write(
      start + """
        access:
          rules:
            - {who: [anonymous], actions: [pull]}
            - {who: ["user:alice"], actions: [push]}

        """, to: file)
    #expect(
      try explain("--user", "alice", "--repository", "a") == """
        user alice: whoever has a token of us for registry with this name (sub)
        repository a
          pull     yes: rule 1
          push     yes: rule 2, with a token for repository:a:pull,push
          delete   no : no rule grants it
          catalog  no : no rule grants it

        """)
    #expect(try explain("--repository", "a").contains("  push     no : no rule grants it\n"))
  }
}
