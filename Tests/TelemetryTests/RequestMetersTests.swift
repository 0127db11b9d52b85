// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryTelemetry
import Testing

@Suite("Counting exchanges")
struct RequestMetersTests {
  static let table = RequestMeasures.Table(routes: ["base", "blob"], methods: ["get", "other"], statuses: [200, 404])

  private func page(_ measures: RequestMeasures) -> [Substring] {
    var text = MetricsText()
    measures.write(to: &text, Self.table)
    return String(decoding: text.bytes, as: UTF8.self).split(separator: "\n")
  }

  @Test func loopsAddUpUnderDistributionsNames() {
    let loops = [RequestMeters(Self.table), RequestMeters(Self.table)]
    for meter in loops {
      meter.began(route: 1)
      meter.ended(
        RequestMeters.Exchange(
          route: 1, method: 0, status: 200, requestBytes: 40, responseBytes: 2000, nanoseconds: 7_000_000))
    }
    loops[0].began(route: 0)
    loops[1].received(17)
    loops[1].refusedCredentials()
    var sum = RequestMeasures(Self.table)
    for meter in loops { sum.add(meter.measures) }
    let lines = page(sum)
    for expected in [
      "registry_http_in_flight_requests{handler=\"base\"} 1",
      "registry_http_in_flight_requests{handler=\"blob\"} 0",
      "registry_http_requests_total{code=\"200\",handler=\"blob\",method=\"get\"} 2",
      "registry_http_request_duration_seconds_bucket{handler=\"blob\",method=\"get\",le=\"0.005\"} 0",
      "registry_http_request_duration_seconds_bucket{handler=\"blob\",method=\"get\",le=\"0.01\"} 2",
      "registry_http_request_duration_seconds_sum{handler=\"blob\",method=\"get\"} 0.014",
      "registry_http_request_size_bytes_bucket{handler=\"blob\",le=\"1024\"} 2",
      "registry_http_response_size_bytes_bucket{handler=\"blob\",le=\"1024\"} 0",
      "registry_http_response_size_bytes_sum{handler=\"blob\"} 4000",
      "gantry_http_received_bytes_total 17", "gantry_http_sent_bytes_total 4000",
      "gantry_access_refused_total{reason=\"credentials\"} 1", "gantry_access_refused_total{reason=\"permission\"} 0",
      "gantry_access_refused_total{reason=\"slowed\"} 0",
    ] {
      #expect(lines.contains(expected[...]), "missing: \(expected)\n\(lines.joined(separator: "\n"))")
    }
  }

  @Test func nothingThatClientsSendAddsASeries() {
    let meter = RequestMeters(Self.table)
    for status in UInt16(100)..<1200 {
      meter.began(route: 0)
      meter.ended(
        RequestMeters.Exchange(
          route: 0, method: 1, status: status, requestBytes: 0, responseBytes: 0, nanoseconds: 0))
    }
    let totals = page(meter.measures).filter { $0.hasPrefix("registry_http_requests_total{") }
    #expect(
      totals == [
        "registry_http_requests_total{code=\"200\",handler=\"base\",method=\"other\"} 1",
        "registry_http_requests_total{code=\"404\",handler=\"base\",method=\"other\"} 1",
        "registry_http_requests_total{code=\"other\",handler=\"base\",method=\"other\"} 1098",
      ])
  }
}
