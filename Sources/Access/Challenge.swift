// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// How a client that lacks credentials is asked for them.
public enum Challenge: Sendable, Hashable {
  /// `Basic realm="…"` (RFC 7617).
  case basic(realm: String)
  /// `Bearer realm="…",service="…"`, with the scope of the request.
  case bearer(realm: String, service: String)
  /// The same; with a path, the realm is that path on the host that the client asked for.
  case token(realm: String, service: String, redirectPath: String?)
  /// The same, where the realm is this registry's own place for tokens.
  case ownTokens(service: String)
}
