// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a session ended early. Every reason is for a log.
public enum TLSFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// The client speaks HTTP in the clear; it can be told so.
  case plainHTTP
  /// The client's certificate is not taken.
  case certificateRefused(subject: String, reason: String)
  /// The client shows no certificate.
  case certificateMissing
  /// The client broke off and said why (RFC 8446, section 6).
  case alerted(String)
  /// Anything else: what came is no TLS, or none that is served.
  case failed(reason: String)

  /// What went wrong.
  public var description: String {
    switch self {
    case .plainHTTP: "the client speaks HTTP in the clear"
    case .certificateRefused(let subject, let reason): "the client's certificate of \(subject) is refused: \(reason)"
    case .certificateMissing: "the client shows no certificate"
    case .alerted(let reason): "the client broke off: \(reason)"
    case .failed(let reason): reason
    }
  }
}
