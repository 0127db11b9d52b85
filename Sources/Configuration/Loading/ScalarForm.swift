// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryYAML

/// Reads scalars as the kinds of the key table.
enum ScalarForm {
  static func accepts(_ scalar: YAMLScalar, as kind: KeyEntry.Kind) -> Bool {
    switch kind {
    case .text: true
    case .bool: bool(scalar) != nil
    case .integer: integer(scalar) != nil
    case .integerOrText: integer(scalar) != nil || quotedInteger(scalar) != nil
    case .duration: duration(scalar) != nil
    case .durationText: scalar.resolved.isText && GoDuration.parse(scalar.text) != nil
    case .bytes: bytes(scalar) != nil
    case .section, .table, .list, .texts: false
    }
  }

  static func description(of kind: KeyEntry.Kind) -> String {
    switch kind {
    case .text: "text"
    case .bool: "true or false"
    case .integer, .integerOrText: "a whole number"
    case .duration: "a duration such as \"30s\" or \"1h30m\""
    case .durationText: "a duration with its unit, such as \"168h\""
    case .bytes: "a number of bytes, such as 65536 or \"64KiB\""
    case .section, .table: "keys and values"
    case .list, .texts: "a list"
    }
  }

  static func bool(_ scalar: YAMLScalar) -> Bool? {
    if case .bool(let value) = scalar.resolved { value } else { nil }
  }

  static func integer(_ scalar: YAMLScalar) -> Int? {
    switch scalar.resolved {
    case .integer(let value): Int(exactly: value)
    case .float(let value): Int(exactly: value)
    default: nil
    }
  }

  static func quotedInteger(_ scalar: YAMLScalar) -> Int? {
    guard case .string(let text) = scalar.resolved, !text.hasPrefix("+") else { return nil }
    return Int(text)
  }

  static func duration(_ scalar: YAMLScalar) -> Duration? {
    switch scalar.resolved {
    case .integer(let value): .nanoseconds(value)
    case .string(let text): GoDuration.parse(text)
    default: nil
    }
  }

  static func bytes(_ scalar: YAMLScalar) -> Int? {
    switch scalar.resolved {
    case .integer(let value): return Int(exactly: value)
    case .string(let text):
      let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]
      guard let (name, unit) = units.first(where: { text.hasSuffix($0.0) }) else { return nil }
      let digits = text.dropLast(name.count)
      guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(digits) else {
        return nil
      }
      let (bytes, overflow) = count.multipliedReportingOverflow(by: unit)
      return overflow ? nil : bytes
    default: return nil
    }
  }
}

extension YAMLValue {
  var isText: Bool {
    if case .string = self { true } else { false }
  }
}
