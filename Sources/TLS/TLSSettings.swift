// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

/// What a server shows and what it asks of its clients. Files come as bytes with their paths, so that whoever reads
/// them decides where that may block.
public struct TLSSettings: Sendable, Hashable {
  /// A file as it was read.
  public struct File: Sendable, Hashable {
    /// What messages name it by.
    public var path: String
    /// What is in it.
    public var bytes: [UInt8]

    /// Makes a file.
    public init(path: String, bytes: [UInt8]) {
      self.path = path
      self.bytes = bytes
    }
  }

  /// A certificate with its key.
  public struct Identity: Sendable, Hashable {
    /// PEM: the server's certificate, followed by those that link it to an authority that clients trust.
    public var certificate: File
    /// PEM: the private key, not encrypted. May be the same file.
    public var key: File

    /// Makes an identity.
    public init(certificate: File, key: File) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// What is done about certificates of clients.
  public enum ClientAuthentication: Sendable, Hashable {
    /// None is asked for.
    case none
    /// One is asked for, need not be shown, and is not checked: it proves no name.
    case request
    /// One must be shown, and is not checked: it proves no name.
    case require
    /// One is asked for; what is shown must be of a trusted authority.
    case verifyIfGiven
    /// One of a trusted authority must be shown.
    case requireAndVerify

    /// Whether what is shown is checked.
    public var verifies: Bool { self == .verifyIfGiven || self == .requireAndVerify }
  }

  /// What the server shows. The first is for clients that name no host or one that no certificate is for; each other is
  /// for the hosts in its certificate.
  public var identities: [Identity]
  /// What is done about certificates of clients.
  public var clientAuthentication: ClientAuthentication
  /// PEM: authorities whose certificates are taken from clients.
  public var clientAuthorities: [File]
  /// PEM: lists of certificates that were revoked. With any, a client's certificate is taken only when its authority's
  /// list is here and in date.
  public var clientRevocations: [File]
  /// The oldest version that is spoken.
  public var minimumVersion: StreamSecurity.Version
  /// Suites of TLS 1.2 by their names in IANA's registry; empty: those with forward secrecy and authenticated
  /// encryption. Those of TLS 1.3 cannot be chosen, as in Go.
  public var cipherSuites: [String]
  /// What may be spoken inside, the preferred first; empty: clients are not answered.
  public var applicationProtocols: [String]

  /// Makes settings.
  public init(
    identities: [Identity], clientAuthentication: ClientAuthentication = .none, clientAuthorities: [File] = [],
    clientRevocations: [File] = [], minimumVersion: StreamSecurity.Version = .tls12, cipherSuites: [String] = [],
    applicationProtocols: [String] = ["http/1.1"]
  ) {
    self.identities = identities
    self.clientAuthentication = clientAuthentication
    self.clientAuthorities = clientAuthorities
    self.clientRevocations = clientRevocations
    self.minimumVersion = minimumVersion
    self.cipherSuites = cipherSuites
    self.applicationProtocols = applicationProtocols
  }
}
