// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryCryptography

/// Tokens of somebody else's: how clients are sent there, and which tokens count (Distribution's `auth.token`).
public struct TokenMethod: Sendable, Hashable {
  /// Where clients ask for tokens: a URL.
  public var realm: String
  /// The audience that a token must name.
  public var service: String
  /// The issuer that a token must name.
  public var issuer: String
  /// The file of certificates that are trusted: their keys, and the chains that lead to them.
  public var rootCertificates: String?
  /// The file of keys, a JSON Web Key Set (RFC 7517).
  public var keySet: String?
  /// The path on the host that a client asked for, instead of ``realm``.
  public var redirectPath: String?
  /// The algorithms that are taken.
  public var algorithms: Set<SignatureAlgorithm>

  /// The algorithms that Distribution takes unless it is told otherwise.
  public static var algorithmsDefault: Set<SignatureAlgorithm> { Set(SignatureAlgorithm.allCases) }

  /// Makes a method; without a file of either kind no token counts.
  public init(
    realm: String, service: String, issuer: String, rootCertificates: String? = nil, keySet: String? = nil,
    redirectPath: String? = nil, algorithms: Set<SignatureAlgorithm> = TokenMethod.algorithmsDefault
  ) {
    self.realm = realm
    self.service = service
    self.issuer = issuer
    self.rootCertificates = rootCertificates
    self.keySet = keySet
    self.redirectPath = redirectPath
    self.algorithms = algorithms
  }
}
