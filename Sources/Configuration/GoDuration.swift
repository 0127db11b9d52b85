// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Durations as Go writes them: `168h`, `1h30m`, `500ms`, `1.5s`.
public enum GoDuration {
  /// Nanoseconds per unit, longest first. Both letters that look like a Greek mu are accepted, as in Go.
  private static let units: [(name: String, nanoseconds: Int64)] = [
    ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000),
    ("\u{B5}s", 1000), ("\u{3BC}s", 1000), ("ns", 1),
  ]

  /// Reads a duration: an optional sign, then numbers each with a unit, or a lone `0`. Nil for anything else, and for
  /// what does not fit in 64 bits of nanoseconds (292 years).
  public static func parse(_ text: String) -> Duration? {
    var rest = Substring(text)
    let isNegative = rest.hasPrefix("-")
    if isNegative || rest.hasPrefix("+") { rest.removeFirst() }
    if rest == "0" { return .zero }
    guard !rest.isEmpty else { return nil }
    var total: Int64 = 0
    while !rest.isEmpty {
      guard let part = takePart(&rest) else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(part)
      if overflow { return nil }
      total = sum
    }
    return .nanoseconds(isNegative ? -total : total)
  }

  /// Writes a duration as Go's `Duration.String` does: `1h30m0s`, `1.5s`, `500ms`, `0s`.
  public static func format(_ duration: Duration) -> String {
    let nanoseconds = nanoseconds(of: duration)
    let sign = nanoseconds < 0 ? "-" : ""
    let magnitude = nanoseconds.magnitude
    switch magnitude {
    case 0: return "0s"
    case ..<1000: return "\(sign)\(magnitude)ns"
    case ..<1_000_000: return sign + decimal(magnitude, per: 1000) + "\u{B5}s"
    case ..<1_000_000_000: return sign + decimal(magnitude, per: 1_000_000) + "ms"
    default:
      let minutes = magnitude / 60_000_000_000
      var text = decimal(magnitude % 60_000_000_000, per: 1_000_000_000) + "s"
      if minutes > 0 { text = "\(minutes % 60)m\(text)" }
      if minutes >= 60 { text = "\(minutes / 60)h\(text)" }
      return sign + text
    }
  }

  /// Whole nanoseconds of a duration, held within 64 bits.
  private static func nanoseconds(of duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, tooLarge) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    return overflow || tooLarge ? (seconds < 0 ? -.max : .max) : sum
  }

  private static func decimal(_ value: UInt64, per unit: UInt64) -> String {
    let fraction = value % unit
    guard fraction > 0 else { return String(value / unit) }
    var digits = String(unit + fraction).dropFirst()
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(value / unit).\(digits)"
  }

  /// Takes one number and its unit from the front.
  private static func takePart(_ rest: inout Substring) -> Int64? {
    let whole = takeDigits(&rest)
    var fraction: Substring = ""
    if rest.hasPrefix(".") {
      rest.removeFirst()
      fraction = takeDigits(&rest)
    }
    guard !whole.isEmpty || !fraction.isEmpty else { return nil }
    let name = rest.prefix { $0 != "." && !isDigit($0) }
    guard let unit = units.first(where: { $0.name == name })?.nanoseconds else { return nil }
    rest.removeFirst(name.count)
    guard let count = whole.isEmpty ? 0 : Int64(whole) else { return nil }
    let (scaled, overflow) = count.multipliedReportingOverflow(by: unit)
    let (sum, tooLarge) = scaled.addingReportingOverflow(Self.fraction(fraction, of: unit))
    return overflow || tooLarge ? nil : sum
  }

  /// The nanoseconds of the digits after the point, rounded down. Eighteen digits are exact enough for every unit.
  private static func fraction(_ digits: Substring, of unit: Int64) -> Int64 {
    let digits = digits.prefix(18)
    var scale: UInt64 = 1
    for _ in digits { scale *= 10 }
    // The quotient is below `unit`, because the digits are below the scale: it always fits.
    let product = UInt64(unit).multipliedFullWidth(by: UInt64(digits) ?? 0)
    return Int64(scale.dividingFullWidth(product).quotient)
  }

  private static func takeDigits(_ rest: inout Substring) -> Substring {
    let digits = rest.prefix(while: isDigit)
    rest.removeFirst(digits.count)
    return digits
  }

  private static func isDigit(_ character: Character) -> Bool {
    character.isASCII && character.isWholeNumber
  }
}
