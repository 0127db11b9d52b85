// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Numbers for people.
public enum Figures {
  /// With so many digits after the point.
  public static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "-" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 9e15 else { return "\(value)" }
    let whole = Int(scaled)
    let sign = value < 0 && whole > 0 ? "-" : ""
    guard digits > 0 else { return sign + String(whole) }
    let text = String(whole)
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    return sign + padded.dropLast(digits) + "." + padded.suffix(digits)
  }

  /// Two ratios, from and to.
  static func range(_ low: Double, _ high: Double) -> String { "\(fixed(low, 2))-\(fixed(high, 2))" }

  /// Three digits or more: `0.51`, `7.3`, `412`, `12 300`, `4.1 M`.
  public static func short(_ value: Double) -> String {
    switch value.magnitude {
    case 0: "0"
    case ..<10: fixed(value, 2)
    case ..<100: fixed(value, 1)
    case ..<10_000: grouped(fixed(value, 0))
    case ..<10_000_000: grouped(fixed((value / 100).rounded() * 100, 0))
    default: fixed(value / 1_000_000, 1) + " M"
    }
  }

  /// A duration in nanoseconds.
  public static func time(_ nanoseconds: Double) -> String {
    switch nanoseconds.magnitude {
    case ..<1e3: fixed(nanoseconds, 0) + " ns"
    case ..<1e5: fixed(nanoseconds / 1e3, 1) + " us"
    case ..<1e6: fixed(nanoseconds / 1e3, 0) + " us"
    case ..<1e8: fixed(nanoseconds / 1e6, 2) + " ms"
    case ..<1e9: fixed(nanoseconds / 1e6, 0) + " ms"
    default: fixed(nanoseconds / 1e9, 2) + " s"
    }
  }

  /// Bytes in decimal units.
  public static func bytes(_ count: Double) -> String {
    switch count.magnitude {
    case ..<1e3: fixed(count, 0) + " B"
    case ..<1e6: fixed(count / 1e3, 1) + " kB"
    case ..<1e9: fixed(count / 1e6, 1) + " MB"
    default: fixed(count / 1e9, 2) + " GB"
    }
  }

  /// Memory in MiB.
  public static func mebibytes(_ count: Double) -> String { fixed(count / 1_048_576, 1) + " MiB" }

  private static func grouped(_ digits: String) -> String {
    var output = ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place) % 3 == 0, digits.dropFirst(place - 1).first != "-" { output += " " }
      output.append(digit)
    }
    return output
  }
}
