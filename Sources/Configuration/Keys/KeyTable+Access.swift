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
      KeyEntry("auth.token", .table, token),
      KeyEntry("auth.token.signingalgorithms", .texts, token, .v3),
    ]
    + keys(
      under: "auth.token", token,
      named: [.text: "realm service issuer rootcertbundle", .bool: "autoredirect"])
    + keys(under: "auth.token", token, .v3, named: [.text: "autoredirectpath jwks"])
    + rules

  private static let rules: [KeyEntry] = [
    KeyEntry("access", .section, .served, .gantry),
    KeyEntry(
      "access.groupfile", .text, .served, .gantry, fallback: "none",
      "File of groups, in Apache's form `group: user user`. Read again when it changes."),
    KeyEntry("access.rules", .list, .served, .gantry),
    KeyEntry("access.rules[]", .section, .served, .gantry),
    KeyEntry(
      "access.rules[].who", .texts, .served, .gantry, fallback: "required",
      "Any of `anonymous` (everybody, logged in or not), `users` (whoever has logged in), `user:NAME`, `group:NAME`."),
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

  private static let token = KeyEntry.Status.refused(
    "token authentication is not served yet; the registry would let everybody in")
}
