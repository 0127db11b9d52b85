// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The `auth` section: how callers prove who they are.
public enum AuthSettings: Sendable, Equatable {
  /// Nobody is asked.
  case none
  /// `auth.silly`: whoever sends an Authorization field is the user `silly`; for tests.
  case silly(realm: String, service: String)
  /// `auth.htpasswd`: the realm that clients are shown, and the file of names and bcrypt hashes.
  case htpasswd(realm: String, path: String)
  /// `auth.token`: tokens that somebody else gives out.
  case token(TokenSettings)
}
