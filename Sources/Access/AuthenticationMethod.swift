// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// How callers prove who they are.
public enum AuthenticationMethod: Sendable, Hashable {
  /// Not at all: nobody has a name.
  case none
  /// Distribution's method for tests: whoever sends an Authorization field, with whatever in it, is the user `silly`.
  case silly(realm: String, service: String)
  /// Names and passwords from a file of Apache's `htpasswd`, hashed with bcrypt.
  case htpasswd(realm: String, path: String)
  /// Tokens that somebody else gives out.
  case token(TokenMethod)
}
