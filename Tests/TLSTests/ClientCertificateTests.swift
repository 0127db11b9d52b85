// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTLS
import GantryTestKit
import GantryWorld
import Testing

@Suite struct ClientCertificateTests {
  enum Shown: String, CaseIterable, Sendable {
    case nothing, alice, expired, selfSigned, strange, revoked

    var identity: CertificateAuthority.Identity? {
      switch self {
      case .nothing: nil
      case .alice: Known.alice
      case .expired: Known.expired
      case .selfSigned: Known.selfSigned
      case .strange: Known.strange
      case .revoked: Known.revoked
      }
    }

    /// Why it is refused where it is checked.
    var reason: String? {
      switch self {
      case .nothing, .alice: nil
      case .expired: "certificate has expired"
      case .selfSigned: "self-signed certificate"
      case .strange: "unable to get local issuer certificate"
      case .revoked: "certificate revoked"
      }
    }
  }

  private static func settings(_ mode: TLSSettings.ClientAuthentication, lists: [String] = []) -> TLSSettings {
    var settings = Known.settings()
    settings.clientAuthentication = mode
    settings.clientAuthorities = [Known.file(Known.authority.certificate)]
    settings.clientRevocations = lists.map(Known.file)
    return settings
  }

  private static func exchange(
    _ settings: TLSSettings, _ shown: Shown, version: Int
  ) throws -> Exchange {
    var client = TLSClient.Settings()
    client.identity = shown.identity
    client.version = version
    let exchange = try Exchange(Known.context(settings), client)
    exchange.run()
    return exchange
  }

  @Test("Certificates are refused or prove names", arguments: Shown.allCases, [12, 13])
  func verified(_ shown: Shown, _ version: Int) throws {
    for mode in [TLSSettings.ClientAuthentication.verifyIfGiven, .requireAndVerify] {
      let exchange = try Self.exchange(
        Self.settings(mode, lists: [Known.revocations]), shown, version: version)
      if let reason = shown.reason {
        guard case .certificateRefused(let subject, let said) = exchange.serverFailure else {
          Issue.record("\(mode): \(String(describing: exchange.serverFailure))")
          continue
        }
        #expect(said == reason)
        #expect(subject == (shown == .selfSigned || shown == .strange ? "alice" : shown.rawValue))
        #expect(!exchange.isServerEstablished)
      } else if shown == .nothing, mode == .requireAndVerify {
        #expect(exchange.serverFailure == .certificateMissing)
      } else {
        #expect(exchange.isServerEstablished)
        #expect(
          exchange.session.security().clientNames
            == (shown == .nothing ? [] : ["alice", "alice@example.test", "alice.example.test"]))
      }
    }
  }

  @Test("A certificate that nobody checks proves nothing", arguments: Shown.allCases)
  func unverified(_ shown: Shown) throws {
    for mode in [TLSSettings.ClientAuthentication.request, .require] {
      let exchange = try Self.exchange(Self.settings(mode), shown, version: 13)
      if shown == .nothing, mode == .require {
        #expect(exchange.serverFailure == .certificateMissing)
      } else {
        #expect(exchange.isServerEstablished)
        #expect(exchange.session.security().clientNames == [])
      }
    }
  }

  @Test("With lists, a client whose authority has none is refused")
  func missingList() throws {
    var settings = Self.settings(.requireAndVerify, lists: [Known.stranger.revocations()])
    settings.clientAuthorities.append(Known.file(Known.stranger.certificate))
    let refused = try Self.exchange(settings, .alice, version: 13)
    #expect(
      refused.serverFailure
        == .certificateRefused(subject: "alice", reason: "unable to get certificate CRL"))
    #expect(try Self.exchange(settings, .strange, version: 13).isServerEstablished)
    // Without lists nobody is revoked.
    #expect(try Self.exchange(Self.settings(.requireAndVerify), .revoked, version: 13).isServerEstablished)
  }

  @Test("Verifying without an authority is no setting")
  func noAuthority() {
    var settings = Self.settings(.requireAndVerify)
    settings.clientAuthorities = []
    #expect(throws: TLSError.noAuthority) { try Known.context(settings) }
  }
}
