// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Bytes of the journal as they are put together: numbers little-endian, texts and blocks with their length before.
struct JournalBytes {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ byte: UInt8) { bytes.append(byte) }

  mutating func append(number: UInt64) {
    for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift))) }
  }

  mutating func append(length: Int) {
    for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
  }

  mutating func append(block: [UInt8]) {
    append(length: block.count)
    bytes += block
  }

  mutating func append(text: String...) {
    for text in text {
      append(length: text.utf8.count)
      bytes += text.utf8
    }
  }

  /// Takes bytes apart again; every question answers nil once there are too few.
  struct Reader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// Whether everything was read.
    var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() -> UInt8? { rest.popFirst() }

    mutating func number() -> UInt64? {
      guard rest.count >= 8 else { return nil }
      let number = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      rest = rest.dropFirst(8)
      return number
    }

    mutating func length() -> Int? {
      guard rest.count >= 4 else { return nil }
      let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(4)
      return length
    }

    mutating func block() -> [UInt8]? {
      guard let count = length(), rest.count >= count else { return nil }
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }

    mutating func text() -> String? { block().flatMap { String(validating: $0, as: UTF8.self) } }
  }
}
