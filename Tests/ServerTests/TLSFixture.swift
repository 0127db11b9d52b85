// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryServer
import GantryTLS
import GantryTestKit
import GantryWorld

/// What the tests of TLS show each other.
enum TLSFixture {
  static let authority = CertificateAuthority()
  static let localhost = authority.issue("localhost", ["DNS:localhost"])
  static let alice = authority.issue("alice")
  /// Trusted, and without a name of any kind.
  static let nameless = authority.issue("")

  static func context(
    _ mode: TLSSettings.ClientAuthentication = .none, protocols: [String] = ["http/1.1"]
  ) throws -> CurrentTLSContext {
    func file(_ path: String) -> TLSSettings.File {
      TLSSettings.File(path: path, bytes: CertificateAuthority.read(path))
    }
    let clock = SimulatedWorld(seed: 1).process.world.clock
    return CurrentTLSContext(
      try TLSContext(
        TLSSettings(
          identities: [
            TLSSettings.Identity(certificate: file(localhost.certificate), key: file(localhost.key))
          ], clientAuthentication: mode, clientAuthorities: mode == .none ? [] : [file(authority.certificate)],
          applicationProtocols: protocols),
        tickets: TicketKeys(clock: clock), now: clock.now))
  }

  /// What a server offers by default.
  static func http2() throws -> CurrentTLSContext { try context(protocols: ["h2", "http/1.1"]) }
}
