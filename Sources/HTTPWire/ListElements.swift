// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Walks the elements of a comma-separated list (RFC 9110, 5.6.1): commas inside quoted strings do not separate, white
/// space around elements and empty elements are dropped.
struct ListElements {
  private let bytes: [UInt8]
  private let end: Int
  private var position: Int

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  /// The range of the next element.
  mutating func next() -> Range<Int>? {
    while position < end {
      let start = position
      var isQuoted = false
      while position < end {
        let byte = bytes[position]
        if isQuoted, byte == Octet.backslash {
          position += 1
        } else if byte == Octet.quote {
          isQuoted.toggle()
        } else if byte == Octet.comma, !isQuoted {
          break
        }
        position += 1
      }
      let element = Octet.trimmed(bytes, from: start, to: min(position, end))
      position += 1
      if !element.isEmpty { return element }
    }
    return nil
  }
}
