// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `http.tls` section: files by their paths, and what is asked of clients.
public struct TLSFileSettings: Sendable, Equatable {
  /// A certificate with its key.
  public struct Identity: Sendable, Equatable {
    /// PEM: the certificate, followed by those of the authorities between it and one that clients trust.
    public var certificate: String
    /// PEM: the private key.
    public var key: String

    /// Makes an identity.
    public init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// `http.tls.clientauth`, with Distribution's words.
  public enum ClientAuthentication: String, Sendable, CaseIterable {
    /// A certificate is asked for and not checked.
    case request = "request-client-cert"
    /// A certificate must be shown and is not checked.
    case requireAny = "require-any-client-cert"
    /// A certificate need not be shown; one that is must be of a trusted authority.
    case verifyIfGiven = "verify-client-cert-if-given"
    /// A certificate of a trusted authority must be shown.
    case requireAndVerify = "require-and-verify-client-cert"
  }

  /// `http.tls.minimumtls`, as far as it is served.
  public enum Version: String, Sendable, CaseIterable {
    case tls12 = "tls1.2"
    case tls13 = "tls1.3"
  }

  /// `http.tls.certificate` and `http.tls.key`: for clients that name no host, or one of no other certificate.
  public var identity: Identity
  /// `http.tls.certificates`: for clients that name a host that one of these is for.
  public var otherIdentities: [Identity]
  /// `http.tls.clientauth`; nil: no certificate is asked for.
  public var clientAuthentication: ClientAuthentication?
  /// `http.tls.clientcas`: files of authorities whose certificates are taken from clients.
  public var clientAuthorities: [String]
  /// `http.tls.clientcrls`: files of revocation lists.
  public var clientRevocations: [String]
  /// `http.tls.minimumtls`: the oldest version that is spoken.
  public var minimumVersion: Version
  /// `http.tls.ciphersuites`, by their names in IANA's registry; empty: the default.
  public var cipherSuites: [String]

  /// Whether what clients show is checked, so that it proves names.
  public var verifiesClients: Bool {
    clientAuthentication == .verifyIfGiven || clientAuthentication == .requireAndVerify
  }

  /// Makes the section.
  public init(
    identity: Identity, otherIdentities: [Identity] = [], clientAuthentication: ClientAuthentication? = nil,
    clientAuthorities: [String] = [], clientRevocations: [String] = [], minimumVersion: Version = .tls12,
    cipherSuites: [String] = []
  ) {
    self.identity = identity
    self.otherIdentities = otherIdentities
    self.clientAuthentication = clientAuthentication
    self.clientAuthorities = clientAuthorities
    self.clientRevocations = clientRevocations
    self.minimumVersion = minimumVersion
    self.cipherSuites = cipherSuites
  }
}
