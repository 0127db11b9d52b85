// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

public import GantryCryptography

/// Why a token lets nobody in. For the log: a client is told only that its token is not valid.
public enum TokenFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// It has more bytes than a token may have.
  case tooLong(bytesMax: Int)
  /// It is not three parts in base 64.
  case malformed
  /// A part is no JSON, or says something twice, or has a member of the wrong form.
  case member(String)
  /// It is signed in a way that is not taken, or not at all.
  case algorithm(String)
  /// Its header names extensions that must be understood.
  case critical
  /// Its header names no key.
  case keyMissing
  /// The key that it names is none of the trusted ones.
  case keyUnknown(String)
  /// The certificates in its header lead to no trusted key.
  case certificates(KeyError)
  /// The certificate in its header holds another key than the header itself.
  case keyContradiction
  /// The signature is not that of the key.
  case signature
  /// It comes from somebody else.
  case issuer(String)
  /// It is meant for somebody else.
  case audience
  /// It does not count any more.
  case expired
  /// It does not count yet.
  case early

  /// What is wrong, for a person. Holds nothing of a token that would let somebody in.
  public var description: String {
    switch self {
    case .tooLong(let bytesMax): "the token has more than \(bytesMax) bytes"
    case .malformed: "the token is malformed"
    case .member(let text): "the token is malformed: \(text)"
    case .algorithm(let name): "the token's algorithm \"\(Self.shown(name))\" is not taken"
    case .critical: "the token's header has extensions that are not understood"
    case .keyMissing: "the token's header has neither x5c, nor jwk, nor kid"
    case .keyUnknown(let id): "the token's key \"\(Self.shown(id))\" is not trusted"
    case .certificates(let error): "the token's x5c: \(error)"
    case .keyContradiction: "the token's jwk and its certificate hold different keys"
    case .signature: "the token's signature is wrong"
    case .issuer(let name): "the token's issuer is \"\(Self.shown(name))\""
    case .audience: "the token's audience is another service"
    case .expired: "the token has expired"
    case .early: "the token is not valid yet"
    }
  }

  private static func shown(_ text: String) -> String {
    String(text.unicodeScalars.prefix(64).map { $0.properties.generalCategory == .control ? " " : Character($0) })
  }
}
