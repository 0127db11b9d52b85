// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import GantryOCI

/// A key that tokens are checked with, and the names that it is known by.
struct SigningKey: Sendable {
  enum Form: Sendable {
    case publicKey(PublicKey)
    /// A secret that both sides have.
    case secret([UInt8])
  }

  let form: Form
  /// The one algorithm that it is for; nil: whatever fits its kind.
  let algorithm: String?
  /// Its names: the one it was given, its thumbprints and its fingerprint.
  let names: [String]

  init(_ key: PublicKey, name: String? = nil, algorithm: String? = nil) {
    form = .publicKey(key)
    self.algorithm = algorithm
    names = (name.map { [$0] } ?? []) + KeyNames.names(of: key)
  }

  private init(_ secret: [UInt8], name: String, algorithm: String?) {
    form = .secret(secret)
    self.algorithm = algorithm
    names = [name]
  }

  /// Reads a JSON Web Key (RFC 7517). Nil when it is there for something else than signatures.
  init?(_ value: JSONValue) throws(TokenFault) {
    let members = try JSONMembers(value, "the key")
    if let use = try members.text("use"), use != "sig" { return nil }
    if let uses = try members.texts("key_ops"), !uses.contains("verify"), !uses.contains("sign") { return nil }
    let (name, algorithm) = (try members.text("kid"), try members.text("alg"))
    if try members.text("kty") == "oct" {
      guard let secret = try members.bytes("k") else { throw .member("the key has no k") }
      guard let name else { throw .member("a secret without a kid cannot be named by any token") }
      self.init(secret, name: name, algorithm: algorithm)
    } else {
      self.init(try Self.publicKey(members), name: name, algorithm: algorithm)
    }
  }

  /// The public key of a JSON Web Key, whatever else it holds.
  static func publicKey(_ members: JSONMembers) throws(TokenFault) -> PublicKey {
    let (kind, curve) = (try members.text("kty") ?? "", try members.text("crv") ?? "")
    func part(_ name: String) throws(TokenFault) -> [UInt8] {
      guard let bytes = try members.bytes(name) else { throw .member("the key has no \(name)") }
      return bytes
    }
    let material: PublicKey.Material
    switch (kind, curve) {
    case ("RSA", _): material = .rsa(modulus: try part("n"), exponent: try part("e"))
    case ("EC", "P-256"): material = .elliptic(.p256, x: try part("x"), y: try part("y"))
    case ("EC", "P-384"): material = .elliptic(.p384, x: try part("x"), y: try part("y"))
    case ("EC", "P-521"): material = .elliptic(.p521, x: try part("x"), y: try part("y"))
    case ("OKP", "Ed25519"): material = .ed25519(try part("x"))
    default: throw .member("a key of kind \"\(kind.prefix(16)) \(curve.prefix(16))\" is not supported")
    }
    do { return try PublicKey(material) } catch { throw .member("\(error)") }
  }

  /// Whether this is the signature of the bytes. Never with an algorithm that the key is not for: a public key is no
  /// secret, and a secret is as long as its hash at least (RFC 7518 section 3.2).
  func verifies(_ signature: [UInt8], of bytes: [UInt8], by algorithm: SignatureAlgorithm) -> Bool {
    if let own = self.algorithm, own != algorithm.rawValue { return false }
    switch form {
    case .publicKey(let key): return key.verifies(signature, of: bytes, by: algorithm)
    case .secret(let secret):
      let least =
        switch algorithm {
        case .hs256: 32
        case .hs384: 48
        case .hs512: 64
        default: Int.max
        }
      return secret.count >= least && isMessageAuthenticated(bytes, by: signature, secret: secret, algorithm)
    }
  }
}
