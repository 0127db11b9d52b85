// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Writes YAML that reads back as what was written: sections by indentation, text in double quotes where needed.
struct YAMLText {
  private(set) var text = ""
  private var depth = 0

  mutating func value(_ key: String, _ value: some CustomStringConvertible) {
    line("\(Self.scalar(key)): \(value)")
  }

  mutating func value(_ key: String, quoted value: String) {
    line("\(Self.scalar(key)): \(Self.scalar(value))")
  }

  mutating func list(_ key: String, _ values: [String]) {
    line("\(Self.scalar(key)): [\(values.map(Self.scalar).joined(separator: ", "))]")
  }

  mutating func section(_ key: String, _ body: (inout YAMLText) -> Void) {
    line("\(Self.scalar(key)):")
    depth += 1
    body(&self)
    depth -= 1
  }

  mutating func sections<Element>(
    _ key: String, _ elements: [Element], _ body: (inout YAMLText, Element) -> Void
  ) {
    guard !elements.isEmpty else { return line("\(key): []") }
    line("\(Self.scalar(key)):")
    depth += 1
    for element in elements {
      line("-")
      depth += 1
      body(&self, element)
      depth -= 1
    }
    depth -= 1
  }

  private mutating func line(_ content: String) {
    text += String(repeating: "  ", count: depth) + content + "\n"
  }

  /// The text bare when no reader could take it for anything else, else in double quotes.
  static func scalar(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || byte == 0x2D || byte == 0x5F || byte == 0x2F || byte == 0x2E
    }
    if isPlain, let first = text.first, first.isLetter || first == "/", !words.contains(text.lowercased()) {
      return text
    }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value):
        let hex = String(scalar.value, radix: 16)
        quoted += "\\x" + (hex.count == 1 ? "0" : "") + hex
      case _ where scalar.value == 0xFEFF || (0x2028...0x2029).contains(scalar.value) || scalar.value >= 0xFFFE:
        let hex = String(scalar.value, radix: 16)
        quoted += "\\U" + String(repeating: "0", count: 8 - hex.count) + hex
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  private static let words: Set<String> = ["y", "yes", "n", "no", "true", "false", "on", "off", "null"]
}
