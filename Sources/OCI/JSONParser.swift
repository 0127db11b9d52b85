// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// A strict parser of one JSON text (RFC 8259) with bounds on depth and number of values.
///
/// Written here rather than taken from FoundationEssentials, whose decoder takes trailing commas, tells neither the
/// place of an error nor a repeated name, and may read bytes as UTF-16.
struct JSONParser {
  private let bytes: [UInt8]
  private let depthMax: Int
  private let valuesMax: Int
  private var index = 0
  private var depth = 0
  private var values = 0

  init(_ bytes: [UInt8], depthMax: Int, valuesMax: Int) {
    self.bytes = bytes
    self.depthMax = depthMax
    self.valuesMax = valuesMax
  }

  /// The value that the whole text is.
  mutating func document() throws(JSONError) -> JSONValue {
    do { _ = try UTF8Span(validating: bytes.span) } catch {
      throw .malformed(reason: "invalid UTF-8", offset: error.byteOffsets.lowerBound)
    }
    skipSpace()
    let value = try value()
    skipSpace()
    if index < bytes.count { throw fault("text after the end of the value") }
    return value
  }

  private mutating func value() throws(JSONError) -> JSONValue {
    values += 1
    if values > valuesMax { throw .tooManyValues(valuesMax: valuesMax) }
    guard let byte = peek() else { throw fault("unexpected end of the text") }
    switch byte {
    case UInt8(ascii: "{"): return .object(try members())
    case UInt8(ascii: "["): return .array(try elements())
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "t"): return try word("true", .boolean(true))
    case UInt8(ascii: "f"): return try word("false", .boolean(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: throw fault("unexpected character")
    }
  }

  private mutating func members() throws(JSONError) -> [JSONValue.Member] {
    try descend()
    var members: [JSONValue.Member] = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return ascend(members) }
    while true {
      skipSpace()
      guard peek() == UInt8(ascii: "\"") else { throw fault("expected a name in quotes") }
      let name = try string()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw fault("expected ':'") }
      skipSpace()
      members.append(.init(name, try value()))
      skipSpace()
      if take(UInt8(ascii: "}")) { return ascend(members) }
      guard take(UInt8(ascii: ",")) else { throw fault("expected ',' or '}'") }
    }
  }

  private mutating func elements() throws(JSONError) -> [JSONValue] {
    try descend()
    var elements: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return ascend(elements) }
    while true {
      skipSpace()
      elements.append(try value())
      skipSpace()
      if take(UInt8(ascii: "]")) { return ascend(elements) }
      guard take(UInt8(ascii: ",")) else { throw fault("expected ',' or ']'") }
    }
  }

  private mutating func descend() throws(JSONError) {
    depth += 1
    if depth > depthMax { throw .tooDeep(depthMax: depthMax) }
    index += 1
  }

  private mutating func ascend<Value>(_ value: Value) -> Value {
    depth -= 1
    return value
  }

  private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    for place in 0..<text.utf8CodeUnitCount {
      guard take(text.utf8Start[place]) else { throw fault("unexpected character") }
    }
    return value
  }
}

// Numbers and strings.
extension JSONParser {
  private mutating func number() throws(JSONError) -> JSONValue {
    let start = index
    let isNegative = take(UInt8(ascii: "-"))
    if take(UInt8(ascii: "0")) {
      if let byte = peek(), Self.isDigit(byte) { throw fault("a number with a leading zero") }
    } else {
      try digits()
    }
    let wholeEnd = index
    if take(UInt8(ascii: ".")) { try digits() }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits()
    }
    if index == wholeEnd, let whole = whole(from: isNegative ? start + 1 : start, isNegative: isNegative) {
      return .integer(whole)
    }
    return .number(String(decoding: bytes[start..<index], as: UTF8.self))
  }

  private mutating func digits() throws(JSONError) {
    guard let byte = peek(), Self.isDigit(byte) else { throw fault("expected a digit") }
    while let byte = peek(), Self.isDigit(byte) { index += 1 }
  }

  private func whole(from start: Int, isNegative: Bool) -> Int64? {
    var value: Int64 = 0
    for byte in bytes[start..<index] {
      let digit = Int64(byte - UInt8(ascii: "0"))
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, carried) = shifted.addingReportingOverflow(isNegative ? -digit : digit)
      if overflow || carried { return nil }
      value = next
    }
    return value
  }

  private mutating func string() throws(JSONError) -> String {
    index += 1
    let start = index
    while let byte = peek(), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { index += 1 }
    if peek() == UInt8(ascii: "\"") {
      index += 1
      return String(decoding: bytes[start..<(index - 1)], as: UTF8.self)
    }
    var text = Array(bytes[start..<index])
    while let byte = peek() {
      switch byte {
      case UInt8(ascii: "\""):
        index += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw fault("raw control character in a string")
      default:
        text.append(byte)
        index += 1
      }
    }
    throw fault("unexpected end of the text in a string")
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    index += 1
    guard let byte = peek() else { throw fault("unexpected end of the text in a string") }
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      let first = try codeUnit()
      guard (0xD800..<0xDC00).contains(first), isNextEscapedUnit else {
        return Self.append(Unicode.Scalar(first) ?? "\u{FFFD}", to: &text)
      }
      let mark = index
      index += 2
      let second = try codeUnit()
      guard (0xDC00..<0xE000).contains(second) else {
        // Two unrelated units: the first has no partner, the second is read again on its own.
        index = mark
        return Self.append("\u{FFFD}", to: &text)
      }
      let value = 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
      Self.append(Unicode.Scalar(value) ?? "\u{FFFD}", to: &text)
    default:
      index -= 1
      throw fault("unknown escape in a string")
    }
  }

  private mutating func codeUnit() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek(), let digit = Self.hexValue(byte) else { throw fault("expected a hexadecimal digit") }
      value = value << 4 | digit
      index += 1
    }
    return value
  }

  private var isNextEscapedUnit: Bool {
    index + 1 < bytes.count && bytes[index] == UInt8(ascii: "\\") && bytes[index + 1] == UInt8(ascii: "u")
  }

  private static func append(_ scalar: Unicode.Scalar, to text: inout [UInt8]) {
    text.append(contentsOf: UTF8.encode(scalar)!)  // every scalar has a UTF-8 form
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  private static func hexValue(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }
}

// The reading position.
extension JSONParser {
  private func peek() -> UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard index < bytes.count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
  }

  private func fault(_ reason: String) -> JSONError { .malformed(reason: reason, offset: index) }
}
