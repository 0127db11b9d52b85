// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The typed value of a scalar, resolved by the rules of YAML 1.1 as the Go package yaml.v2 applies them.
///
/// Timestamps stay text: no key has that type. Base-60 numbers are text, as there.
public enum YAMLValue: Sendable, Equatable {
  /// Nothing: an absent value, `~` or `null`.
  case null
  /// `true`, `yes`, `on`, `y` and their opposites, in lower case, upper case or with a capital.
  case bool(Bool)
  /// A whole number: decimal, `0x`, octal with `0` or `0o`, binary `0b`; underscores between digits are dropped.
  case integer(Int64)
  /// A number with a fraction or an exponent, or a whole one beyond 64 bits; `.inf`, `.nan`.
  case float(Double)
  /// Everything else.
  case string(String)

  /// Resolves the text of a plain scalar.
  public init(plain text: String) {
    guard let first = text.utf8.first else {
      self = .null
      return
    }
    if let word = Self.word(text) {
      self = word
      return
    }
    switch first {
    case UInt8(ascii: "."):
      self = Self.float(text).map(YAMLValue.float) ?? .string(text)
    case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      let plain = text.filter { $0 != "_" }
      if let number = Self.integer(plain) {
        self = .integer(number)
      } else {
        self = Self.float(plain).map(YAMLValue.float) ?? .string(text)
      }
    default:
      self = .string(text)
    }
  }

  /// What kind of value this is, for messages: `a number`, `text`.
  public var kind: String {
    switch self {
    case .null: "nothing"
    case .bool: "true or false"
    case .integer: "a whole number"
    case .float: "a number with a fraction"
    case .string: "text"
    }
  }

  private static func word(_ text: String) -> YAMLValue? {
    switch text {
    case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": .bool(true)
    case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": .bool(false)
    case "~", "null", "Null", "NULL": .null
    case ".nan", ".NaN", ".NAN": .float(.nan)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": .float(.infinity)
    case "-.inf", "-.Inf", "-.INF": .float(-.infinity)
    default: nil
    }
  }

  /// Digits with an optional sign and Go's base prefixes; nil when there is anything else or 64 bits do not suffice.
  private static func integer(_ text: String) -> Int64? {
    var digits = Substring(text)
    let isNegative = digits.hasPrefix("-")
    if isNegative || digits.hasPrefix("+") { digits.removeFirst() }
    var radix = 10
    let head = digits.prefix(2).lowercased()
    switch head {
    case "0x": radix = 16
    case "0o": radix = 8
    case "0b": radix = 2
    default:
      if digits.utf8.count > 1, digits.hasPrefix("0") {
        radix = 8
        digits.removeFirst()
      }
    }
    if ["0x", "0o", "0b"].contains(head) { digits.removeFirst(2) }
    // `Int64(_:radix:)` would take a second sign.
    guard let first = digits.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
    return Int64((isNegative ? "-" : "") + digits, radix: radix)
  }

  /// `[-+]? ( .digits | digits [ . digits* ] ) [ e [-+]? digits ]`, nothing else: `Double` alone reads more.
  private static func float(_ text: String) -> Double? {
    var rest = Substring(text).utf8
    func digits() -> Int {
      let run = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
      rest = rest.dropFirst(run)
      return run
    }
    func skip(_ bytes: UInt8...) -> Bool {
      guard let first = rest.first, bytes.contains(first) else { return false }
      rest = rest.dropFirst()
      return true
    }
    _ = skip(UInt8(ascii: "+"), UInt8(ascii: "-"))
    let whole = digits()
    let fraction = skip(UInt8(ascii: ".")) ? digits() : 0
    guard whole + fraction > 0 else { return nil }
    if skip(UInt8(ascii: "e"), UInt8(ascii: "E")) {
      _ = skip(UInt8(ascii: "+"), UInt8(ascii: "-"))
      guard digits() > 0 else { return nil }
    }
    guard rest.isEmpty else { return nil }
    return Double(text)
  }
}
