// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension KeyTable {
  static let general: [KeyEntry] = [
    KeyEntry("version", .text, fallback: "required", "The version of the format; must be `0.1`."),
    KeyEntry(
      "loglevel", .text, fallback: "info", "Older name of `log.level`; used only when that one is not set."),
    KeyEntry("catalog", .section),
    KeyEntry(
      "catalog.maxentries", .integer, fallback: "1000",
      "The longest page of `_catalog`. A larger `n` gets a page of this length and a Link to the next."),
    KeyEntry("tags", .section, .served, .v3),
    KeyEntry(
      "tags.maxtags", .integer, .served, .v3, fallback: "1000",
      "The longest page of `tags/list` when `n` is given. A larger `n` gets this length and a Link to the next."),
  ]

  static let log: [KeyEntry] =
    [
      KeyEntry("log", .section),
      KeyEntry(
        "log.level", .text, fallback: "info", "The least severe level written: `error`, `warn`, `info` or `debug`."),
      KeyEntry("log.formatter", .text, fallback: "text", "The form of a line: `text`, `json` or `logstash`."),
      KeyEntry("log.fields", .table),
      KeyEntry("log.fields.*", .text, fallback: "none", "A field added to every line."),
      KeyEntry("log.accesslog", .section),
      KeyEntry(
        "log.accesslog.disabled", .bool, fallback: "false",
        "No access log. Otherwise it goes to standard output in combined format, all other lines to standard error."),
      KeyEntry(
        "log.reportcaller", .bool, .served, .v3, fallback: "false", "Each line names the source location that wrote it."
      ),
      KeyEntry("log.audit", .section, .served, .gantry),
      KeyEntry(
        "log.audit.file", .text, .served, .gantry, fallback: "none",
        "File that the trail of pushes, deletions and denials is appended to, or `stdout`."),
      KeyEntry("log.hooks", .list, hooks),
      KeyEntry("log.hooks[]", .section, hooks),
      KeyEntry("log.hooks[].levels", .texts, hooks),
      KeyEntry("log.hooks[].options", .section, hooks, variablePart: "MAILOPTIONS"),
      KeyEntry("log.hooks[].options.smtp", .section, hooks),
      KeyEntry("log.hooks[].options.smtp.password", .text, hooks, isSecret: true),
      KeyEntry("log.hooks[].options.to", .texts, hooks),
    ]
    + keys(under: "log.hooks[]", hooks, named: [.bool: "disabled", .text: "type"])
    + keys(under: "log.hooks[].options", hooks, named: [.text: "from"])
    + keys(under: "log.hooks[].options.smtp", hooks, named: [.text: "addr username", .bool: "insecure"])

  static let validation: [KeyEntry] = [
    KeyEntry("validation", .section),
    KeyEntry("validation.disabled", .bool, fallback: "false", "Skip the checks of this section."),
    KeyEntry(
      "validation.enabled", .bool,
      .ignored("it is deprecated and never switched the checks off; use validation.disabled")),
    KeyEntry("validation.manifests", .section),
    KeyEntry("validation.manifests.urls", .section),
    KeyEntry(
      "validation.manifests.urls.allow", .texts, fallback: "none",
      "Regular expressions; when there are any, each URL of a layer must match one of them."),
    KeyEntry(
      "validation.manifests.urls.deny", .texts, fallback: "none",
      "Regular expressions; a layer with a URL that matches one of them is refused."),
    KeyEntry("validation.manifests.indexes", .section, .served, .v3),
    KeyEntry(
      "validation.manifests.indexes.platforms", .text, .served, .v3, fallback: "all",
      "The images of an index that must be present when it is pushed: `all`, `none`, or those of `list`."),
    KeyEntry("validation.manifests.indexes.platformlist", .list, .served, .v3),
    KeyEntry("validation.manifests.indexes.platformlist[]", .section, .served, .v3),
    KeyEntry(
      "validation.manifests.indexes.platformlist[].architecture", .text, .served, .v3, fallback: "required",
      "Architecture of a platform of the list, as in an image index (`amd64`)."),
    KeyEntry(
      "validation.manifests.indexes.platformlist[].os", .text, .served, .v3, fallback: "required",
      "Operating system of a platform of the list (`linux`)."),
  ]

  static let other: [KeyEntry] =
    [
      KeyEntry("policy", .section, policy),
      KeyEntry("policy.repository", .section, policy),
      KeyEntry("policy.repository.classes", .texts, policy),
      KeyEntry("compatibility", .section, schema1, .v2),
      KeyEntry("compatibility.schema1", .section, schema1, .v2),
      KeyEntry("compatibility.schema1.signingkeyfile", .text, schema1, .v2, variablePart: "TRUSTKEY"),
      KeyEntry("compatibility.schema1.enabled", .bool, schema1, .v2),
      KeyEntry("reporting", .section, reporting, .v2),
      KeyEntry("reporting.bugsnag", .section, reporting, .v2),
      KeyEntry("reporting.bugsnag.apikey", .text, reporting, .v2, isSecret: true),
      KeyEntry("reporting.newrelic", .section, reporting, .v2),
      KeyEntry("reporting.newrelic.licensekey", .text, reporting, .v2, isSecret: true),
    ]
    + keys(under: "reporting.bugsnag", reporting, .v2, named: [.text: "releasestage endpoint"])
    + keys(under: "reporting.newrelic", reporting, .v2, named: [.text: "name", .bool: "verbose"])

  private static let hooks = KeyEntry.Status.ignored("log lines are not sent by mail")
  private static let policy = KeyEntry.Status.ignored("repositories of every class are accepted")
  private static let schema1 = KeyEntry.Status.ignored("schema 1 manifests are never signed or accepted")
  private static let reporting = KeyEntry.Status.ignored("nothing is reported to outside services")
}
