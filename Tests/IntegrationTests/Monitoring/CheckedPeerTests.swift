// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTestKit
import Testing

/// Health checks of others over TLS, and lines about what was no request.
@Suite("Checks over TLS, and malformed requests", .serialized)
struct CheckedPeerTests {
  @Test("A check over https verifies whom it asks") func httpsChecks() throws {
    let authority = CertificateAuthority()
    let identity = authority.issue("peer", ["DNS:localhost", "IP:127.0.0.1"])
    let elsewhere = authority.issue("elsewhere", ["DNS:elsewhere.test"])
    func peer(_ identity: CertificateAuthority.Identity) throws -> RegistryProcess {
      try RegistryProcess(
        RegistrySettings(http: ["  tls:", "    certificate: \(identity.certificate)", "    key: \(identity.key)"]))
    }
    let (well, other) = (try peer(identity), try peer(elsewhere))
    func port(_ registry: RegistryProcess) -> String { String("\(registry.endpoint)".split(separator: ":")[1]) }
    func checks(_ uris: [String], trusting file: String?) throws -> MonitoredRegistry {
      try MonitoredRegistry(
        health: ["health:", "  http:"] + uris.map { "    - {uri: '\($0)', interval: 50ms, timeout: 5s}" },
        environment: file.map { ["SSL_CERT_FILE": $0] } ?? [:])
    }
    let right = ["https://127.0.0.1:\(port(well))/v2/", "https://localhost:\(port(well))/v2/"]
    let trusting = try checks(right + ["https://localhost:\(port(other))/v2/"], trusting: authority.certificate)
    let sick = try trusting.awaited("/debug/health", 503)
    #expect(sick.text.contains("the server's certificate is refused: hostname mismatch"), "\(sick)")
    // They were asked as often as the one that fails.
    #expect(!right.contains { sick.text.contains($0) }, "\(sick)")
    trusting.stop()
    let strange = try checks(right, trusting: nil)
    #expect(
      try strange.comes {
        let text = try strange.operations.send("GET", "/debug/health").text
        return right.allSatisfy { text.contains("\($0): error while checking: the server's certificate is refused") }
      })
    strange.stop()
    // Who speaks no TLS, and who is asked for what he does not have.
    let clear = try RegistryProcess()
    let mixed = try checks(
      ["https://\(clear.endpoint)/v2/", "https://127.0.0.1:\(port(well))/nowhere"], trusting: authority.certificate)
    #expect(
      try mixed.comes {
        let text = try mixed.operations.send("GET", "/debug/health").text
        return text.contains("error while checking: TLS: ") && text.contains("returned unexpected status: 404")
      })
    mixed.stop()
    for registry in [well, other, clear] { registry.stop() }
  }

  @Test(
    "What was no request has an id in the log, and who sent it",
    arguments: ["GET / HTTP/9.9\r\n\r\n", "nonsense\r\n"])
  func malformed(_ text: String) throws {
    let registry = try MonitoredRegistry()
    let connection = try Connection(to: registry.process.endpoint)
    let port = connection.localPort
    try connection.send(text)
    #expect(try connection.readResponse(to: "GET").status >= 400)
    connection.shut()
    #expect(
      try registry.comes {
        registry.process.log.split(separator: "\n").contains { line in
          line.contains("malformed request") && line.contains("http.request.remoteaddr=\"127.0.0.1:\(port)\"")
            && line.contains("http.request.id=") && line.contains("http.response.status=")
        }
      }, "\(registry.process.log)")
    registry.stop()
  }
}
