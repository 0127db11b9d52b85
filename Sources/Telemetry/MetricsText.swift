// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A page of metrics in Prometheus's text format, version 0.0.4, made family by family.
///
/// Whoever writes it keeps each family together and each set of labels unique, as the format asks.
public struct MetricsText: Sendable {
  /// What a family is.
  public enum Kind: String, Sendable {
    /// A number that only grows.
    case counter
    /// A number that goes up and down.
    case gauge
    /// Counts by bucket.
    case histogram
  }

  /// Names and values of labels, in the order in which they are written.
  public typealias Labels = KeyValuePairs<String, String>

  /// The media type of the page.
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// The page so far.
  public private(set) var bytes: [UInt8] = []
  private var name = ""

  /// An empty page.
  public init() {
    bytes.reserveCapacity(32 << 10)
  }

  /// Begins a family; the samples that follow are its own.
  public mutating func family(_ name: String, _ kind: Kind, _ help: String) {
    self.name = name
    append("# HELP \(name) ")
    for byte in help.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): append("\\\\")
      case UInt8(ascii: "\n"): append("\\n")
      default: bytes.append(byte)
      }
    }
    append("\n# TYPE \(name) \(kind.rawValue)\n")
  }

  /// One number of the family.
  public mutating func sample(_ value: Double, _ labels: Labels = [:]) {
    line("", labels, le: nil, Self.text(of: value))
  }

  /// One whole number of the family.
  public mutating func sample(_ value: UInt64, _ labels: Labels = [:]) {
    line("", labels, le: nil, String(value))
  }

  /// One histogram of the family.
  public mutating func sample(_ histogram: Histogram, _ labels: Labels = [:]) {
    var count: UInt64 = 0
    for (bucket, label) in zip(histogram.counts, histogram.scale.labels) {
      count &+= bucket
      line("_bucket", labels, le: label, String(count))
    }
    line("_bucket", labels, le: "+Inf", String(histogram.count))
    line("_sum", labels, le: nil, Self.text(of: Double(histogram.sum) / Double(histogram.scale.unitsPerOne)))
    line("_count", labels, le: nil, String(histogram.count))
  }

  private mutating func line(_ suffix: String, _ labels: Labels, le: String?, _ value: String) {
    append(name)
    append(suffix)
    var separator = "{"
    for (label, value) in labels {
      append(separator)
      append(label)
      append("=\"")
      appendEscaped(value)
      append("\"")
      separator = ","
    }
    if let le {
      append("\(separator)le=\"\(le)\"")
      separator = ","
    }
    if separator == "," { append("}") }
    append(" \(value)\n")
  }

  private mutating func appendEscaped(_ value: String) {
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): append("\\\\")
      case UInt8(ascii: "\""): append("\\\"")
      case UInt8(ascii: "\n"): append("\\n")
      default: bytes.append(byte)
      }
    }
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  /// A number as Go writes it in its shortest form, so that bounds read as Distribution's do: `0.005`, `1`,
  /// `1.048576e+06`, `+Inf`.
  static func text(of value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    guard value == value.rounded(), value.magnitude < 1e15 else { return value.description }
    let whole = Int64(value)
    guard whole.magnitude >= 1_000_000 else { return String(whole) }
    let digits = String(whole.magnitude)
    var fraction = digits.dropFirst()
    while fraction.hasSuffix("0") { fraction.removeLast() }
    let exponent = digits.count - 1
    let sign = whole < 0 ? "-" : ""
    return "\(sign)\(digits.prefix(1))\(fraction.isEmpty ? "" : ".")\(fraction)e+\(exponent < 10 ? "0" : "")\(exponent)"
  }
}
