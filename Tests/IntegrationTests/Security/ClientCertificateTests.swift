// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import Testing

/// Clients with certificates and logins at once, and what becomes of a connection whose certificate is revoked.
@Suite("Client certificates", .serialized)
struct ClientCertificateTests {
  @Test(
    "skopeo pulls by its certificate, and logs in over it to push",
    .enabled(if: Peers.has("skopeo") && Peers.has("htpasswd"), "is not installed"))
  func skopeo() throws {
    let (scratch, authority) = (try Scratch(), CertificateAuthority())
    let images = try LocalImages(in: scratch)
    let environment = try Peers.environment(scratch)
    let (users, trusted) = try TLSTests.login(scratch, authority)
    let ci = authority.issue("ci")
    let certified = "\(scratch.path)/certified"
    for (file, name) in [
      (authority.certificate, "ca.crt"), (ci.certificate, "client.cert"), (ci.key, "client.key"),
    ] {
      try Files.write(CertificateAuthority.read(file), to: "\(certified)/\(name)")
    }
    let registry = try TLSTests.registry(
      authority, TLSTests.host(authority), in: scratch,
      tls: ["clientcas: [\(authority.certificate)]", "clientauth: verify-client-cert-if-given"],
      more: [
        "auth: {htpasswd: {realm: R, path: \(users)}}", "access:", "  rules:",
        "    - {who: [certificates], actions: [pull]}", "    - {who: [users], actions: [push]}",
      ])
    let place = "docker://\(registry.endpoint)/skopeo/image:one"
    func copy(_ arguments: String...) throws -> Command.Outcome {
      try Command.run(["skopeo", "copy", "--preserve-digests"] + arguments, environment: environment, in: scratch)
    }
    let source = "oci:\(images.layout):one"
    let credentials = "alice:\(TLSTests.password)"
    // A certificate alone may not push, and a user alone may not look whether something is there.
    #expect(try copy(source, place, "--dest-cert-dir", certified).code != 0)
    #expect(try copy(source, place, "--dest-cert-dir", trusted, "--dest-creds", credentials).code != 0)
    let wrong = try copy(source, place, "--dest-cert-dir", certified, "--dest-creds", "alice:wrong")
    #expect(wrong.code != 0, "\(wrong)")
    let pushed = try copy(source, place, "--dest-cert-dir", certified, "--dest-creds", credentials)
    #expect(pushed.code == 0, "\(pushed)")
    let pulled = try copy(place, "dir:\(scratch.path)/pulled", "--src-cert-dir", certified)
    #expect(pulled.code == 0, "\(pulled)")
    #expect(try copy(place, "dir:\(scratch.path)/other", "--src-cert-dir", trusted).code != 0)
    registry.stop()
  }

  @Test("A connection whose certificate is revoked ends, one without a certificate goes on") func revoked() throws {
    let (scratch, authority) = (try Scratch(), CertificateAuthority())
    let ci = authority.issue("ci")
    let list = "\(scratch.path)/revoked.crl"
    try Files.write(CertificateAuthority.read(authority.revocations()), to: list)
    let registry = try TLSTests.registry(
      authority, TLSTests.host(authority), in: scratch,
      tls: [
        "clientcas: [\(authority.certificate)]", "clientauth: verify-client-cert-if-given", "clientcrls: [\(list)]",
      ])
    let (certified, plain) = (try SecureConnection(registry, ci), try SecureConnection(registry, nil))
    for connection in [certified, plain] { #expect(try connection.get("/v2/").hasPrefix("HTTP/1.1 200")) }
    authority.revoke(ci)
    try Files.write(CertificateAuthority.read(authority.revocations()), to: list)
    #expect(TLSTests.logs(registry, "connections that show one are ended"), "\(registry.log)")
    #expect(try certified.isAtEnd())
    #expect(try plain.get("/v2/").hasPrefix("HTTP/1.1 200"))
    let again = try SecureConnection(registry, ci)
    #expect(try again.get("/v2/") == "")
    #expect(TLSTests.logs(registry, "certificate of ci is refused: certificate revoked"), "\(registry.log)")
    registry.stop()
  }
}

/// A connection over TLS that stays open between requests.
private final class SecureConnection {
  private let connection: Connection
  private let tls: TLSClient
  private var isEnd = false

  init(_ registry: RegistryProcess, _ identity: CertificateAuthority.Identity?) throws {
    connection = try Connection(to: registry.endpoint)
    var settings = TLSClient.Settings()
    settings.identity = identity
    tls = TLSClient(settings)
    while !isEnd {
      let step = tls.handshake()
      try connection.send(tls.take())
      if step != false { return }
      try receive()
    }
  }

  /// The head of the answer; empty when the connection ends instead.
  func get(_ path: String) throws -> String {
    tls.write(Array("GET \(path) HTTP/1.1\r\nHost: r\r\n\r\n".utf8))
    try connection.send(tls.take())
    var bytes: [UInt8] = []
    while !isEnd {
      let read = tls.read()
      bytes += read.bytes
      if read.isEnd || read.failure != nil { return "" }
      let text = String(decoding: bytes, as: UTF8.self)
      if text.contains("\r\n\r\n{}") { return text }
      try receive()
    }
    return ""
  }

  /// Waits for the end.
  func isAtEnd() throws -> Bool {
    while !isEnd {
      if tls.read().isEnd { return true }
      try receive()
    }
    return true
  }

  private func receive() throws {
    let bytes = try connection.receive()
    if bytes.isEmpty { isEnd = true } else { tls.receive(bytes) }
  }
}
