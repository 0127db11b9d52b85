// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// The few forms of DER (X.690) that public keys and signatures are written in.
enum DistinguishedEncoding {
  static func sequence(_ parts: [UInt8]...) -> [UInt8] { element(0x30, parts.flatMap { $0 }) }

  static func bits(_ bytes: [UInt8]) -> [UInt8] { element(0x03, [0] + bytes) }

  /// An object identifier that is encoded already.
  static func identifier(_ encoded: [UInt8]) -> [UInt8] { element(0x06, encoded) }

  static var null: [UInt8] { [0x05, 0x00] }

  /// A number of big-endian bytes, which is not negative.
  static func integer(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    let digits = bytes.drop { $0 == 0 }
    let first = digits.first ?? 0x80
    return element(0x02, (first >= 0x80 ? [0] : []) + digits)
  }

  private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    var length: [UInt8] = []
    var rest = content.count
    while rest > 0 {
      length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
      rest >>= 8
    }
    let head: [UInt8] = content.count < 0x80 ? [UInt8(content.count)] : [0x80 | UInt8(length.count)] + length
    return [tag] + head + content
  }
}
