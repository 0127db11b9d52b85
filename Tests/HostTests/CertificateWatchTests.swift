// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryConfiguration
import GantryTLS
import GantryTelemetry
import GantryTestKit
import GantryWorld
import Logging
import Synchronization
import Testing

@testable import Gantry

/// Who looks after the files of TLS.
struct CertificateWatchTests {
  private final class Lines: LogSink {
    private let lines = Mutex<[String]>([])
    func write(_ line: [UInt8], isUrgent: Bool) { lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
    func count(_ text: String) -> Int { lines.withLock { $0.count { $0.contains(text) } } }
  }

  @Test("That a list of revoked certificates runs out is told when it does, and once a day") func revocations() throws {
    let authority = CertificateAuthority()
    let server = authority.issue("localhost", ["DNS:localhost"])
    let simulation = SimulatedWorld(seed: 1)
    let sources = [
      "/certificate": server.certificate, "/key": server.key, "/authority": authority.certificate,
      "/list": authority.revocations(),
    ]
    let lines = Lines()
    let world = simulation.world
    let logger = Logger(label: "test") { _ in
      GantryLogHandler(
        GantryLogHandler.Setting(
          format: .text, sink: lines, clock: world.clock, threshold: LogThreshold(.info), staticFields: [:],
          isCallerReported: false))
    }
    try simulation.run {
      for (path, source) in sources {
        let bytes = CertificateAuthority.read(source)
        try await world.workers.run { () throws(FileError) in
          try world.files.open(path, .create(mode: 0o600)).write(bytes, at: 0)
        }
      }
      let settings = TLSFileSettings(
        identity: TLSFileSettings.Identity(certificate: "/certificate", key: "/key"),
        clientAuthentication: .requireAndVerify, clientAuthorities: ["/authority"], clientRevocations: ["/list"])
      let (watch, current) = try await CertificateWatch.reading(
        TLSFiles(settings, protocols: []), world: world, logger: logger)
      guard case .revocationsOutdated(_, let due)? = current.value.revocationsDue.first else {
        Issue.record("the list says when the next one comes")
        return
      }
      await watch.start {}
      simulation.wallClock.shift(by: .seconds(due.seconds - world.clock.now.seconds - 10))
      await simulation.pause(for: .seconds(5))
      #expect(lines.count("was due for renewal") == 0)
      await simulation.pause(for: .seconds(20))
      #expect(lines.count("was due for renewal") == 1)
      simulation.wallClock.shift(by: .seconds(86_400))
      await simulation.pause(for: .seconds(20))
      #expect(lines.count("was due for renewal") == 2)
      await watch.stop()
    }
  }

  @Test("Certificates are not read any more once the host has stopped") func reloadAfterStop() throws {
    let server = CertificateAuthority()
    let identity = server.issue("localhost", ["DNS:localhost"])
    var settings = Settings()
    settings.storage.engine = .inMemory
    settings.http.address = .tcp(host: "127.0.0.1", port: 0)
    settings.http.loops = 1
    settings.log.level = .error
    settings.http.tls = TLSFileSettings(
      identity: TLSFileSettings.Identity(certificate: identity.certificate, key: identity.key))
    let host = try RegistryHost(settings)
    host.reloadCertificates()
    host.stop()
    host.reloadCertificates()
  }
}
