// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import CGantryTLS
internal import GantryWorld

/// From when until when certificates and lists hold.
enum CertificateDates {
  static func begin(of certificate: OpenSSLValue) -> WallTime? { unsafe time(X509_get0_notBefore(certificate.pointer)) }
  static func end(of certificate: OpenSSLValue) -> WallTime? { unsafe time(X509_get0_notAfter(certificate.pointer)) }
  static func renewal(of list: OpenSSLValue) -> WallTime? { unsafe time(X509_CRL_get0_nextUpdate(list.pointer)) }

  private static func time(_ time: UnsafePointer<ASN1_TIME>?) -> WallTime? {
    var seconds: Int64 = 0
    guard let time = unsafe time, unsafe gantry_tls_seconds(time, &seconds) == 1 else { return nil }
    return WallTime(seconds: seconds)
  }

  /// What is to be said of a server's certificate.
  static func notice(of certificate: OpenSSLValue, path: String, now: WallTime) -> TLSNotice? {
    if let begin = begin(of: certificate), begin > now { return .notYetValid(path: path, until: begin) }
    guard let end = end(of: certificate) else { return nil }
    if end <= now { return .expired(path: path, at: end) }
    if end.seconds - now.seconds < TLSNotice.soonSeconds { return .expiresSoon(path: path, at: end) }
    return nil
  }
}
