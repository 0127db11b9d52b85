// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI
import GantryWorld

/// Judges tokens. Blocks for the work of a signature or of a chain of them: for a worker.
struct TokenVerifier: Sendable {
  let method: TokenMethod
  let keys: TokenKeys

  /// What the token says, if a trusted key has signed it and it counts here and now.
  func verified(_ text: String, at now: WallTime) throws(TokenFault) -> VerifiedToken {
    let token = try TokenText(parsing: text)
    let name = try token.header.text("alg") ?? ""
    guard let algorithm = SignatureAlgorithm(rawValue: name), method.algorithms.contains(algorithm) else {
      throw .algorithm(name)
    }
    guard !token.header.holds("crit") else { throw .critical }
    let candidates = try candidates(token.header, at: now)
    guard candidates.contains(where: { $0.verifies(token.signature, of: token.signed, by: algorithm) }) else {
      throw .signature
    }
    return try VerifiedToken(token.claims, of: method, at: now)
  }

  /// The trusted keys that the header speaks of: by a chain of certificates, else by the key itself, else by a name.
  /// What the header holds is never a key by itself. Without roots a chain says nothing, and is passed over.
  private func candidates(_ header: JSONMembers, at now: WallTime) throws(TokenFault) -> [SigningKey] {
    if let anchors = keys.anchors, let chain = try header.texts("x5c"), !chain.isEmpty {
      return [SigningKey(try key(of: chain, anchors, at: now))]
    }
    if let value = header.value("jwk") {
      let members = try JSONMembers(value, "jwk")
      let own = try SigningKey.publicKey(members)
      if let anchors = keys.anchors, let chain = try members.texts("x5c"), !chain.isEmpty {
        let leaf = try key(of: chain, anchors, at: now)
        guard leaf.material == own.material else { throw .keyContradiction }
        return [SigningKey(leaf)]
      }
      let equal = keys.keys(equalTo: own)
      guard !equal.isEmpty else { throw .keyUnknown(try members.text("kid") ?? KeyNames.thumbprint(of: own)) }
      return equal
    }
    guard let name = try header.text("kid"), !name.isEmpty else { throw .keyMissing }
    let named = keys.keys(named: name)
    guard !named.isEmpty else { throw .keyUnknown(name) }
    return named
  }

  private func key(
    of chain: [String], _ anchors: TrustAnchors, at now: WallTime
  ) throws(TokenFault) -> PublicKey {
    do throws(KeyError) {
      guard chain.count <= TrustAnchors.chainMax else { throw .chainLength(chain.count) }
      var certificates: [[UInt8]] = []
      for text in chain {
        guard let bytes = Credentials.base64(text[...]) else { throw .malformedCertificate }
        certificates.append(bytes)
      }
      return try anchors.key(ofChain: certificates, at: now.seconds)
    } catch {
      throw .certificates(error)
    }
  }
}
