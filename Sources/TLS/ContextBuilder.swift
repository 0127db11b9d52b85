// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryTLS
internal import GantryWorld

/// Makes the contexts of a server, one for each certificate and alike in all else, and notes what is odd.
struct ContextBuilder {
  private let settings: TLSSettings
  private let now: WallTime
  private(set) var contexts: [OpenSSLValue] = []
  /// The number of the context for each host.
  private(set) var hosts: [String: Int] = [:]
  private(set) var notices: [TLSNotice] = []
  private(set) var expiry: WallTime?
  private(set) var revocationsDue: [TLSNotice] = []

  /// With forward secrecy and authenticated encryption: what Distribution serves, and Mozilla calls intermediate.
  private static let suites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
  /// All of TLS 1.3's, in Go's order: with 128 bits before 256, which are a quarter slower and not needed.
  private static let suitesOfTLS13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

  init(_ settings: TLSSettings, now: WallTime) {
    self.settings = settings
    self.now = now
  }

  /// Makes a context that shows this identity.
  mutating func add(_ identity: TLSSettings.Identity) throws(TLSError) {
    ErrorQueue.clear()
    guard let made = unsafe SSL_CTX_new(TLS_server_method()) else { throw .library(reason: ErrorQueue.reason()) }
    let context = unsafe OpenSSLValue(made) { unsafe SSL_CTX_free($0) }
    try set(context)
    try show(identity, in: context)
    try askClients(context)
    contexts.append(context)
  }

  // MARK: What is spoken

  private func set(_ context: OpenSSLValue) throws(TLSError) {
    unsafe gantry_tls_set_modes(context.pointer)
    let (names, hasAny) = try suites()
    let oldest = settings.minimumVersion == .tls13 || !hasAny ? TLS1_3_VERSION : TLS1_2_VERSION
    guard unsafe gantry_tls_set_minimum(context.pointer, oldest) == 1,
      unsafe SSL_CTX_set_cipher_list(context.pointer, names) == 1,
      unsafe SSL_CTX_set_ciphersuites(context.pointer, Self.suitesOfTLS13) == 1
    else { throw .library(reason: ErrorQueue.reason()) }
    unsafe gantry_tls_on_server_name(context.pointer, onServerName, nil)
    unsafe SSL_CTX_set_alpn_select_cb(context.pointer, onApplicationProtocols, nil)
    if settings.clientAuthentication == .none {
      guard unsafe gantry_tls_on_ticket(context.pointer, onTicket) == 1 else {
        throw .library(reason: ErrorQueue.reason())
      }
      unsafe SSL_CTX_set_timeout(context.pointer, Int(TicketKeys.ticketSeconds))
      unsafe SSL_CTX_set_num_tickets(context.pointer, 1)
    } else {
      // A session that goes on shows no certificate anew: one that was revoked or has ended would go on, too.
      unsafe SSL_CTX_set_num_tickets(context.pointer, 0)
      unsafe gantry_tls_forbid_tickets(context.pointer)
    }
  }

  /// The suites of TLS 1.2 in OpenSSL's names, and whether there is any: a list of those of TLS 1.3 alone leaves none,
  /// as in Go.
  private func suites() throws(TLSError) -> (names: String, hasAny: Bool) {
    if settings.cipherSuites.isEmpty { return (Self.suites, true) }
    var names: [String] = []
    for suite in settings.cipherSuites where !Self.isOfTLS13(suite) {
      let name = unsafe OPENSSL_cipher_name(suite).map { unsafe String(cString: $0) }
      guard let name, name != "(NONE)" else { throw .unknownCipherSuite(suite) }
      names.append(name)
    }
    return names.isEmpty ? (Self.suites, false) : (names.joined(separator: ":"), true)
  }

  private static func isOfTLS13(_ suite: String) -> Bool {
    suite.hasPrefix("TLS_AES_") || suite.hasPrefix("TLS_CHACHA20_")
  }

  // MARK: What is shown

  private mutating func show(_ identity: TLSSettings.Identity, in context: OpenSSLValue) throws(TLSError) {
    let path = identity.certificate.path
    let certificates = try PEM.certificates(identity.certificate)
    let key = try PEM.key(identity.key)
    ErrorQueue.clear()
    let place = certificates.firstIndex { unsafe X509_check_private_key($0.pointer, key.pointer) == 1 }
    ErrorQueue.clear()
    guard let place else { throw .keyMismatch(certificate: path, key: identity.key.path) }
    if place > 0 { throw .ownCertificateNotFirst(path: path, position: place + 1) }
    guard unsafe SSL_CTX_use_certificate(context.pointer, certificates[0].pointer) == 1 else {
      throw .refused(path: path, reason: ErrorQueue.reason())
    }
    guard unsafe SSL_CTX_use_PrivateKey(context.pointer, key.pointer) == 1 else {
      throw .refused(path: identity.key.path, reason: ErrorQueue.reason())
    }
    for certificate in certificates.dropFirst() {
      guard unsafe gantry_tls_add_chain(context.pointer, certificate.pointer) == 1 else {
        throw .refused(path: path, reason: ErrorQueue.reason())
      }
    }
    look(at: certificates, path: path)
  }

  private mutating func look(at certificates: [OpenSSLValue], path: String) {
    let own = certificates[0]
    if let notice = CertificateDates.notice(of: own, path: path, now: now) { notices.append(notice) }
    if let end = CertificateDates.end(of: own) { expiry = min(expiry ?? end, end) }
    let stray = certificates.indices.dropFirst().first { place in
      unsafe X509_check_issued(certificates[place].pointer, certificates[place - 1].pointer) != X509_V_OK
    }
    if let stray { notices.append(.chainOutOfOrder(path: path, position: stray + 1)) }
    if !CertificateNames.hasAlternatives(own) { notices.append(.noHost(path: path)) }
    for host in CertificateNames.hosts(of: own) {
      if let earlier = hosts[host] {
        if earlier != contexts.count { notices.append(.hostTwice(host: host, path: path)) }
      } else {
        hosts[host] = contexts.count
      }
    }
  }

  // MARK: What clients show

  private mutating func askClients(_ context: OpenSSLValue) throws(TLSError) {
    let mode: Int32 =
      switch settings.clientAuthentication {
      case .none: SSL_VERIFY_NONE
      case .request, .verifyIfGiven: SSL_VERIFY_PEER
      case .require, .requireAndVerify: SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
      }
    guard mode != SSL_VERIFY_NONE else { return }
    unsafe SSL_CTX_set_verify(context.pointer, mode, onClientCertificate)
    if settings.clientAuthentication.verifies, settings.clientAuthorities.isEmpty { throw .noAuthority }
    guard let store = unsafe SSL_CTX_get_cert_store(context.pointer) else {
      throw .library(reason: ErrorQueue.reason())
    }
    for file in settings.clientAuthorities {
      for certificate in try PEM.certificates(file) {
        ErrorQueue.clear()
        guard unsafe X509_STORE_add_cert(store, certificate.pointer) == 1,
          unsafe SSL_CTX_add_client_CA(context.pointer, certificate.pointer) == 1
        else { throw .refused(path: file.path, reason: ErrorQueue.reason()) }
      }
    }
    for file in settings.clientRevocations { try unsafe add(file, to: store) }
    if !settings.clientRevocations.isEmpty {
      unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
    }
  }

  private mutating func add(_ file: TLSSettings.File, to store: OpaquePointer) throws(TLSError) {
    for list in try PEM.revocations(file) {
      ErrorQueue.clear()
      guard unsafe X509_STORE_add_crl(store, list.pointer) == 1 else {
        throw .refused(path: file.path, reason: ErrorQueue.reason())
      }
      // Told once, not for each certificate of the server.
      guard contexts.isEmpty, let due = CertificateDates.renewal(of: list) else { continue }
      let notice = TLSNotice.revocationsOutdated(path: file.path, since: due)
      revocationsDue.append(notice)
      if due <= now { notices.append(notice) }
    }
  }
}
