// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryLoadTLS

/// Whom https targets are believed.
public struct TrustSettings: Sendable, Hashable {
  /// A file of certificates that are trusted instead of the system's.
  public var certificates: String?
  /// Whether any certificate is taken.
  public var isBlind: Bool

  /// Makes settings; the defaults trust what the system trusts.
  public init(certificates: String? = nil, isBlind: Bool = false) {
    (self.certificates, self.isBlind) = (certificates, isBlind)
  }
}

/// What all TLS sessions of a run share.
final class TLSContext: @unchecked Sendable {
  // Safe because: OpenSSL counts references to a context under its own lock, and nothing here changes after init.

  private let context: OpaquePointer
  private let isBlind: Bool

  init(_ trust: TrustSettings) throws(InputError) {
    guard let context = SSL_CTX_new(TLS_client_method()) else {
      throw InputError("TLS cannot begin: \(Self.lastError())")
    }
    self.context = context
    isBlind = trust.isBlind
    SSL_CTX_set_verify(context, trust.isBlind ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nil)
    if let path = trust.certificates {
      guard SSL_CTX_load_verify_locations(context, path, nil) == 1 else {
        throw InputError("\(path): no certificates can be read: \(Self.lastError())")
      }
    } else {
      SSL_CTX_set_default_verify_paths(context)
    }
    let protocols: [UInt8] = [8] + Array("http/1.1".utf8)
    SSL_CTX_set_alpn_protos(context, protocols, UInt32(protocols.count))
  }

  deinit { SSL_CTX_free(context) }

  /// A session for one connection to `host`: the session, what it reads from, and what it writes to.
  func session(_ host: String) -> (OpaquePointer, OpaquePointer, OpaquePointer)? {
    var input: OpaquePointer?
    var output: OpaquePointer?
    guard let session = gantry_tls_session(context, &input, &output), let input, let output else { return nil }
    let isAddress = host.utf8.allSatisfy { $0 == 46 || $0 == 58 || (48...57).contains($0) }
    if !isAddress { _ = gantry_tls_name(session, host) }
    if !isBlind, gantry_tls_expect(session, host) != 1 {
      SSL_free(session)
      return nil
    }
    return (session, input, output)
  }

  /// The oldest error that OpenSSL holds for this thread, which is forgotten with all others.
  static func lastError() -> String {
    let code = ERR_get_error()
    ERR_clear_error()
    guard code != 0, let reason = ERR_reason_error_string(code) else { return "no reason was given" }
    return String(cString: reason)
  }
}
