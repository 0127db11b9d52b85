// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

internal import GantryYAML

/// Reads the keys of one mapping of a file, each with its type; every mistake names its file, line and column.
struct MappingReader {
  let node: YAMLNode
  private let mapping: YAMLMapping
  private var known: [String] = []

  init(_ node: YAMLNode, _ what: String) throws(InputError) {
    guard let mapping = node.mapping else { throw node.wrong("\(what) must be a mapping of keys and values") }
    (self.node, self.mapping) = (node, mapping)
  }

  /// The value of a key; nil where it is absent or empty.
  mutating func node(_ key: String) -> YAMLNode? {
    known.append(key)
    guard let value = mapping[key], !value.isNull else { return nil }
    return value
  }

  mutating func text(_ key: String) throws(InputError) -> String? {
    guard let value = node(key) else { return nil }
    guard let scalar = value.scalar, !scalar.text.isEmpty else { throw value.wrong("\(key) must be text") }
    return scalar.text
  }

  mutating func flag(_ key: String) throws(InputError) -> Bool? {
    guard let value = node(key) else { return nil }
    guard case .bool(let flag)? = value.scalar?.resolved else { throw value.wrong("\(key) must be true or false") }
    return flag
  }

  mutating func count(_ key: String, _ range: ClosedRange<Int>) throws(InputError) -> Int? {
    guard let value = node(key) else { return nil }
    guard case .integer(let number)? = value.scalar?.resolved, range.contains(Int(number)) else {
      throw value.wrong("\(key) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return Int(number)
  }

  mutating func number(_ key: String) throws(InputError) -> Double? {
    guard let value = node(key) else { return nil }
    switch value.scalar?.resolved {
    case .integer(let number)?: return Double(number)
    case .float(let number)? where number.isFinite: return number
    default: throw value.wrong("\(key) must be a number")
    }
  }

  mutating func size(_ key: String) throws(InputError) -> Int? {
    guard let value = node(key) else { return nil }
    guard let size = value.scalar.flatMap({ Quantity.bytes($0.text) }) else {
      throw value.wrong("\(key) must be a size such as 4096, 32KiB or 256MiB")
    }
    return size
  }

  mutating func duration(_ key: String) throws(InputError) -> UInt64? {
    guard let value = node(key) else { return nil }
    guard let duration = value.scalar.flatMap({ Quantity.nanoseconds($0.text) }) else {
      throw value.wrong("\(key) must be a duration such as 200ms, 5s, 2m or 8h")
    }
    return duration
  }

  mutating func choice<C: CaseIterable & RawRepresentable<String>>(_ key: String, _ type: C.Type) throws(InputError)
    -> C?
  {
    guard let value = node(key) else { return nil }
    guard let choice = value.scalar.flatMap({ C(rawValue: $0.text) }) else {
      throw value.wrong("\(key) must be one of \(C.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return choice
  }

  mutating func list(_ key: String) throws(InputError) -> [YAMLNode] {
    guard let value = node(key) else { return [] }
    guard let list = value.sequence else { throw value.wrong("\(key) must be a list") }
    return list
  }

  /// Refuses keys that nobody asked for. Called last.
  func end() throws(InputError) {
    for entry in mapping.entries where !known.contains(entry.key) {
      throw InputError(
        "\(node.origin):\(entry.keyMark): unknown key \"\(entry.key)\"; known are \(known.joined(separator: ", "))")
    }
  }
}

extension YAMLNode {
  /// An error at this place.
  func wrong(_ why: String) -> InputError { InputError("\(origin):\(mark): \(why)") }
}

/// Sizes and durations as people write them.
public enum Quantity {
  /// Bytes: a whole number with an optional unit (KiB, MiB, GiB, kB, MB, GB, B).
  public static func bytes(_ text: String) -> Int? {
    scaled(
      text,
      [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("B", 1), ("", 1),
      ])
  }

  /// Nanoseconds: a whole number with a unit (us, ms, s, m, h).
  public static func nanoseconds(_ text: String) -> UInt64? {
    scaled(
      text, [("us", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000)]
    ).map { UInt64($0) }
  }

  private static func scaled(_ text: String, _ units: [(String, Int)]) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text[digits.endIndex...].drop { $0 == " " }
    guard let number = Int(digits), let scale = units.first(where: { $0.0 == unit })?.1 else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: scale)
    return overflow || product > 1 << 60 ? nil : product
  }
}
