// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryWorld

/// What an operator should know about files that can be used all the same.
public enum TLSNotice: Sendable, Hashable, CustomStringConvertible {
  /// Clients will refuse the certificate: it has expired.
  case expired(path: String, at: WallTime)
  /// Clients will refuse the certificate for now.
  case notYetValid(path: String, until: WallTime)
  /// The certificate is about to expire.
  case expiresSoon(path: String, at: WallTime)
  /// A certificate of the file is not followed by its issuer's; some clients cannot follow that.
  case chainOutOfOrder(path: String, position: Int)
  /// The certificate has no name of a host, so clients will refuse it.
  case noHost(path: String)
  /// A host is in two certificates; the first is shown.
  case hostTwice(host: String, path: String)
  /// No client's certificate of this authority is taken any more: a newer list is due.
  case revocationsOutdated(path: String, since: WallTime)

  /// How long before its end a certificate is spoken of.
  public static var soonSeconds: Int64 { 14 * 86_400 }

  /// The notice for a person.
  public var description: String {
    switch self {
    case .expired(let path, let time): "the certificate in \(path) has expired at \(time.rfc3339): clients refuse it"
    case .notYetValid(let path, let time):
      "the certificate in \(path) is not valid before \(time.rfc3339): clients refuse it"
    case .expiresSoon(let path, let time): "the certificate in \(path) expires at \(time.rfc3339): renew it"
    case .chainOutOfOrder(let path, let position):
      "\(path): certificate \(position) did not issue the one before it: clients may not find the way to an authority"
    case .noHost(let path):
      "the certificate in \(path) has no subject alternative name of a host: clients refuse it"
    case .hostTwice(let host, let path): "\(path): there is another certificate for \(host), and it comes first"
    case .revocationsOutdated(let path, let time):
      "a list in \(path) was due for renewal at \(time.rfc3339): clients of its authority are refused"
    }
  }
}
