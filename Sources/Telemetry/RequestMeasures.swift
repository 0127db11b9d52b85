// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// What exchanges came to: a value that adds up over loops and writes itself as Distribution's metrics.
public struct RequestMeasures: Sendable {
  /// The routes, methods and statuses that are told apart. Made once, and shared by all loops.
  public struct Table: Sendable {
    /// The values of the label `handler`.
    public let routes: [String]
    /// The values of the label `method`.
    public let methods: [String]
    /// The statuses that have a label of their own, ascending; all others are `other`.
    public let statuses: [UInt16]
    /// By status, the index into `statuses`, or its count.
    let statusIndex: [UInt8]

    /// Makes a table of at most 250 statuses.
    public init(routes: [String], methods: [String], statuses: [UInt16]) {
      precondition(statuses.count <= 250 && statuses.allSatisfy { $0 < 1000 }, "statuses have three digits")
      self.routes = routes
      self.methods = methods
      self.statuses = statuses
      var index = [UInt8](repeating: UInt8(statuses.count), count: 1000)
      for (position, status) in statuses.enumerated() { index[Int(status)] = UInt8(position) }
      statusIndex = index
    }

    func index(of status: UInt16) -> Int { status < 1000 ? Int(statusIndex[Int(status)]) : statuses.count }
  }

  /// Requests under way, by route.
  public internal(set) var inFlight: [Int]
  /// Exchanges by route, method and status, in one row: bounded however clients behave.
  private var totals: [UInt64]
  /// Durations by route and method.
  private var durations: [Histogram]
  private var requestSizes: [Histogram]
  private var responseSizes: [Histogram]
  /// Bytes of bodies that were taken from clients.
  public internal(set) var receivedBytes: UInt64 = 0
  /// Bytes of bodies that clients took.
  public internal(set) var sentBytes: UInt64 = 0
  /// Requests whose credentials were wrong or expired.
  public internal(set) var refusedCredentials: UInt64 = 0
  /// Requests for what their caller may not do.
  public internal(set) var refusedPermission: UInt64 = 0
  /// Requests of those who have to wait before another of their passwords is looked at.
  public internal(set) var refusedSlowed: UInt64 = 0
  /// Bytes that were no request.
  public internal(set) var malformed: UInt64 = 0

  /// Nothing yet.
  public init(_ table: Table) {
    let (routes, methods) = (table.routes.count, table.methods.count)
    inFlight = Array(repeating: 0, count: routes)
    totals = Array(repeating: 0, count: routes * methods * (table.statuses.count + 1))
    durations = Array(repeating: Histogram(.requestSeconds), count: routes * methods)
    requestSizes = Array(repeating: Histogram(.sizeBytes), count: routes)
    responseSizes = requestSizes
  }

  mutating func record(_ exchange: RequestMeters.Exchange, _ table: Table) {
    let series = exchange.route * table.methods.count + exchange.method
    totals[series * (table.statuses.count + 1) + table.index(of: exchange.status)] &+= 1
    durations[series].record(exchange.nanoseconds)
    requestSizes[exchange.route].record(exchange.requestBytes)
    responseSizes[exchange.route].record(exchange.responseBytes)
    sentBytes &+= exchange.responseBytes
  }

  /// Adds what another loop counted by the same table.
  public mutating func add(_ other: RequestMeasures) {
    for index in inFlight.indices { inFlight[index] += other.inFlight[index] }
    for index in totals.indices { totals[index] &+= other.totals[index] }
    for index in durations.indices { durations[index].add(other.durations[index]) }
    for index in requestSizes.indices {
      requestSizes[index].add(other.requestSizes[index])
      responseSizes[index].add(other.responseSizes[index])
    }
    receivedBytes &+= other.receivedBytes
    sentBytes &+= other.sentBytes
    refusedCredentials &+= other.refusedCredentials
    refusedPermission &+= other.refusedPermission
    refusedSlowed &+= other.refusedSlowed
    malformed &+= other.malformed
  }

  /// Writes the families under Distribution's names, and our own. Series that never counted are left out; those of
  /// requests in flight are always there.
  public func write(to text: inout MetricsText, _ table: Table) {
    text.family("registry_http_in_flight_requests", .gauge, "The in-flight HTTP requests.")
    for (route, count) in zip(table.routes, inFlight) { text.sample(Double(count), ["handler": route]) }
    text.family("registry_http_requests_total", .counter, "Total number of HTTP requests made.")
    for series in durations.indices {
      let (route, method) = names(of: series, table)
      for status in 0...table.statuses.count {
        let count = totals[series * (table.statuses.count + 1) + status]
        guard count > 0 else { continue }
        let code = status < table.statuses.count ? String(table.statuses[status]) : "other"
        text.sample(count, ["code": code, "handler": route, "method": method])
      }
    }
    text.family("registry_http_request_duration_seconds", .histogram, "The HTTP request latencies in seconds.")
    for series in durations.indices where durations[series].count > 0 {
      let (route, method) = names(of: series, table)
      text.sample(durations[series], ["handler": route, "method": method])
    }
    for (name, help, sizes) in [
      ("registry_http_request_size_bytes", "The HTTP request sizes in bytes.", requestSizes),
      ("registry_http_response_size_bytes", "The HTTP response sizes in bytes.", responseSizes),
    ] {
      text.family(name, .histogram, help)
      for (route, histogram) in zip(table.routes, sizes) where histogram.count > 0 {
        text.sample(histogram, ["handler": route])
      }
    }
    text.family("gantry_http_received_bytes_total", .counter, "Bytes of request bodies taken from clients.")
    text.sample(receivedBytes)
    text.family("gantry_http_sent_bytes_total", .counter, "Bytes of response bodies taken by clients.")
    text.sample(sentBytes)
    text.family("gantry_http_malformed_total", .counter, "Bytes that came and were no request.")
    text.sample(malformed)
    text.family("gantry_access_refused_total", .counter, "Requests that were not let in, by reason.")
    text.sample(refusedCredentials, ["reason": "credentials"])
    text.sample(refusedPermission, ["reason": "permission"])
    text.sample(refusedSlowed, ["reason": "slowed"])
  }

  private func names(of series: Int, _ table: Table) -> (route: String, method: String) {
    (table.routes[series / table.methods.count], table.methods[series % table.methods.count])
  }
}
