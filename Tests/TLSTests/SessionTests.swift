// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTLS
import GantryTestKit
import GantryWorld
import Testing

@Suite struct SessionTests {
  private static func client(_ set: (inout TLSClient.Settings) -> Void) -> TLSClient.Settings {
    var settings = TLSClient.Settings()
    set(&settings)
    return settings
  }

  @Test("A session is the same however the bytes of the handshake are split", arguments: [12, 13], [1, 3, 100, .max])
  func splits(_ version: Int, _ split: Int) throws {
    let exchange = try Exchange(
      Known.context(), Self.client { ($0.version, $0.host) = (version, "LocalHost") }, split: split)
    exchange.run()
    #expect(
      exchange.isServerEstablished && exchange.isClientEstablished, "\(String(describing: exchange.serverFailure))")
    let security = exchange.session.security()
    #expect(security.version == (version == 12 ? .tls12 : .tls13))
    #expect(security.applicationProtocol == "http/1.1")
    #expect(security.serverName == "LocalHost")
    #expect(security.clientNames == [] && !security.isResumed)
    #expect(
      security.cipherSuite
        == (version == 12 ? "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" : "TLS_AES_128_GCM_SHA256"))
    let up = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let down = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
    exchange.client.write(up)
    try exchange.session.write(down, 100..<down.count)
    exchange.run()
    #expect(exchange.serverContent == up)
    #expect(exchange.clientContent == Array(down[100...]))
    #expect(exchange.session.records.unused == 0)
  }

  @Test("Either end may finish first, and the other may still speak", arguments: [12, 13])
  func endings(_ version: Int) throws {
    let exchange = try Exchange(Known.context(), Self.client { $0.version = version })
    exchange.run()
    exchange.client.write([1])
    exchange.client.finish()
    exchange.run()
    #expect(exchange.serverEnded && exchange.serverContent == [1])
    if version == 13 {
      try exchange.session.write([2], 0..<1)
      exchange.session.finish()
      exchange.session.finish()
      exchange.run()
      #expect(exchange.clientEnded && exchange.clientContent == [2])
    }
    let other = try Exchange(Known.context(), Self.client { $0.version = version })
    other.run()
    other.session.finish()
    other.run()
    #expect(other.clientEnded)
  }

  @Test("What is left of a record when a read is full is known to be there")
  func limits() throws {
    let exchange = try Exchange(Known.context())
    exchange.run()
    exchange.client.write([UInt8](repeating: 5, count: 1000))
    exchange.session.records.receive(exchange.client.take())
    var bytes: [UInt8] = []
    #expect(try exchange.session.read(into: &bytes, atMost: 600) == .content(600))
    #expect(exchange.session.holdsContent)
    #expect(try exchange.session.read(into: &bytes, atMost: 600) == .content(400))
    #expect(!exchange.session.holdsContent)
    #expect(try exchange.session.read(into: &bytes, atMost: 600) == .needsInput)
    #expect(bytes == [UInt8](repeating: 5, count: 1000))
  }

  @Test(
    "A client is shown the certificate for the host it asks for",
    arguments: [
      (nil, "localhost"), ("localhost", "localhost"), ("other.test", "other"), ("OTHER.TEST", "other"),
      ("a.wild.test", "other"), ("a.b.wild.test", "localhost"), ("wild.test", "localhost"), ("unknown", "localhost"),
      (".wild.test", "localhost"),
    ] as [(String?, String)], [12, 13])
  func hosts(_ host: (asked: String?, shown: String), _ version: Int) throws {
    let context = try Known.context(Known.settings(Known.localhost, Known.other))
    let exchange = try Exchange(context, Self.client { ($0.host, $0.version) = (host.asked, version) })
    exchange.run()
    #expect(exchange.client.serverName == host.shown)
    #expect(exchange.session.security().serverName == host.asked)
  }

  @Test(
    "What is spoken inside is what the server prefers of what the client offers",
    arguments: [
      (["h2", "http/1.1"], ["http/1.1", "h2"], "h2"), (["h2", "http/1.1"], ["http/1.1"], "http/1.1"),
      (["http/1.1"], ["h2"], nil), (["http/1.1"], [], ""), ([], ["h2"], ""), (["h2"], ["h2c", "h", "h2"], "h2"),
    ] as [([String], [String], String?)])
  func protocols(_ served: [String], _ offered: [String], _ expected: String?) throws {
    var settings = Known.settings()
    settings.applicationProtocols = served
    let exchange = try Exchange(Known.context(settings), Self.client { $0.protocols = offered })
    exchange.run()
    guard let expected else {
      #expect(exchange.serverFailure != nil && !exchange.isServerEstablished)
      return
    }
    #expect(exchange.session.security().applicationProtocol ?? "" == expected)
  }

  @Test("Versions and suites that are not served are refused, and the log says why")
  func limitsOfVersions() throws {
    var settings = Known.settings()
    settings.minimumVersion = .tls13
    var exchange = try Exchange(Known.context(settings), Self.client { $0.version = 12 })
    exchange.run()
    #expect(exchange.serverFailure == .failed(reason: "the client speaks no version of TLS that is served"))
    settings.minimumVersion = .tls12
    settings.cipherSuites = ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]
    exchange = try Exchange(Known.context(settings), Self.client { $0.version = 12 })
    exchange.run()
    #expect(exchange.session.security().cipherSuite == "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
    exchange = try Exchange(
      Known.context(settings), Self.client { ($0.version, $0.suites) = (12, "ECDHE-ECDSA-AES128-GCM-SHA256") })
    exchange.run()
    #expect(exchange.serverFailure == .failed(reason: "the client offers no cipher suite that is served"))
    // A list of TLS 1.3's suites leaves none of TLS 1.2's.
    settings.cipherSuites = ["TLS_AES_128_GCM_SHA256"]
    exchange = try Exchange(Known.context(settings), Self.client { $0.version = 12 })
    exchange.run()
    #expect(exchange.serverFailure != nil)
    exchange = try Exchange(Known.context(settings))
    exchange.run()
    #expect(exchange.isServerEstablished)
  }

  @Test("A session goes on, after a reload too, until its ticket is too old", arguments: [12, 13])
  func resumption(_ version: Int) throws {
    let clock = SetClock(Known.now)
    let tickets = TicketKeys(clock: clock)
    func resume(_ session: TLSClient.Session?, in context: TLSContext) throws -> (Bool, TLSClient.Session?) {
      let exchange = try Exchange(context, Self.client { ($0.version, $0.resumed) = (version, session) })
      exchange.run()
      #expect(exchange.isServerEstablished && exchange.isClientEstablished)
      #expect(exchange.client.isResumed == exchange.session.security().isResumed)
      return (exchange.client.isResumed, exchange.client.session)
    }
    let first = try resume(nil, in: Known.context(tickets: tickets))
    #expect(!first.0)
    clock.now.seconds += 3000
    let second = try resume(first.1, in: Known.context(tickets: tickets))
    #expect(second.0)
    clock.now.seconds += 3000
    #expect(try resume(second.1, in: Known.context(tickets: tickets)).0, "sealed by the key before")
    clock.now.seconds += 9000
    #expect(try !resume(second.1, in: Known.context(tickets: tickets)).0, "sealed by a key that is gone")
    #expect(try !resume(first.1, in: Known.context()).0, "sealed by another process")
    // Whoever shows a certificate shows it each time.
    var settings = Known.settings()
    settings.clientAuthentication = .verifyIfGiven
    settings.clientAuthorities = [Known.file(Known.authority.certificate)]
    let certified = try Known.context(settings, tickets: tickets)
    let third = try resume(nil, in: certified)
    #expect(try !resume(third.1, in: certified).0)
  }
}
