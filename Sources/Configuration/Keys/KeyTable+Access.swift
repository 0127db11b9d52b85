// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension KeyTable {
  static let access: [KeyEntry] =
    [
      KeyEntry("auth", .table),
      KeyEntry("auth.none", .table),
      KeyEntry("auth.silly", .table),
      KeyEntry(
        "auth.silly.realm", .text, fallback: "required",
        "For tests: whoever sends an `Authorization` header, with whatever in it, is the user `silly`."),
      KeyEntry("auth.silly.service", .text, fallback: "required", "The service named in the challenge of `silly`."),
      KeyEntry("auth.htpasswd", .table),
      KeyEntry("auth.htpasswd.realm", .text, fallback: "required", "The realm that clients are shown."),
      KeyEntry(
        "auth.htpasswd.path", .text, fallback: "required",
        "File of names and bcrypt hashes (`htpasswd -B`). Read again when it changes; made with one user when missing."
      ),
      KeyEntry("auth.token", .table),
    ]
    + token + rules

  private static let token: [KeyEntry] = [
    KeyEntry("auth.token.realm", .text, fallback: "required", "The URL where clients ask for tokens."),
    KeyEntry("auth.token.service", .text, fallback: "required", "This registry's name, which tokens have as audience."),
    KeyEntry("auth.token.issuer", .text, fallback: "required", "The issuer that tokens must name."),
    KeyEntry(
      "auth.token.rootcertbundle", .text, fallback: "none",
      "PEM file of certificates: tokens are signed with their keys, or with keys of chains to them. Read again when it changes."
    ),
    KeyEntry(
      "auth.token.jwks", .text, .served, .v3, fallback: "none",
      "JSON file of keys (RFC 7517) that tokens are signed with. Read again when it changes."),
    KeyEntry(
      "auth.token.autoredirect", .bool, fallback: "false",
      "Clients ask for tokens on the host that they asked us by, not at `realm`."),
    KeyEntry(
      "auth.token.autoredirectpath", .text, .served, .v3, fallback: "/auth/token",
      "The path there, when `autoredirect` is on."),
    KeyEntry(
      "auth.token.signingalgorithms", .texts, .served, .v3, fallback: "all",
      "Which of EdDSA, HS256/384/512, RS256/384/512, ES256/384/512 and PS256/384/512 are taken."),
  ]

  private static let rules: [KeyEntry] = [
    KeyEntry("access", .section, .served, .gantry),
    KeyEntry(
      "access.groupfile", .text, .served, .gantry, fallback: "none",
      "File of groups, in Apache's form `group: user user`. Read again when it changes."),
    KeyEntry("access.rules", .list, .served, .gantry),
    KeyEntry("access.rules[]", .section, .served, .gantry),
    KeyEntry(
      "access.rules[].who", .texts, .served, .gantry, fallback: "required",
      "Any of `anonymous` (everybody, logged in or not), `users` (whoever has logged in), `user:NAME`, `group:NAME`, "
        + "`certificates` (whoever shows a client certificate that is trusted), `certificate:NAME`."),
    KeyEntry(
      "access.rules[].actions", .texts, .served, .gantry, fallback: "required",
      "What is granted: any of `pull`, `push`, `delete`, `catalog`."),
    KeyEntry(
      "access.rules[].repositories", .texts, .served, .gantry, fallback: "none",
      "Patterns; the rule is about repositories that match one. Not set: all of them."),
    KeyEntry(
      "access.rules[].immutabletags", .texts, .served, .gantry, fallback: "none",
      "Instead of `who` and `actions`: patterns of tags that nobody may move or remove once they are set."),
  ]
}
