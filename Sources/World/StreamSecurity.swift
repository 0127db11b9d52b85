// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What was agreed on and proven when a stream was secured. Immutable, so that every request of a connection shares it.
public final class StreamSecurity: Sendable {
  /// A version of TLS.
  public enum Version: String, Sendable, CaseIterable, Comparable {
    /// RFC 5246.
    case tls12 = "TLSv1.2"
    /// RFC 8446.
    case tls13 = "TLSv1.3"

    /// Older sorts first.
    public static func < (left: Version, right: Version) -> Bool { left.rawValue < right.rawValue }
  }

  /// The version that is spoken.
  public let version: Version
  /// The cipher suite, by its name in IANA's registry.
  public let cipherSuite: String
  /// What both ends speak inside (RFC 7301): `h2`, `http/1.1`; nil when the client named nothing.
  public let applicationProtocol: String?
  /// The host that the client asked for (RFC 6066, section 3); nil when it named none.
  public let serverName: String?
  /// The names that the client proved with a certificate of an authority that is trusted: the subject's common name
  /// and the alternative names. Empty when it showed no certificate, or one that nobody checks.
  public let clientNames: [String]
  /// Whether the client showed a certificate of an authority that is trusted, be there a name in it or not.
  public let isClientVerified: Bool
  /// Whether an earlier session went on, without a full handshake.
  public let isResumed: Bool

  /// Puts together what was agreed on.
  public init(
    version: Version, cipherSuite: String, applicationProtocol: String? = nil, serverName: String? = nil,
    clientNames: [String] = [], isClientVerified: Bool = false, isResumed: Bool = false
  ) {
    self.version = version
    self.cipherSuite = cipherSuite
    self.applicationProtocol = applicationProtocol
    self.serverName = serverName
    self.clientNames = clientNames
    self.isClientVerified = isClientVerified
    self.isResumed = isResumed
  }
}
