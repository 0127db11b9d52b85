// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

import GantryCryptography
import Testing

@testable import GantryLoadTesting

@Suite("What is measured is told right")
struct MeasureTests {
  @Test("Percentiles are right to three digits", arguments: [1.0, 1000, 1_234_567, 987_654_321])
  func percentiles(_ scale: Double) {
    var histogram = LatencyHistogram()
    for number in 1...1000 { histogram.record(UInt64(Double(number) * scale)) }
    for percent in [1.0, 25, 50, 90, 99, 99.9, 100] {
      let exact = percent * 10 * scale
      let told = Double(histogram.percentile(percent))
      #expect(told >= exact.rounded(.down) && told <= exact * 1.001 + 1, "\(percent) %: \(told), not \(exact)")
    }
    #expect(histogram.minimum == UInt64(scale))
    #expect(histogram.maximum == UInt64(1000 * scale))
  }

  @Test("Merging counts both; resetting forgets; extremes have their place")
  func merging() {
    var one = LatencyHistogram()
    var two = LatencyHistogram()
    one.record(0)
    two.record(.max)
    one.merge(two)
    #expect(one.count == 2)
    #expect(one.minimum == 0)
    #expect(one.percentile(50) == 0)
    #expect(one.percentile(100) == 1 << 42)
    one.reset()
    #expect(one == LatencyHistogram())
  }

  @Test("The table of percentiles rises to the whole")
  func table() throws {
    var histogram = LatencyHistogram()
    for number in 1...10_000 { histogram.record(UInt64(number) * 1000) }
    let lines = histogram.table()
    #expect(lines.count > 20)
    for (line, next) in zip(lines, lines.dropFirst()) {
      #expect(line.percent < next.percent && line.nanoseconds <= next.nanoseconds && line.total <= next.total)
    }
    #expect(try #require(lines.last).total == 10_000)
  }

  @Test("Blobs of one seed are the same, of another number are not, and have the digest that they say")
  func blobs() {
    for size in [1, 31, 32, 33, 4096, 5 << 20] {
      let blob = BlobMould(size: size, seed: 3).blob(9, run: 1)
      #expect(blob.digest == BlobMould(size: size, seed: 3).blob(9, run: 1).digest)
      #expect(blob.bytes.count == size)
      #expect(digest(blob.bytes, .sha256) == blob.digest)
      if size > 8 { #expect(blob.digest != BlobMould(size: size, seed: 3).blob(10, run: 1).digest) }
      // The pieces from the middle on are the same bytes.
      let (bytes, range) = blob.piece(at: size / 2, atMost: 10)
      #expect(Array(bytes[range]) == Array(blob.bytes[(size / 2)..<(size / 2 + range.count)]))
    }
  }

  @Test("An image's manifest is brought to its size")
  func manifestSize() {
    let mould = BlobMould(size: 100, seed: 1)
    let image = ImageData(number: 1, seed: 1, layers: [mould, mould], manifestBytes: 1536)
    #expect(image.manifest.count == 1536)
    #expect(image.layers[0].digest != image.layers[1].digest)
  }

  @Test(
    "The middle and the spread", arguments: [([3, 1, 2], 2), ([4, 1, 2, 3], 2.5), ([7], 7)] as [([Double], Double)])
  func spread(_ values: [Double], _ median: Double) {
    #expect(Spread(values)?.median == median)
    #expect(Spread(values)?.low == values.min())
    #expect(Spread([]) == nil)
  }

  @Test(
    "Figures for people",
    arguments: [
      (Figures.short(0), "0"), (Figures.short(0.514), "0.51"), (Figures.short(12_345), "12 300"),
      (Figures.short(999), "999"), (Figures.time(1_500), "1.5 us"), (Figures.time(2.5e9), "2.50 s"),
      (Figures.bytes(1_234_567), "1.2 MB"), (Figures.mebibytes(41_943_040), "40.0 MiB"),
      (Figures.fixed(-0.5, 1), "-0.5"),
      (Figures.fixed(9.999, 2), "10.00"),
    ])
  func figures(_ told: String, _ expected: String) {
    #expect(told == expected)
  }

  @Test(
    "Logarithms for plots",
    arguments: [(1.0, 0.0), (10, 1), (1000, 3), (0.01, -2), (2, 0.301_029_995_663_98)] as [(Double, Double)])
  func logarithm(_ value: Double, _ expected: Double) {
    #expect((Logarithm.ten(value) - expected).magnitude < 1e-9)
  }
}
