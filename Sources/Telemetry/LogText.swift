// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Makes any text fit for one line of a log: whoever chose it cannot end the line, close a quote or move a terminal's
/// cursor.
enum LogText {
  /// Longest text kept of one value, in bytes; the rest gives way to `…`.
  static let bytesMax = 8192

  /// Appends `text` with everything escaped that is not plainly printable, as Go's `%q` does between its quotes.
  static func appendEscaped(_ text: String, to output: inout [UInt8], escapingSpaces: Bool = false) {
    var text = clipped(text)
    if isPlain(&text), !escapingSpaces || !text.utf8.contains(0x20) { return output.append(contentsOf: text.utf8) }
    for scalar in text.unicodeScalars {
      switch scalar {
      case " " where !escapingSpaces: output.append(0x20)
      case "\"", "\\": output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(scalar.value)])
      case "\n": output.append(contentsOf: "\\n".utf8)
      case "\r": output.append(contentsOf: "\\r".utf8)
      case "\t": output.append(contentsOf: "\\t".utf8)
      case _ where isPrintable(scalar): output.append(contentsOf: String(scalar).utf8)
      case _ where scalar.value < 0x80: appendHex(scalar.value, digits: 2, after: "\\x", to: &output)
      case _ where scalar.value < 0x10000: appendHex(scalar.value, digits: 4, after: "\\u", to: &output)
      default: appendHex(scalar.value, digits: 8, after: "\\U", to: &output)
      }
    }
  }

  /// Appends `text` as a JSON string, quotes included; what is not printable is escaped even where JSON would allow it.
  static func appendJSON(_ text: String, to output: inout [UInt8]) {
    var text = clipped(text)
    output.append(UInt8(ascii: "\""))
    defer { output.append(UInt8(ascii: "\"")) }
    if isPlain(&text) { return output.append(contentsOf: text.utf8) }
    for scalar in text.unicodeScalars {
      switch scalar {
      case " ": output.append(0x20)
      case "\"", "\\": output.append(contentsOf: [UInt8(ascii: "\\"), UInt8(scalar.value)])
      case "\n": output.append(contentsOf: "\\n".utf8)
      case "\r": output.append(contentsOf: "\\r".utf8)
      case "\t": output.append(contentsOf: "\\t".utf8)
      case _ where isPrintable(scalar): output.append(contentsOf: String(scalar).utf8)
      default:
        for unit in String(scalar).utf16 { appendHex(UInt32(unit), digits: 4, after: "\\u", to: &output) }
      }
    }
  }

  /// Whether nothing in `text` needs an escape; the usual case, answered without looking at scalars.
  private static func isPlain(_ text: inout String) -> Bool {
    text.withUTF8 { utf8 in
      utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }
  }

  /// `text`, or its first `bytesMax` bytes and an ellipsis.
  private static func clipped(_ text: String) -> String {
    guard text.utf8.count > bytesMax else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: bytesMax)
    while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
    return String(text[..<end]) + "…"
  }

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
      .spaceSeparator:
      false
    default: true
    }
  }

  private static func appendHex(
    _ value: UInt32, digits: Int, after prefix: StaticString, to output: inout [UInt8]
  ) {
    prefix.withUTF8Buffer { output.append(contentsOf: $0) }
    let alphabet: StaticString = "0123456789abcdef"
    for place in (0..<digits).reversed() {
      output.append(alphabet.utf8Start[Int(value >> UInt32(place * 4) & 0xF)])
    }
  }
}
