// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryOCI
import GantryWorld

/// What a token says, once its signature was found right.
struct VerifiedToken: Sendable {
  /// What clocks may differ by, in seconds: as in Distribution.
  static let leeway: Int64 = 60
  /// The longest name of a user: names are kept and logged.
  private static let nameBytesMax = 1024

  /// The user; nil when it names none.
  let name: String?
  let grants: TokenGrants
  /// Seconds since 1970.
  private let notBefore: Int64
  private let expiry: Int64

  /// Judges the claims. Without `exp` a token has expired; `iat` and `jti` must have their forms and mean nothing.
  init(_ claims: JSONMembers, of method: TokenMethod, at now: WallTime) throws(TokenFault) {
    let issuer = try claims.text("iss") ?? ""
    guard issuer.isExactly(method.issuer) else { throw .issuer(issuer) }
    let audiences: [String]
    if case .string(let one) = claims.value("aud") {
      audiences = [one]
    } else {
      audiences = try claims.texts("aud") ?? []
    }
    guard audiences.contains(where: { $0.isExactly(method.service) }) else { throw .audience }
    (expiry, notBefore) = (try claims.seconds("exp") ?? 0, try claims.seconds("nbf") ?? 0)
    _ = try claims.seconds("iat")
    _ = try claims.text("jti")
    let subject = try claims.text("sub") ?? ""
    guard subject.utf8.count <= Self.nameBytesMax else { throw .member("sub has more than \(Self.nameBytesMax) bytes") }
    name = subject.isEmpty ? nil : subject
    grants = try TokenGrants(claims.value("access"))
    if let fault = fault(at: now) { throw fault }
  }

  /// Why it does not count at that time; nil when it does.
  func fault(at now: WallTime) -> TokenFault? {
    let (end, endsNever) = expiry.addingReportingOverflow(Self.leeway)
    if !endsNever, now > WallTime(seconds: end) { return .expired }
    let (start, startedEver) = notBefore.subtractingReportingOverflow(Self.leeway)
    if !startedEver, now < WallTime(seconds: start) { return .early }
    return nil
  }
}
