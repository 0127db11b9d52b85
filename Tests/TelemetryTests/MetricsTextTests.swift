// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import Testing

@testable import GantryTelemetry

@Suite("Prometheus text format")
struct MetricsTextTests {
  private func text(_ write: (inout MetricsText) -> Void) -> String {
    var text = MetricsText()
    write(&text)
    return String(decoding: text.bytes, as: UTF8.self)
  }

  @Test func familiesAndSamplesExactly() {
    let page = text { text in
      text.family("requests_total", .counter, "How many.")
      text.sample(UInt64(3), ["code": "200", "method": "get"])
      text.sample(UInt64.max, ["code": "500", "method": "put"])
      text.family("lag_seconds", .gauge, "How late.")
      text.sample(0.25)
    }
    #expect(
      page == """
        # HELP requests_total How many.
        # TYPE requests_total counter
        requests_total{code="200",method="get"} 3
        requests_total{code="500",method="put"} 18446744073709551615
        # HELP lag_seconds How late.
        # TYPE lag_seconds gauge
        lag_seconds 0.25

        """)
  }

  @Test func histogramsExactly() {
    var histogram = Histogram(.seconds(microseconds: [5000, 1_000_000]))
    // A value on the bound belongs below it.
    for nanoseconds in [0, 5_000_000, 5_000_001, 1_000_000_000, 2_000_000_000] as [UInt64] {
      histogram.record(nanoseconds)
    }
    let page = text { text in
      text.family("d_seconds", .histogram, "D.")
      text.sample(histogram, ["handler": "base"])
    }
    #expect(
      page == """
        # HELP d_seconds D.
        # TYPE d_seconds histogram
        d_seconds_bucket{handler="base",le="0.005"} 2
        d_seconds_bucket{handler="base",le="1"} 4
        d_seconds_bucket{handler="base",le="+Inf"} 5
        d_seconds_sum{handler="base"} 3.010000001
        d_seconds_count{handler="base"} 5

        """)
  }

  @Test func nothingBreaksOutOfALabelOrAHelp() {
    let page = text { text in
      text.family("x", .gauge, "a\\b\nc \"d\"")
      text.sample(1.0, ["l": "a\\b\nc\"d} 5\n# TYPE y counter"])
    }
    #expect(
      page == "# HELP x a\\\\b\\nc \"d\"\n# TYPE x gauge\n"
        + "x{l=\"a\\\\b\\nc\\\"d} 5\\n# TYPE y counter\"} 1\n")
  }

  static let numbers: [(Double, String)] = [
    (0, "0"), (-0.0, "0"), (1, "1"), (0.005, "0.005"), (2.5, "2.5"), (524_288, "524288"), (1_000_000, "1e+06"),
    (1_048_576, "1.048576e+06"), (2_147_483_648, "2.147483648e+09"), (-1_500_000, "-1.5e+06"), (.infinity, "+Inf"),
    (-.infinity, "-Inf"), (.nan, "NaN"), (1e-7, "1e-07"),
  ]

  @Test(arguments: numbers.indices) func numbersAreGos(_ index: Int) {
    #expect(MetricsText.text(of: Self.numbers[index].0) == Self.numbers[index].1)
  }

  @Test func histogramsAddUp() {
    var (left, right) = (Histogram(.sizeBytes), Histogram(.sizeBytes))
    left.record(1)
    right.record(1 << 40)
    left.add(right)
    #expect(left.count == 2)
    #expect(left.sum == 1 + 1 << 40)
    #expect(left.counts.last == 1, "a terabyte is beyond every bound")
    #expect(HistogramScale.sizeBytes.labels.last == "2.147483648e+09")
  }
}
