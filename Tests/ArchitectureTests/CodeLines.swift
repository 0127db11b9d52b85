// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The lines of a Swift text with comments taken out and string literals emptied, so that a rule about code is not
/// set off by prose. Knows line comments, nested block comments, and one-line, multi-line and raw strings; what is
/// interpolated into a string is dropped with it.
func codeLines(of text: String) -> [String] {
  var scanner = CodeScanner(Array(text.utf8))
  return scanner.scan()
}

private struct CodeScanner {
  private let bytes: [UInt8]
  private var at = 0
  private var lines: [String] = []
  private var line: [UInt8] = []

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func scan() -> [String] {
    while at < bytes.count {
      if starts("//") {
        while at < bytes.count, bytes[at] != UInt8(ascii: "\n") { at += 1 }
      } else if starts("/*") {
        skipBlockComment()
      } else if let hashes = hashesBeforeQuote() {
        skipString(hashes: hashes)
      } else {
        step(keep: true)
      }
    }
    endLine()
    return lines
  }

  private mutating func step(keep: Bool) {
    if bytes[at] == UInt8(ascii: "\n") {
      endLine()
    } else if keep {
      line.append(bytes[at])
    }
    at += 1
  }

  private mutating func endLine() {
    lines.append(String(decoding: line, as: UTF8.self))
    line = []
  }

  private func starts(_ text: String) -> Bool {
    let wanted = Array(text.utf8)
    return at + wanted.count <= bytes.count && bytes[at..<(at + wanted.count)].elementsEqual(wanted)
  }

  /// The number of `#` before a quote that stands here, nil where no string begins.
  private func hashesBeforeQuote() -> Int? {
    var end = at
    while end < bytes.count, bytes[end] == UInt8(ascii: "#") { end += 1 }
    return end < bytes.count && bytes[end] == UInt8(ascii: "\"") ? end - at : nil
  }

  private mutating func skipBlockComment() {
    var depth = 0
    repeat {
      if starts("/*") {
        depth += 1
        at += 2
      } else if starts("*/") {
        depth -= 1
        at += 2
      } else {
        step(keep: false)
      }
    } while depth > 0 && at < bytes.count
  }

  private mutating func skipString(hashes: Int) {
    at += hashes
    let quotes = starts("\"\"\"") ? 3 : 1
    at += quotes
    let end = String(repeating: "\"", count: quotes) + String(repeating: "#", count: hashes)
    let escape = "\\" + String(repeating: "#", count: hashes)
    line += Array("\"\"".utf8)
    while at < bytes.count {
      if starts(end) {
        at += end.utf8.count
        return
      }
      if starts(escape) {
        at += escape.utf8.count
        if at < bytes.count, bytes[at] == UInt8(ascii: "(") {
          skipInterpolation()
        } else if at < bytes.count {
          step(keep: false)
        }
      } else if quotes == 1, bytes[at] == UInt8(ascii: "\n") {
        return  // an unfinished string ends with its line
      } else {
        step(keep: false)
      }
    }
  }

  private mutating func skipInterpolation() {
    var depth = 0
    repeat {
      if let hashes = hashesBeforeQuote() {
        let kept = line
        skipString(hashes: hashes)
        line = kept
        continue
      }
      if bytes[at] == UInt8(ascii: "(") { depth += 1 }
      if bytes[at] == UInt8(ascii: ")") { depth -= 1 }
      step(keep: false)
    } while depth > 0 && at < bytes.count
  }
}
