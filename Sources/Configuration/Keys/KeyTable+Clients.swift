// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension KeyTable {
  /// The limits of one client; the reasons are in docs/CONFIGURATION.md.
  static let clientLimits: [KeyEntry] = [
    KeyEntry("http.clientlimits", .section, .served, .gantry),
    KeyEntry("http.clientlimits.address", .section, .served, .gantry),
    limit(
      "address.rate", .integer, "0",
      "Requests per second that one address may make in the long run; further ones get 429. 0 sets no limit."),
    limit("address.burst", .integer, "0", "Requests that it may make at once after a rest; 0 means 10 s of its rate."),
    limit("address.concurrent", .integer, "0", "Its requests that are under way at once. 0 sets no limit."),
    limit(
      "address.connections", .integer, "1024",
      "Connections that one address may have open; further ones are closed at once. 0 sets no limit."),
    KeyEntry("http.clientlimits.user", .section, .served, .gantry),
    limit("user.rate", .integer, "0", "Requests per second that one user may make, whatever the addresses."),
    limit("user.burst", .integer, "0", "Requests that a user may make at once after a rest; 0 means 10 s of its rate."),
    limit("user.concurrent", .integer, "0", "A user's requests that are under way at once. 0 sets no limit."),
    limit(
      "failedlogins", .integer, "30",
      "Wrong passwords that one address may try in a minute; then 429 until the next. 0 sets no limit."),
    limit("exempt", .texts, "none", "Addresses and ranges (`10.0.0.0/8`) for which there are no limits of requests."),
    limit(
      "trustedproxies", .texts, "[127.0.0.0/8, '::1', unix]",
      "Proxies whose `X-Forwarded-For` tells the client's address; `unix` is whoever comes through a unix socket. With `http.tls` none by default."
    ),
  ]

  private static func limit(_ name: String, _ kind: KeyEntry.Kind, _ fallback: String, _ summary: String) -> KeyEntry {
    KeyEntry("http.clientlimits.\(name)", kind, .served, .gantry, fallback: fallback, summary)
  }
}
