// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import Glibc
import Testing

/// TLS as clients and operators meet it, against the release binary.
@Suite("TLS", .serialized)
struct TLSTests {
  static let password = "wonder:land /+"

  /// A registry that speaks TLS, with `more` in its configuration.
  static func registry(
    _ authority: CertificateAuthority, _ identity: CertificateAuthority.Identity, in scratch: Scratch,
    tls: [String] = [], more: [String] = []
  ) throws -> RegistryProcess {
    try RegistryProcess(
      RegistrySettings(
        http: ["  tls:", "    certificate: \(identity.certificate)", "    key: \(identity.key)"]
          + tls.map { "    \($0)" }, more: more), in: scratch)
  }

  private func run(_ arguments: [String], _ environment: [String: String], _ scratch: Scratch) throws -> String {
    let outcome = try Command.run(arguments, environment: environment, in: scratch)
    #expect(outcome.code == 0, "\(arguments.joined(separator: " ")): \(outcome)")
    return outcome.output
  }

  private func curl(
    _ registry: RegistryProcess, _ authority: CertificateAuthority, _ path: String, _ more: String...
  ) throws -> Command.Outcome {
    try Command.run(
      ["curl", "-sS", "--cacert", authority.certificate, "-w", " %{http_code}", "https://\(registry.endpoint)\(path)"]
        + more, in: registry.scratch)
  }

  static func host(_ authority: CertificateAuthority) -> CertificateAuthority.Identity {
    authority.issue("registry", ["DNS:localhost", "IP:127.0.0.1"])
  }

  /// Waits until the log says so.
  static func logs(_ registry: RegistryProcess, _ text: String, times: Int = 1) -> Bool {
    for _ in 0..<3000 {
      if registry.log.ranges(of: text).count >= times { return true }
      if registry.child.hasEnded(within: 10) { return false }
    }
    return false
  }

  // MARK: Clients

  /// The users' file, and the registry's directory of the authority for skopeo and podman.
  static func login(_ scratch: Scratch, _ authority: CertificateAuthority) throws -> (String, String) {
    let users = "\(scratch.path)/htpasswd"
    let made = try Command.run(["htpasswd", "-nbBC", "6", "alice", password], in: scratch)
    try Files.write(made.output, to: users)
    let trusted = "\(scratch.path)/trusted"
    try Files.write(CertificateAuthority.read(authority.certificate), to: "\(trusted)/ca.crt")
    return (users, trusted)
  }

  @Test(
    "skopeo logs in, pushes and pulls", .enabled(if: Peers.has("skopeo") && Peers.has("htpasswd"), "is not installed"))
  func skopeo() throws {
    let (scratch, authority) = (try Scratch(), CertificateAuthority())
    let images = try LocalImages(in: scratch)
    let environment = try Peers.environment(scratch)
    let (users, trusted) = try Self.login(scratch, authority)
    let registry = try Self.registry(
      authority, Self.host(authority), in: scratch, more: ["auth: {htpasswd: {realm: R, path: \(users)}}"])
    let place = "docker://\(registry.endpoint)/skopeo/image:one"
    let push = ["skopeo", "copy", "--preserve-digests", "oci:\(images.layout):one", place]
    let strangers = try Command.run(push, environment: environment, in: scratch)
    #expect(strangers.code != 0 && strangers.output.contains("certificate"), "\(strangers)")
    let login = ["skopeo", "login", "--cert-dir", trusted, "--username", "alice", "--password"]
    #expect(
      try Command.run(login + ["wrong", "\(registry.endpoint)"], environment: environment, in: scratch).code != 0)
    _ = try run(login + [Self.password, "\(registry.endpoint)"], environment, scratch)
    _ = try run(push + ["--dest-cert-dir", trusted], environment, scratch)
    let pulled = "\(scratch.path)/pulled"
    _ = try run(["skopeo", "copy", "--src-cert-dir", trusted, place, "dir:\(pulled)"], environment, scratch)
    #expect(Algorithm.sha256.digest(Files.read("\(pulled)/manifest.json") ?? []) == images.manifestDigest)
    registry.stop()
  }

  @Test(
    "podman logs in, pushes and pulls", .enabled(if: Peers.has("podman") && Peers.has("htpasswd"), "is not installed"),
    .enabled(if: Peers.isRoot, "podman's storage needs root here"))
  func podman() throws {
    let (scratch, authority) = (try Scratch(), CertificateAuthority())
    let images = try LocalImages(in: scratch)
    let environment = try Peers.environment(scratch)
    let (users, trusted) = try Self.login(scratch, authority)
    let registry = try Self.registry(
      authority, Self.host(authority), in: scratch, more: ["auth: {htpasswd: {realm: R, path: \(users)}}"])
    let place = "\(registry.endpoint)/podman/image:v1"
    let podman = [
      "podman", "--root", "\(scratch.path)/podman", "--runroot", "\(scratch.path)/podman-run", "--storage-driver=vfs",
      "--events-backend=none",
    ]
    _ = try run(podman + ["import", images.rootfs, place], environment, scratch)
    _ = try run(
      podman + [
        "login", "--cert-dir", trusted, "--username", "alice", "--password", Self.password, "\(registry.endpoint)",
      ], environment, scratch)
    _ = try run(podman + ["push", "--cert-dir", trusted, place], environment, scratch)
    _ = try run(podman + ["rmi", "--all", "--force"], environment, scratch)
    _ = try run(podman + ["pull", "--cert-dir", trusted, place], environment, scratch)
    registry.stop()
  }

  @Test(
    "The Docker engine logs in, pushes and pulls",
    .enabled(if: DockerEngine.canRun && Peers.has("htpasswd"), "needs root and a dockerd that can start here"))
  func docker() throws {
    let (scratch, authority) = (try Scratch(), CertificateAuthority())
    let images = try LocalImages(in: scratch)
    let engine = try DockerEngine(in: scratch)
    defer { engine.stop() }
    let (users, _) = try Self.login(scratch, authority)
    let registry = try Self.registry(
      authority, Self.host(authority), in: scratch, more: ["auth: {htpasswd: {realm: R, path: \(users)}}"])
    // The engine tries TLS first with a registry of this machine, and does not look at its certificate.
    let host = "\(registry.endpoint)"
    let place = "\(host)/docker/image:v1"
    #expect(try engine.docker("import", images.rootfs, place).code == 0)
    #expect(try engine.docker("push", place).code != 0)
    let login = try engine.docker("login", "--username=alice", "--password=\(Self.password)", host)
    #expect(login.code == 0, "\(login)")
    let push = try engine.docker("push", place)
    #expect(push.code == 0, "\(push)")
    #expect(try engine.docker("rmi", place).code == 0)
    let pull = try engine.docker("pull", place)
    #expect(pull.code == 0, "\(pull)")
    registry.stop()
  }

  @Test("curl and openssl see what was agreed on")
  func agreement() throws {
    let (scratch, authority) = (try Scratch(), CertificateAuthority())
    let other = authority.issue("mirror", ["DNS:mirror.test"])
    let registry = try Self.registry(
      authority, Self.host(authority), in: scratch,
      tls: ["certificates: [{certificate: \(other.certificate), key: \(other.key)}]"])
    #expect(try curl(registry, authority, "/v2/").output == "{} 200")
    #expect(try curl(registry, authority, "/v2/", "--tls-max", "1.2").output == "{} 200")
    #expect(try curl(registry, authority, "/v2/", "--tls-max", "1.1").code != 0)
    let client = [
      "openssl", "s_client", "-connect", "\(registry.endpoint)", "-CAfile", authority.certificate, "-servername",
    ]
    let mirror = try run(client + ["mirror.test", "-alpn", "http/1.1"], Command.basicEnvironment, scratch)
    #expect(mirror.contains("subject=CN = mirror") && mirror.contains("Verify return code: 0"), "\(mirror)")
    #expect(mirror.contains("ALPN protocol: http/1.1"))
    let session = "\(scratch.path)/session"
    let first = try run(client + ["localhost", "-tls1_2", "-sess_out", session], Command.basicEnvironment, scratch)
    #expect(first.contains("subject=CN = registry") && first.contains("New, TLSv1.2"), "\(first)")
    let second = try run(client + ["localhost", "-tls1_2", "-sess_in", session], Command.basicEnvironment, scratch)
    #expect(second.contains("Reused, TLSv1.2"), "\(second)")
    registry.stop()
  }

  // MARK: Replacing

  @Test("A broken new file is told of once and not served")
  func brokenReplacement() throws {
    let (scratch, authority) = (try Scratch(), CertificateAuthority())
    let good = Self.host(authority)
    let served = CertificateAuthority.Identity(
      certificate: "\(scratch.path)/served.pem", key: "\(scratch.path)/served.key")
    try Files.write(CertificateAuthority.read(good.certificate), to: served.certificate)
    try Files.write(CertificateAuthority.read(good.key), to: served.key)
    let registry = try Self.registry(authority, served, in: scratch)
    let sentence = "the certificates on disk cannot be used, those from before are served on"
    try Files.write("no certificate", to: served.certificate)
    #expect(Self.logs(registry, "\(sentence): \(served.certificate) holds no certificate"), "\(registry.log)")
    #expect(try curl(registry, authority, "/v2/").output == "{} 200")
    unlink(served.certificate)
    #expect(Self.logs(registry, sentence, times: 2), "\(registry.log)")
    #expect(try curl(registry, authority, "/v2/").output == "{} 200")
    try Files.write(CertificateAuthority.read(good.certificate), to: served.certificate)
    #expect(Self.logs(registry, "the certificates were read anew"), "\(registry.log)")
    #expect(registry.log.ranges(of: sentence).count == 2, "\(registry.log)")
    #expect(try curl(registry, authority, "/v2/").output == "{} 200")
    registry.stop()
  }

  // MARK: Clients' certificates

  @Test("Rules about the names in certificates; refused certificates")
  func clientCertificates() throws {
    let (scratch, authority, stranger) = (try Scratch(), CertificateAuthority(), CertificateAuthority())
    let (ci, reader) = (authority.issue("ci", ["DNS:ci.example.test"]), authority.issue("reader"))
    let (expired, revoked) = (authority.issue("ci", [], .expired), authority.issue("ci"))
    authority.revoke(revoked)
    let registry = try Self.registry(
      authority, Self.host(authority), in: scratch,
      tls: [
        "clientcas: [\(authority.certificate)]", "clientauth: verify-client-cert-if-given",
        "clientcrls: [\(authority.revocations())]",
      ],
      more: [
        "access:", "  rules:", "    - {who: [certificates], actions: [pull]}",
        "    - {who: ['certificate:ci.example.test'], actions: [push], repositories: ['ci/*']}",
      ])
    func ask(_ method: String, _ path: String, _ identity: CertificateAuthority.Identity?) throws -> Command.Outcome {
      let shown = identity.map { ["--cert", $0.certificate, "--key", $0.key] } ?? []
      return try Command.run(
        [
          "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", authority.certificate, "-X", method,
          "https://\(registry.endpoint)\(path)",
        ] + shown, in: scratch)
    }
    #expect(try ask("GET", "/v2/ci/app/tags/list", nil).output == "403")
    #expect(try ask("GET", "/v2/ci/app/tags/list", reader).output == "404")
    #expect(try ask("POST", "/v2/ci/app/blobs/uploads/", reader).output == "403")
    #expect(try ask("POST", "/v2/ci/app/blobs/uploads/", ci).output == "202")
    #expect(try ask("POST", "/v2/other/app/blobs/uploads/", ci).output == "403")
    for (identity, reason) in [
      (expired, "certificate has expired"), (revoked, "certificate revoked"),
      (authority.selfSigned("ci"), "self-signed certificate"),
      (stranger.issue("ci", ["DNS:ci.example.test"]), "unable to get local issuer certificate"),
    ] {
      let refused = try ask("GET", "/v2/", identity)
      #expect(refused.code != 0 && refused.output.contains("alert"), "\(reason): \(refused)")
      #expect(Self.logs(registry, "the client's certificate of ci is refused: \(reason)"), "\(registry.log)")
    }
    #expect(try ask("GET", "/v2/", nil).output == "200")
    registry.stop()
  }

  // MARK: Bad input

  @Test("Garbage instead of TLS harms nobody, and HTTP in the clear is answered in its own language")
  func garbage() throws {
    let (scratch, authority) = (try Scratch(), CertificateAuthority())
    let registry = try Self.registry(authority, Self.host(authority), in: scratch)
    let plain = try Command.run(["curl", "-sS", "http://\(registry.endpoint)/v2/"], in: scratch)
    #expect(plain.output == "Client sent an HTTP request to an HTTPS server.\n", "\(plain)")
    for seed in 0..<50 as Range<UInt64> {
      let connection = try Connection(to: registry.endpoint)
      try? connection.send(someBytes(1 + Int(seed) * 31, seed: seed))  // it may have been closed already
      connection.shut()
    }
    #expect(try curl(registry, authority, "/v2/").output == "{} 200")
    registry.stop()
  }

  @Test("What cannot be served is refused at the start, with the file and what to do")
  func starts() throws {
    let (scratch, authority) = (try Scratch(), CertificateAuthority())
    let (host, other) = (Self.host(authority), Self.host(authority))
    func outcome(_ tls: String) throws -> Command.Outcome {
      let file = "\(scratch.path)/config.yml"
      try Files.write(
        "version: 0.1\nstorage: {inmemory: {}}\nhttp: {addr: 'localhost:0', tls: {\(tls)}}\n", to: file)
      return try RegistryProcess.run(["serve", file], scratch: scratch)
    }
    for (tls, text) in [
      ("certificate: \(host.certificate), key: \(other.key)", "the private key in \(other.key) is not that of"),
      ("certificate: \(host.key), key: \(host.key)", "\(host.key) holds no certificate"),
      ("certificate: /nowhere/c.pem, key: \(host.key)", "open /nowhere/c.pem: no such file or directory"),
      ("letsencrypt: {email: a@b.test, cachefile: /c}", "certificates are not fetched from Let's Encrypt yet"),
      ("key: \(host.key)", "http.tls.certificate: must be set"),
    ] {
      let refused = try outcome(tls)
      #expect(refused.code != 0 && refused.output.contains(text), "\(tls): \(refused)")
    }
  }
}
