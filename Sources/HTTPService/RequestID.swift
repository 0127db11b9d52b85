// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

/// Names a request in logs and events. Kept as two numbers; text is made only where it is asked for.
@frozen
public struct RequestID: Sendable, Hashable {
  /// The first 64 bits.
  public var high: UInt64
  /// The last 64 bits.
  public var low: UInt64

  /// Makes an id of 128 bits; whoever makes it sees to its being unique.
  @inlinable
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Makes an id of 16 random bytes.
  public init(randomBytes bytes: [UInt8]) {
    precondition(bytes.count == 16, "an id is 128 bits")
    high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
    low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// In the form of a UUID, as Distribution's logs have it.
  public var text: String {
    var text: [UInt8] = []
    text.reserveCapacity(36)
    for (index, word) in [high, low].enumerated() {
      for shift in stride(from: 60, through: 0, by: -4) {
        let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 0xF
        text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        if (index, shift) == (0, 32) || (index, shift) == (0, 16) || (index, shift) == (0, 0)
          || (index, shift) == (1, 48)
        {
          text.append(UInt8(ascii: "-"))
        }
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
