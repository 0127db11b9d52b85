// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import CGantryOpenSSL

/// Certificates that are trusted by themselves, and the chains that lead to them (RFC 5280 section 6).
///
/// Isolation: may be used by any thread, and by several at once.
@safe
public final class TrustAnchors: @unchecked Sendable {
  // Safe because: nothing is added after the initializer, and the store locks what its readers share.

  /// The most certificates of a chain, the leaf included.
  public static var chainMax: Int { 10 }

  private let store: OpaquePointer

  /// Trusts these certificates (DER), whether they have signed themselves or not.
  public init(_ certificates: [[UInt8]]) throws(KeyError) {
    guard let store = unsafe X509_STORE_new() else { preconditionFailure("X509_STORE_new failed") }
    unsafe self.store = store
    for bytes in certificates {
      // Everything is initialized by now, so a failure leaves through deinit, which frees the store.
      let certificate = try unsafe Self.certificate(bytes)
      // The store takes a reference of its own.
      let isAdded = unsafe X509_STORE_add_cert(store, certificate) == 1
      unsafe X509_free(certificate)
      precondition(isAdded, "X509_STORE_add_cert failed")
    }
  }

  deinit {
    unsafe X509_STORE_free(store)
  }

  /// The key of a certificate (DER) as it is, judging nothing.
  public static func key(ofCertificate bytes: [UInt8]) throws(KeyError) -> PublicKey {
    let certificate = try unsafe certificate(bytes)
    defer { unsafe X509_free(certificate) }
    return try unsafe key(of: certificate)
  }

  /// The key of the first certificate of a chain (DER; the leaf first, then those that it may need), if the chain leads
  /// to one of the anchors and all of it is valid at that time, in seconds since 1970. Signatures with SHA-1 and keys
  /// of less than 112 bits of security are not taken.
  public func key(ofChain chain: [[UInt8]], at seconds: Int64) throws(KeyError) -> PublicKey {
    guard (1...Self.chainMax).contains(chain.count) else { throw .chainLength(chain.count) }
    ERR_clear_error()
    defer { ERR_clear_error() }
    let leaf = try unsafe Self.certificate(chain[0])
    defer { unsafe X509_free(leaf) }
    guard let others = unsafe gantry_certificates_new() else { preconditionFailure("sk_X509_new_null failed") }
    defer { unsafe gantry_certificates_free(others) }
    for bytes in chain[1...] {
      let certificate = try unsafe Self.certificate(bytes)
      guard unsafe gantry_certificates_push(others, certificate) == 1 else {
        unsafe X509_free(certificate)
        preconditionFailure("sk_X509_push failed")
      }
    }
    guard let context = unsafe X509_STORE_CTX_new() else { preconditionFailure("X509_STORE_CTX_new failed") }
    defer { unsafe X509_STORE_CTX_free(context) }
    guard unsafe X509_STORE_CTX_init(context, store, leaf, others) == 1 else {
      throw .untrusted(reason: "it cannot be checked")
    }
    let options = unsafe X509_STORE_CTX_get0_param(context)
    unsafe X509_VERIFY_PARAM_set_flags(options, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    unsafe X509_VERIFY_PARAM_set_time(options, Int(seconds))
    unsafe X509_VERIFY_PARAM_set_depth(options, Int32(Self.chainMax))
    unsafe X509_VERIFY_PARAM_set_auth_level(options, 2)
    guard unsafe X509_verify_cert(context) == 1 else {
      let code = unsafe X509_STORE_CTX_get_error(context)
      let reason = unsafe X509_verify_cert_error_string(Int(code))
      throw .untrusted(reason: unsafe reason.map { unsafe String(cString: $0) } ?? "error \(code)")
    }
    return try unsafe Self.key(of: leaf)
  }

  private static func certificate(_ bytes: [UInt8]) throws(KeyError) -> OpaquePointer {
    let certificate = unsafe bytes.withUnsafeBufferPointer { buffer -> OpaquePointer? in
      var start = buffer.baseAddress
      let certificate = unsafe d2i_X509(nil, &start, buffer.count)
      guard let certificate = unsafe certificate, let base = buffer.baseAddress, let end = unsafe start,
        unsafe end - base == buffer.count
      else {
        unsafe X509_free(certificate)
        return nil
      }
      return unsafe certificate
    }
    ERR_clear_error()
    guard let certificate = unsafe certificate else { throw .malformedCertificate }
    return unsafe certificate
  }

  private static func key(of certificate: OpaquePointer) throws(KeyError) -> PublicKey {
    let key = unsafe X509_get_pubkey(certificate)
    ERR_clear_error()
    guard let key = unsafe key else { throw .unsupportedKey }
    return try unsafe PublicKey(owning: key)
  }
}
