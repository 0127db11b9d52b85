// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// `auth.token`: where clients get tokens, and which tokens count.
public struct TokenSettings: Sendable, Equatable {
  /// How a token may be signed, by the names of JSON Web Algorithms (RFC 7518, RFC 8037).
  public enum Algorithm: String, Sendable, CaseIterable {
    case EdDSA, HS256, HS384, HS512, RS256, RS384, RS512, ES256, ES384, ES512, PS256, PS384, PS512
  }

  /// Where clients ask for tokens: a URL.
  public var realm: String
  /// The audience that tokens must name.
  public var service: String
  /// The issuer that tokens must name.
  public var issuer: String
  /// The file of trusted certificates; nil: none.
  public var rootCertBundle: String?
  /// The file of trusted keys; nil: none.
  public var jwks: String?
  /// The path on the host that a client asked for, which then is the realm; nil: ``realm`` is.
  public var autoRedirectPath: String?
  /// The algorithms that are taken.
  public var signingAlgorithms: [Algorithm]

  /// Makes the section.
  public init(
    realm: String, service: String, issuer: String, rootCertBundle: String? = nil, jwks: String? = nil,
    autoRedirectPath: String? = nil, signingAlgorithms: [Algorithm] = Algorithm.allCases
  ) {
    self.realm = realm
    self.service = service
    self.issuer = issuer
    self.rootCertBundle = rootCertBundle
    self.jwks = jwks
    self.autoRedirectPath = autoRedirectPath
    self.signingAlgorithms = signingAlgorithms
  }
}
