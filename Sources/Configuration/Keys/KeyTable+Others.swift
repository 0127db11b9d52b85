// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

extension KeyTable {
  static let elsewhere: [KeyEntry] =
    [
      KeyEntry("middleware", .table, middleware),
      KeyEntry("middleware.*", .list, middleware),
      KeyEntry("middleware.*[]", .section, middleware),
      KeyEntry("middleware.*[].options", .table, middleware),
      KeyEntry("proxy", .section, proxy),
      KeyEntry("proxy.password", .text, proxy, isSecret: true),
      KeyEntry("proxy.exec", .section, proxy, .v3),
    ]
    + keys(under: "middleware.*[]", middleware, named: [.text: "name", .bool: "disabled"])
    + keys(under: "proxy", proxy, named: [.text: "remoteurl username"])
    + keys(under: "proxy", proxy, .v3, named: [.duration: "ttl cachewritetimeout"])
    + keys(under: "proxy.exec", proxy, .v3, named: [.text: "command", .duration: "lifetime"])

  static let notifications: [KeyEntry] =
    [
      KeyEntry("notifications", .section, events),
      KeyEntry("notifications.events", .section, events, variablePart: "EVENTCONFIG"),
      KeyEntry("notifications.events.includereferences", .bool, events),
      KeyEntry("notifications.endpoints", .list, events),
      KeyEntry("notifications.endpoints[]", .section, events),
      KeyEntry("notifications.endpoints[].headers", .table, events, isSecret: true),
      KeyEntry("notifications.endpoints[].headers.*", .texts, events, isSecret: true),
      KeyEntry("notifications.endpoints[].ignore", .section, events),
    ]
    + keys(
      under: "notifications.endpoints[]", events,
      named: [
        .text: "name url", .bool: "disabled", .duration: "timeout backoff", .integer: "threshold",
        .texts: "ignoredmediatypes",
      ])
    + keys(under: "notifications.endpoints[].ignore", events, named: [.texts: "mediatypes actions"])

  static let redis: [KeyEntry] =
    [
      KeyEntry("redis", .section, noRedis),
      KeyEntry("redis.password", .text, noRedis, isSecret: true),
      KeyEntry("redis.sentinelpassword", .text, noRedis, .v3, isSecret: true),
      KeyEntry("redis.addr", .text, noRedis, .v2),
      KeyEntry("redis.pool", .section, noRedis, .v2),
      KeyEntry("redis.tls", .section, noRedis),
    ]
    + keys(under: "redis.pool", noRedis, .v2, named: [.integer: "maxidle maxactive", .duration: "idletimeout"])
    + keys(under: "redis", noRedis, named: [.integer: "db", .duration: "dialtimeout readtimeout writetimeout"])
    + keys(under: "redis.tls", noRedis, .v2, named: [.bool: "enabled"])
    + keys(under: "redis.tls", noRedis, .v3, named: [.text: "certificate key", .texts: "rootcas"])
    + keys(
      under: "redis", noRedis, .v3,
      named: [
        .texts: "addrs",
        .text: "clientname username sentinelusername mastername identitysuffix",
        .integer: """
        protocol maxretries poolsize minidleconns maxidleconns maxactiveconns maxredirects
        """,
        .duration: "minretrybackoff maxretrybackoff pooltimeout connmaxidletime connmaxlifetime",
        .bool: """
        contexttimeoutenabled poolfifo readonly routebylatency routerandomly disableidentity unstableresp3
        """,
      ])

  static let health: [KeyEntry] =
    [
      KeyEntry("health", .section),
      KeyEntry("health.storagedriver", .section),
      KeyEntry("health.storagedriver.enabled", .bool, fallback: "false", "Look whether the storage answers."),
      KeyEntry("health.storagedriver.interval", .duration, fallback: "10s", "How often."),
      threshold("health.storagedriver"),
      KeyEntry("health.file", .list, variablePart: "FILECHECKERS"),
      KeyEntry("health.file[]", .section),
      KeyEntry(
        "health.file[].file", .text, fallback: "required",
        "A file whose being there takes this registry out of service: `/readyz` and `/debug/health` answer 503."),
      KeyEntry("health.file[].interval", .duration, fallback: "10s", "How often it is looked for."),
      KeyEntry("health.http", .list, variablePart: "HTTPCHECKERS"),
      KeyEntry("health.http[]", .section),
      KeyEntry("health.http[].uri", .text, fallback: "required", "Where a HEAD request is sent; `http` or `https`."),
      KeyEntry("health.http[].headers", .table, isSecret: true),
      KeyEntry(
        "health.http[].headers.*", .texts, fallback: "none", isSecret: true, "A header of the request, with its values."
      ),
      KeyEntry("health.http[].statuscode", .integer, fallback: "200", "The status that is well."),
      KeyEntry("health.tcp", .list, variablePart: "TCPCHECKERS"),
      KeyEntry("health.tcp[]", .section),
      KeyEntry("health.tcp[].addr", .text, fallback: "required", "Where a connection is opened: `host:port`."),
    ]
    + ["health.http[]", "health.tcp[]"].flatMap { list in
      [
        KeyEntry(
          "\(list).timeout", .duration, fallback: "10s", "How long the other end may take; 0 means the default."),
        KeyEntry("\(list).interval", .duration, fallback: "10s", "How often."),
        threshold(list),
      ]
    }

  private static func threshold(_ section: String) -> KeyEntry {
    KeyEntry("\(section).threshold", .integer, fallback: "0", "Failures in a row before the check counts as failed.")
  }

  private static let middleware = KeyEntry.Status.refused(
    "middleware is not served yet; data would take another way than configured")
  private static let proxy = KeyEntry.Status.refused(
    "mirroring another registry is not served yet; pulls would find nothing")
  private static let events = KeyEntry.Status.refused(
    "notifications are not sent yet; whoever relies on them would miss every event")
  private static let noRedis = KeyEntry.Status.ignored("Redis is not used; what it would hold is kept in memory")
}
