// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// An input that broke what a target promises.
public struct FuzzFailure: Error, Sendable, CustomStringConvertible {
  /// The target's name.
  public let target: String
  /// The seed that gives this input: `fuzz <target> --seed <seed> --iterations 1`.
  public let seed: UInt64
  /// The input.
  public let input: [UInt8]
  /// What did not hold.
  public let complaint: String

  /// What to read, and how to get there again.
  public var description: String {
    """
    \(target): \(complaint)
    input: \(Self.escaped(input))
    again: fuzz \(target) --seed \(seed) --iterations 1
    """
  }

  private static func escaped(_ bytes: [UInt8]) -> String {
    var text = ""
    for byte in bytes {
      switch byte {
      case 13: text += "\\r"
      case 10: text += "\\n"
      case UInt8(ascii: "\\"): text += "\\\\"
      case 0x20...0x7E: text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        text += digits.utf8.count == 1 ? "\\x0\(digits)" : "\\x\(digits)"
      }
    }
    return text
  }
}
