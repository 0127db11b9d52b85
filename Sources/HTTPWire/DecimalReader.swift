// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Reads plain decimal digits, which saturate: no sign, no space, no other form that a standard conversion lets pass.
struct DecimalReader {
  let bytes: [UInt8]
  private(set) var position = 0

  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  var isAtEnd: Bool { position >= bytes.count }
  var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// The number that begins here, or nil without a digit; `UInt64.max` stands for itself and everything above.
  mutating func number() -> UInt64? {
    let start = position
    var value: UInt64 = 0
    while let byte = next, Octet.isDigit(byte) {
      let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tenfold.addingReportingOverflow(UInt64(byte - Octet.zero))
      value = overflow || carry || value == .max ? .max : sum
      position += 1
    }
    return position > start ? value : nil
  }

  /// Takes this byte if it comes next.
  mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    position += 1
    return true
  }

  /// Takes this text, given in lower case, in any case of letters if it comes next.
  mutating func take(ignoringCase text: StaticString) -> Bool {
    let isNext = text.withUTF8Buffer { wanted in
      guard bytes.count - position >= wanted.count else { return false }
      return wanted.indices.allSatisfy { Octet.lowercased(bytes[position + $0]) == wanted[$0] }
    }
    if isNext { position += text.utf8CodeUnitCount }
    return isNext
  }

  mutating func skipBlanks() {
    while let byte = next, Octet.isBlank(byte) { position += 1 }
  }
}
