// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Why a text is no hash that is compared with.
public enum BcryptError: Error, Sendable, Hashable, CustomStringConvertible {
  /// It is of another function: MD5, SHA-1, crypt, or clear text.
  case otherFunction
  /// It begins like bcrypt, but is cut, too long, or holds what bcrypt's digits do not.
  case malformed
  /// Its cost would hold a thread for too long.
  case tooExpensive(cost: Int)

  /// What is wrong, for a person. Never holds a part of the hash.
  public var description: String {
    switch self {
    case .otherFunction: "the password is not hashed with bcrypt; make it anew with htpasswd -B"
    case .malformed: "the bcrypt hash is cut or malformed; make it anew with htpasswd -B"
    case .tooExpensive(let cost):
      "the bcrypt cost \(cost) is above \(BcryptHash.costMax); make it anew with htpasswd -B"
    }
  }
}
