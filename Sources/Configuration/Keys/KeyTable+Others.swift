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
      KeyEntry("health", .section, noHealth),
      KeyEntry("health.storagedriver", .section, noHealth),
      KeyEntry("health.file", .list, noHealth, variablePart: "FILECHECKERS"),
      KeyEntry("health.file[]", .section, noHealth),
      KeyEntry("health.http", .list, noHealth, variablePart: "HTTPCHECKERS"),
      KeyEntry("health.http[]", .section, noHealth),
      KeyEntry("health.http[].headers", .table, noHealth, isSecret: true),
      KeyEntry("health.tcp", .list, noHealth, variablePart: "TCPCHECKERS"),
      KeyEntry("health.tcp[]", .section, noHealth),
    ]
    + keys(
      under: "health.storagedriver", noHealth, named: [.bool: "enabled", .duration: "interval", .integer: "threshold"])
    + keys(under: "health.file[]", noHealth, named: [.text: "file", .duration: "interval"])
    + keys(
      under: "health.http[]", noHealth,
      named: [.text: "uri", .integer: "statuscode threshold", .duration: "timeout interval"])
    + keys(
      under: "health.tcp[]", noHealth, named: [.text: "addr", .integer: "threshold", .duration: "timeout interval"])

  private static let middleware = KeyEntry.Status.refused(
    "middleware is not served yet; data would take another way than configured")
  private static let proxy = KeyEntry.Status.refused(
    "mirroring another registry is not served yet; pulls would find nothing")
  private static let events = KeyEntry.Status.refused(
    "notifications are not sent yet; whoever relies on them would miss every event")
  private static let noRedis = KeyEntry.Status.ignored("Redis is not used; what it would hold is kept in memory")
  private static let noHealth = KeyEntry.Status.ignored("health checks are not run until there is a debug server")
}
