// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryTLS

/// What sessions with servers share: whom they trust. Immutable.
///
/// Making one reads the authorities that the system trusts, which takes some milliseconds and belongs on a worker.
public final class TLSClientContext: @unchecked Sendable {
  // Safe because: nothing changes after init but reference counts, which OpenSSL keeps under its own locks.

  let value: OpenSSLValue

  /// Trusts the system's authorities; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others, as in every program over OpenSSL
  /// and in Go's. Speaks TLS 1.2 and 1.3.
  public init() throws(TLSError) {
    ErrorQueue.clear()
    guard let made = unsafe SSL_CTX_new(TLS_client_method()) else { throw .library(reason: ErrorQueue.reason()) }
    value = unsafe OpenSSLValue(made) { unsafe SSL_CTX_free($0) }
    unsafe gantry_tls_set_modes(value.pointer)
    unsafe SSL_CTX_set_verify(value.pointer, SSL_VERIFY_PEER, nil)
    guard unsafe gantry_tls_set_minimum(value.pointer, TLS1_2_VERSION) == 1,
      unsafe SSL_CTX_set_default_verify_paths(value.pointer) == 1
    else { throw .library(reason: ErrorQueue.reason()) }
  }
}
