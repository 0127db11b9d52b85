// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryTLS
public import GantryWorld

/// What all sessions of a server share: its certificates, whom it trusts, what it speaks. Immutable; a reload makes
/// another one, and sessions under way go on with theirs.
///
/// Making one costs some milliseconds and belongs on a worker.
public final class TLSContext: @unchecked Sendable {
  // Safe because: nothing changes after init but reference counts, which OpenSSL keeps under its own locks.

  /// What an operator should know about the files.
  public let notices: [TLSNotice]
  /// When the first of the server's certificates ends; nil where none says so.
  public let expiry: WallTime?
  /// From when on no client's certificate of an authority is taken any more, unless a newer list of what it revoked is
  /// there by then: what will be to tell of each list that says when the next one comes.
  public let revocationsDue: [TLSNotice]
  let tickets: TicketKeys
  let verifiesClients: Bool
  /// For clients that name no host, or one that there is no certificate for.
  let primary: OpenSSLValue
  private let hosts: [String: OpenSSLValue]
  private let protocols: ApplicationProtocols

  /// Reads the files of `settings` and makes what is needed of them.
  public init(_ settings: TLSSettings, tickets: TicketKeys, now: WallTime) throws(TLSError) {
    var builder = ContextBuilder(settings, now: now)
    for identity in settings.identities { try builder.add(identity) }
    guard let first = builder.contexts.first else { throw .noIdentity }
    primary = first
    hosts = builder.hosts.mapValues { builder.contexts[$0] }
    notices = builder.notices
    expiry = builder.expiry
    revocationsDue = builder.revocationsDue
    verifiesClients = settings.clientAuthentication.verifies
    protocols = ApplicationProtocols(settings.applicationProtocols)
    self.tickets = tickets
  }

  /// What is shown to a client that asks for this host: the certificate of exactly that name, or of all names that
  /// differ from it in the first label.
  func identity(for host: String) -> OpenSSLValue? {
    let name = host.lowercased()
    if let exact = hosts[name] { return exact }
    guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
    return hosts["*" + name[dot...]]
  }

  func choice(of list: [UInt8]) -> ApplicationProtocols.Choice { protocols.choice(of: list) }
}
